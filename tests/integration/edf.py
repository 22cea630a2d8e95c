# SPDX-License-Identifier: GPL-2.0-only
"""What ideal preemptive EDF would have made of jobs that were recorded, on one CPU and at no cost."""

import dataclasses
import heapq


@dataclasses.dataclass(frozen=True)
class Job:
    unit: str
    released_ns: int
    exec_ns: int
    budget_ns: int
    waited_ns: int  # what the recorded scheduler let it wait

    @property
    def missed(self):
        return self.waited_ns > self.budget_ns

    @property
    def deadline_ns(self):
        """A job keeps its budget if it has executed by then, as it may wait for no longer."""
        return self.released_ns + self.budget_ns + self.exec_ns


def jobs_of(trace, unit_of):
    """The jobs in a recording that began and ended there. unit_of: name and budget_ns, by a unit of the trace."""
    jobs = []
    for records in trace.tasks().values():
        released = ran = None
        executed = 0
        for record in records:
            if record.kind in ("wake", "fork"):
                released, executed = record.time_ns, 0
            elif record.kind == "run":
                ran = record.time_ns
            elif ran is not None:
                executed, stopped, ran = executed + record.time_ns - ran, record.time_ns, None
                if record.kind == "sleep" and released is not None:
                    name, budget_ns = unit_of(trace.units[record.unit].name)
                    jobs.append(Job(name, released, executed, budget_ns, stopped - released - executed))
                    released = None
    return sorted(jobs, key=lambda job: job.released_ns)


def missed(jobs):
    """Of jobs in the order of their releases, those that end after their deadlines under EDF."""
    waiting, late, now, at = [], [], 0, 0
    while at < len(jobs) or waiting:
        if not waiting:
            now = max(now, jobs[at].released_ns)
        while at < len(jobs) and jobs[at].released_ns <= now:
            heapq.heappush(waiting, [jobs[at].deadline_ns, at, jobs[at].exec_ns])
            at += 1
        deadline_ns, number, left_ns = waiting[0]
        until = now + left_ns
        if at < len(jobs) and jobs[at].released_ns < until:
            waiting[0][2] -= jobs[at].released_ns - now
            now = jobs[at].released_ns
            continue
        now = until
        heapq.heappop(waiting)
        if now > deadline_ns:
            late.append(jobs[number])
    return late
