# SPDX-License-Identifier: GPL-2.0-only
"""The batch work that all scenarios run beside: CPU hogs, held still while nothing is measured."""

import functools
import pathlib
import re
import tempfile
import time

import machine
import three_units
import timeline
import witness
from tracefs import Trace

UNIT = three_units.HOGS
NUMBER = 4
GAP_MS = 100
METRICS = pathlib.Path("/run/bench-hogs.yaml")
TRACE_MEGABYTES = 64


def start(number=NUMBER):
    """They run, and are held still: time passes at no cost then, as the virtual clock skips what nobody needs."""
    METRICS.unlink(missing_ok=True)
    three_units.write_hogs(number, f"--yaml {METRICS}")
    machine.daemon_reload()
    three_units.start_hogs(number)
    freeze(True)


def stop():
    if machine.is_active(UNIT):
        freeze(False)
    machine.run("systemctl", "stop", UNIT)
    machine.remove_files(UNIT)


def freeze(frozen, *units):
    machine.freeze(frozen, *(units or (UNIT,)))


def tids(unit):
    return [int(tid) for tid in (machine.cgroup_of(unit) / "cgroup.threads").read_text().split()]


def operations_per_second():
    """Of CPU time; when they have ended."""
    return float(re.search(r"bogo-ops-per-second-usr-sys-time: ([0-9.]+)", METRICS.read_text())[1])


class Watch:
    """Traces what the hogs and some units do, from when the hogs are held still until they are again."""

    def __init__(self, units=()):
        self.tids = {unit: tids(unit) for unit in (UNIT, *units)}
        self.trace = Trace(TRACE_MEGABYTES, sum(self.tids.values(), []))

    def __enter__(self):
        self.trace.start()
        return self

    def __exit__(self, *_):
        self.trace.remove()

    @functools.cached_property
    def events(self):
        self.trace.stop()
        self.trace.check_complete()
        with tempfile.TemporaryDirectory() as directory:
            self.trace.save(pathlib.Path(directory))
            return witness.events(pathlib.Path(directory))

    def groups(self, begin_ns, end_ns):
        """By unit, between two instants of time.monotonic_ns()."""
        groups = {unit: timeline.Group(tids, begin_ns, end_ns) for unit, tids in self.tids.items()}
        for event in self.events:
            for group in groups.values():
                group.feed(event)
        return {unit: group.finish() for unit, group in groups.items()}


def sleep_until(instant):
    time.sleep(max(0, instant - time.monotonic()))
