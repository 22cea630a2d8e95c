# SPDX-License-Identifier: GPL-2.0-only
"""One queue, the longest first, and workers that take from it, each on CPUs of its own."""

import dataclasses
import os
import threading
import traceback

# An emulated machine keeps one CPU busy and wants 3 GB with all around it, a compiler hardly less. More at a time than
# this would ask for more memory than many hosts have, and gain little: there are not many more stages than that.
MOST_WORKERS = 4


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    seconds: float
    needs: frozenset = frozenset()  # names of those that have to end well before
    alone: bool = False  # it is given all CPUs


class Queue:
    """Who is next. Knows nothing of threads."""

    def __init__(self, jobs):
        self.waiting = {job.name: job for job in jobs}
        self.running = {}
        # What is needed and not in the queue is there already.
        self.open = set(self.waiting)
        self.failed = set()
        self.weights = {job.name: self.weight(job) for job in jobs}

    def weight(self, job):
        """How long it takes with the longest of what waits for it: what holds others up goes first."""
        after = [self.weight(other) for other in self.waiting.values() if job.name in other.needs]
        return job.seconds + max(after, default=0)

    def take(self):
        """The next job to run beside those that run, or None as long as there is none."""
        if any(job.alone for job in self.running.values()):
            return None
        ready = [job for job in self.waiting.values() if not job.needs & self.open]
        if self.running:
            ready = [job for job in ready if not job.alone]
        if not ready:
            return None
        job = max(ready, key=lambda one: self.weights[one.name])
        self.running[job.name] = self.waiting.pop(job.name)
        return job

    def finish(self, name, well):
        del self.running[name]
        if well:
            self.open.discard(name)
        else:
            self.failed.add(name)

    def drop(self):
        self.waiting.clear()

    def blocked(self):
        """(job, what it needed and did not end well) of all that will never run."""
        dead, before = dict.fromkeys(self.failed), -1
        while len(dead) != before:
            before = len(dead)
            for job in self.waiting.values():
                bad = sorted(need for need in job.needs if need in dead)
                if bad and job.name not in dead:
                    dead[job.name] = dead[bad[0]] or bad[0]
        return [(job, dead[job.name]) for job in self.waiting.values() if job.name in dead]

    def over(self):
        return not self.running and len(self.blocked()) == len(self.waiting)


def shares(cpus, most=MOST_WORKERS):
    """The CPUs of each worker, evenly."""
    cpus = sorted(cpus)
    workers = max(1, min(most, len(cpus)))
    size = len(cpus) // workers
    return [set(cpus[number * size : (number + 1) * size]) for number in range(workers)]


class Workers:
    """Runs a queue to its end. `work(job)` says whether the job ended well."""

    def __init__(self, queue, work, cpus=None):
        self.queue = queue
        self.work = work
        self.cpus = cpus or os.sched_getaffinity(0)
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self.serve, args=(share,)) for share in shares(self.cpus)]

    def run(self):
        for thread in self.threads:
            thread.start()
        self.join()

    def join(self):
        for thread in self.threads:
            if thread.ident:
                thread.join()

    def stop(self):
        """What runs is ended by others; nothing more begins."""
        with self.changed:
            self.queue.drop()
            self.changed.notify_all()

    def serve(self, share):
        while job := self.wait():
            # Of this thread, and inherited by what it starts.
            os.sched_setaffinity(0, self.cpus if job.alone else share)
            try:
                well = self.work(job)
            except Exception:  # the others shall be told, not wait for ever
                traceback.print_exc()
                well = False
            with self.changed:
                self.queue.finish(job.name, well)
                self.changed.notify_all()

    def wait(self):
        with self.changed:
            while True:
                job = self.queue.take()
                if job or self.queue.over():
                    return job
                self.changed.wait()
