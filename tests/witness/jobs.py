# SPDX-License-Identifier: GPL-2.0-only
"""Jobs from scheduling events, by the definitions alone: this shares no code with what it checks.

A job begins when its task wakes up, or is made; it ends when the task goes to sleep, or exits. Preemption, yield and
migration do not end it. Wait is all the time of it that the task is runnable without running; exec is what it runs.
Tasks of a real-time class have no jobs.
"""

import dataclasses

# prev_state of sched_switch: preempted, hence still runnable (TASK_REPORT_MAX of include/linux/sched.h).
PREEMPTED = 0x100
# Kernel priorities below this are real-time and deadline tasks.
MAX_RT_PRIO = 100


@dataclasses.dataclass(frozen=True)
class Job:
    tid: int
    comm: str
    begin_ns: int
    end_ns: int
    first_wait_ns: int
    wait_ns: int
    exec_ns: int

    @property
    def response_ns(self):
        return self.wait_ns + self.exec_ns


@dataclasses.dataclass
class Task:
    begin_ns: int | None = None  # of the present job; None: none, or one that nobody saw begin
    in_job: bool = False
    since_ns: int = 0  # when it began to wait or to run
    running: bool = False
    has_run: bool = False
    first_wait_ns: int = 0
    wait_ns: int = 0
    exec_ns: int = 0
    waking_ns: int | None = None
    slept_ns: int = 0

    def begin(self, at_ns, seen):
        self.begin_ns = at_ns if seen else None
        self.in_job, self.since_ns = True, at_ns
        self.running = self.has_run = False
        self.first_wait_ns = self.wait_ns = self.exec_ns = 0

    def run(self, now_ns):
        if not self.in_job:
            self.begin(now_ns, seen=False)
        self.wait_ns += now_ns - self.since_ns
        if not self.has_run:
            self.first_wait_ns, self.has_run = self.wait_ns, True
        self.running, self.since_ns = True, now_ns

    def stop(self, now_ns):
        self.exec_ns += now_ns - self.since_ns
        self.running, self.since_ns = False, now_ns


class Witness:
    """Feed it with events in the order of time; `jobs` has what ended since, by unit."""

    def __init__(self, unit_of_tid):
        self.unit_of_tid = dict(unit_of_tid)
        self.tasks = {}
        self.jobs = {unit: [] for unit in set(self.unit_of_tid.values())}
        # Jobs that ended and of which nobody saw the beginning.
        self.unseen = 0

    def feed(self, event):
        getattr(self, event.name)(event.time_ns, event.values)

    def task(self, tid):
        return self.tasks.setdefault(tid, Task())

    def sched_process_fork(self, _now_ns, values):
        child = values["child_pid"]
        self.tasks.pop(child, None)
        # The number may have been that of another task, which has ended.
        self.unit_of_tid.pop(child, None)
        if values["parent_pid"] in self.unit_of_tid:
            self.unit_of_tid[child] = self.unit_of_tid[values["parent_pid"]]

    # The waker's word: it may come before the task has left its CPU, and for tasks that never slept.
    def sched_waking(self, now_ns, values):
        if values["pid"] in self.unit_of_tid:
            self.task(values["pid"]).waking_ns = now_ns

    def sched_wakeup(self, now_ns, values):
        if values["pid"] not in self.unit_of_tid:
            return
        task = self.task(values["pid"])
        waking_ns, task.waking_ns = task.waking_ns, None
        if values["prio"] < MAX_RT_PRIO:
            task.in_job = False
        elif not task.in_job:
            task.begin(max(waking_ns or now_ns, task.slept_ns), seen=True)

    sched_wakeup_new = sched_wakeup

    def sched_switch(self, now_ns, values):
        if values["prev_pid"] in self.unit_of_tid:
            self.switch_out(now_ns, values)
        if values["next_pid"] in self.unit_of_tid:
            task = self.task(values["next_pid"])
            if values["next_prio"] < MAX_RT_PRIO:
                task.in_job = False
            else:
                task.run(now_ns)

    def switch_out(self, now_ns, values):
        task = self.task(values["prev_pid"])
        if values["prev_prio"] < MAX_RT_PRIO:
            task.in_job = False
        if not task.in_job or not task.running:
            return
        task.stop(now_ns)
        if values["prev_state"] == 0 or values["prev_state"] & PREEMPTED:
            return
        task.in_job, task.slept_ns = False, now_ns
        if task.begin_ns is None:
            self.unseen += 1
            return
        times = (task.begin_ns, now_ns, task.first_wait_ns, task.wait_ns, task.exec_ns)
        self.jobs[self.unit_of_tid[values["prev_pid"]]].append(Job(values["prev_pid"], values["prev_comm"], *times))


def bounded_ns(job, metric):
    """What the budget bounds."""
    return job.response_ns if metric == "response" else job.wait_ns


def cause_of(job, metric, budget_ns, max_exec_ns):
    """Why a job missed its budget; None: it did not. What the task did itself comes before what others did."""
    if bounded_ns(job, metric) <= budget_ns:
        return None
    if job.exec_ns > max_exec_ns:
        return "overlong"
    start_within_ns = budget_ns
    if metric == "response":
        if job.exec_ns > budget_ns:
            return "overrun"
        # So late the task could have started and have kept its budget, had nobody held it up afterwards.
        start_within_ns -= job.exec_ns
    return "late-start" if job.first_wait_ns > start_within_ns else "preempted"
