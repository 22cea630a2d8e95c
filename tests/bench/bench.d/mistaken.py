# SPDX-License-Identifier: GPL-2.0-only
"""A CPU-bound service that has a budget by mistake, beside hogs of another group."""

import time

import arms
import hogs
import machine
from measures import Measure
from side_by_side import is_known

COMPARED = (*arms.BASELINES, arms.OURS)
SECONDS = 4
UNIT = "bench-mistaken.service"
BUDGET = "1ms"
# What the guarantee covers of a job with such a budget, and when it is used up in any case.
MAX_EXEC_MS = 100
SETTLED_MS = 3 * MAX_EXEC_MS
# It is one of two groups of the same weight; runs do not end with the measured time.
FAIR = 1 / 2
SLICE_MS = 20
MOST = 100 * (FAIR + SLICE_MS / (1000 * SECONDS - SETTLED_MS))


def write(arm):
    settings = {arms.TUNED: "CPUWeight=100\n", arms.FIFO: "CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=10\n"}
    machine.write_unit(
        UNIT,
        "[Service]\nExecStart=/usr/bin/stress-ng --cpu 1 --cpu-method int64 --timeout 0\n" + settings.get(arm, ""),
    )
    machine.write_drop_in(UNIT, f"[X-Slo]\nSloBudget={BUDGET}\n")


def start(arm):
    """Its budget is known, and it is held still: that is to sleep, so that a job begins when it is let go."""
    machine.run("systemctl", "restart", UNIT)
    machine.wait_for("the mistaken service runs", lambda: machine.running_hogs(UNIT) >= 1, 60)
    if arm == arms.OURS:
        machine.wait_for("its budget is known", lambda: is_known(UNIT), 60)
    hogs.freeze(True, UNIT)


def run(arm):
    """What it and the hogs had while its job was young, and afterwards."""
    start(arm)
    with hogs.Watch([UNIT]) as watch:
        begin_ns = time.monotonic_ns()
        hogs.freeze(False, hogs.UNIT, UNIT)
        hogs.sleep_until(begin_ns / 1e9 + SECONDS)
        hogs.freeze(True, hogs.UNIT, UNIT)
        young = watch.groups(begin_ns, begin_ns + SETTLED_MS * 10**6)
        settled = watch.groups(begin_ns + SETTLED_MS * 10**6, begin_ns + SECONDS * 10**9)
    hogs.freeze(False, UNIT)
    machine.run("systemctl", "stop", UNIT)
    return young, settled


def share(groups):
    """Percent of what it and the hogs had together."""
    return 100 * groups[UNIT].exec_ns / sum(group.exec_ns for group in groups.values())


def measure(rounds, say):
    taken = Measure("mistaken budget: share after 100 ms", "% of its and batch's", COMPARED, most=MOST)
    gap = Measure("mistaken budget: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
    hogs.start()
    try:
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"mistaken {number}"):
                write(arm)
                arms.enter(arm)
                young, settled = run(arm)
                arms.check(arm)
                assert arm != arms.OURS or young[UNIT].exec_ns >= 0.9e6 * MAX_EXEC_MS, "its budget was of no effect"
                taken.add(arm, share(settled))
                gap.add(arm, max(young[hogs.UNIT].longest_gap_ms, settled[hogs.UNIT].longest_gap_ms))
                say(f"mistaken, {arm}: {share(young):.1f}% at first, then {share(settled):.1f}%")
    finally:
        machine.run("systemctl", "stop", UNIT, check=False)
        machine.remove_files(UNIT)
        hogs.stop()
    return [taken, gap]
