# SPDX-License-Identifier: GPL-2.0-only
"""Units with limits of CPU time, and what they use of them."""

import contextlib
import json
import os
import time

import machine

# Above whatever it measures, below the kernel's own threads.
PRIORITY = 50
# In a reading that takes longer, what was used and when that was do not belong together.
READING_S = 0.02


def hogs(count):
    return f"/usr/bin/stress-ng --cpu {count} --cpu-method int64 --timeout 0"


def start(*services):
    """Of (unit, number of its hogs): all of them run when this returns."""
    machine.start(*(unit for unit, _ in services))
    for unit, count in services:
        machine.wait_for(
            f"the hogs of {unit} run", lambda unit=unit, count=count: machine.running_hogs(unit) >= count, 120
        )


def number_of_tasks(unit):
    return len((machine.cgroup_of(unit) / "cgroup.threads").read_text().split())


def set_limit(unit, percent, period_ms=100):
    machine.run(
        "systemctl", "set-property", "--runtime", unit, f"CPUQuota={percent}%", f"CPUQuotaPeriodSec={period_ms}ms"
    )


def used_up_more_often_than(unit, times):
    """What scx-slo shows of a limit then; None: not yet."""
    shown = json.loads(machine.output("scx-slo", "stats", "--json"))["limits"]
    return next((of for of in shown if of["unit"] == unit and of["throttled_periods"] > times), None)


def revert(*units):
    machine.run("systemctl", "revert", *units)


@contextlib.contextmanager
def real_time():
    """Who reads at an instant comes before those whose use it reads."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def used_by(cgroups, instant):
    """What each has used by then, as the kernel counts it, and when that was exactly."""
    with real_time():
        machine.sleep_until(instant)
        while True:
            asked = time.monotonic()
            used = [machine.cpu_usec(cgroup) for cgroup in cgroups]
            told = time.monotonic()
            if told - asked < READING_S:
                return used, told


def used_usec(cgroups, begin, seconds):
    """What each used from an instant of time.monotonic() on, and how long that was."""
    before, began = used_by(cgroups, begin)
    after, ended = used_by(cgroups, began + seconds)
    return [late - early for early, late in zip(before, after, strict=True)], ended - began


def percent_of_cpu(cgroups, seconds, settle=0.0):
    """What each used of one CPU, in so many seconds after it has settled."""
    used, took = used_usec(cgroups, time.monotonic() + settle, seconds)
    return [usec / took / 10_000 for usec in used]
