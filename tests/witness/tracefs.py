# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's trace of scheduling events, switched on and off and saved as it is."""

import os
import pathlib

import ring

TRACING = pathlib.Path("/sys/kernel/tracing")


class Trace:
    """Records the scheduling events of the whole machine between start() and stop(), in a buffer of its own."""

    def __init__(self, megabytes, tids=()):
        """With tids: only what happens to these."""
        self.place = TRACING / "instances" / "scx-slo-witness"
        self.place.mkdir()
        (self.place / "tracing_on").write_text("0")
        (self.place / "trace_clock").write_text("mono")
        (self.place / "buffer_size_kb").write_text(str(megabytes * 1024))
        # What finds no room is dropped and counted: what is there has no gaps before that.
        (self.place / "options" / "overwrite").write_text("0")
        (self.place / "set_event_pid").write_text(" ".join(map(str, tids)))
        for name in ring.EVENTS:
            (self.place / "events/sched" / name / "enable").write_text("1")

    def start(self):
        (self.place / "tracing_on").write_text("1")

    def stop(self):
        (self.place / "tracing_on").write_text("0")

    def cpus(self):
        return sorted(self.place.glob("per_cpu/cpu[0-9]*"))

    def check_complete(self):
        for cpu in self.cpus():
            ring.check_complete((cpu / "stats").read_text())

    def save(self, directory):
        for cpu in self.cpus():
            with open(cpu / "trace_pipe_raw", "rb", buffering=0) as pipe:
                copy_pages(pipe, directory / f"{cpu.name}.raw")
        for name in ring.EVENTS:
            (directory / f"{name}.format").write_bytes((TRACING / "events/sched" / name / "format").read_bytes())

    def remove(self):
        self.stop()
        self.place.rmdir()


def copy_pages(pipe, path):
    """Until there is no more; the end of a trace that was stopped does not block."""
    os.set_blocking(pipe.fileno(), False)
    with path.open("wb") as copy:
        while page := pipe.read(ring.PAGE_SIZE):
            copy.write(page.ljust(ring.PAGE_SIZE, b"\0"))
