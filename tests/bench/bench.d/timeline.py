# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's own trace says of a group of tasks: the CPU time they had, and how long all of them had to wait."""

from jobs import PREEMPTED


class Group:
    """Feed it with the events of a trace in the order of time, from before begin_ns on; then finish()."""

    def __init__(self, tids, begin_ns, end_ns):
        self.tids, self.begin_ns, self.end_ns = set(tids), begin_ns, end_ns
        self.runnable, self.running = set(), set()
        self.since_ns = self.waits_from_ns = None
        self.exec_ns = self.longest_gap_ns = 0

    def feed(self, event):
        getattr(self, event.name)(event.time_ns, event.values)

    def sched_process_fork(self, _now_ns, values):
        if values["parent_pid"] in self.tids:
            self.tids.add(values["child_pid"])

    def sched_waking(self, _now_ns, _values):
        """Not runnable yet."""

    def sched_wakeup(self, now_ns, values):
        if values["pid"] in self.tids and values["pid"] not in self.runnable:
            self.advance(now_ns)
            self.runnable.add(values["pid"])
            self.note_wait(now_ns)

    sched_wakeup_new = sched_wakeup

    def sched_switch(self, now_ns, values):
        previous, following = values["prev_pid"], values["next_pid"]
        if previous not in self.tids and following not in self.tids:
            return
        self.advance(now_ns)
        self.running.discard(previous)
        if values["prev_state"] != 0 and not values["prev_state"] & PREEMPTED:
            self.runnable.discard(previous)
        elif previous in self.tids:
            self.runnable.add(previous)
        if following in self.tids:
            self.runnable.add(following)
            self.running.add(following)
        self.note_wait(now_ns)

    def advance(self, now_ns):
        if self.since_ns is not None:
            self.exec_ns += self.within_ns(self.since_ns, now_ns) * len(self.running)
        self.since_ns = now_ns

    def note_wait(self, now_ns):
        waits = bool(self.runnable) and not self.running
        if waits and self.waits_from_ns is None:
            self.waits_from_ns = now_ns
        elif not waits and self.waits_from_ns is not None:
            self.longest_gap_ns = max(self.longest_gap_ns, self.within_ns(self.waits_from_ns, now_ns))
            self.waits_from_ns = None

    def within_ns(self, from_ns, to_ns):
        """How much of it is in the measured time."""
        return max(0, min(to_ns, self.end_ns) - max(from_ns, self.begin_ns))

    def finish(self):
        self.advance(max(self.end_ns, self.since_ns or 0))
        self.runnable.clear()
        self.running.clear()
        self.note_wait(self.end_ns)
        return self

    @property
    def share(self):
        """Of one CPU."""
        return self.exec_ns / (self.end_ns - self.begin_ns)

    @property
    def longest_gap_ms(self):
        return self.longest_gap_ns / 1e6
