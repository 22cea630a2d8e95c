# SPDX-License-Identifier: GPL-2.0-only
"""Units whose response is bounded and units whose wait is, in one queue beside hogs."""

import arms
import hogs
import load
from measures import Measure

COMPARED = (*arms.BASELINES, arms.OURS)
SECONDS = 6
MOST_MISSED = 0.1  # percent

FAST = load.Unit("fast", 3000, (load.Part(1, 1000, 5000),), metric="response", weight=1000)
MIDDLE = load.Unit("middle", 10_000, (load.Part(2, 3000, 20_000, offset_us=700),), weight=300)
SLOW = load.Unit("slow", 65_000, (load.Part(2, 15_000, 100_000, offset_us=2900),), metric="response", weight=30)
UNITS = (FAST, MIDDLE, SLOW)
BOUNDED = (FAST, SLOW)


def percent(outcome, units):
    jobs = [outcome.jobs[unit.name][0] for unit in units]
    return 100 * sum(job["misses"] for job in jobs) / sum(job["n"] for job in jobs)


def measure(rounds, say):
    missed = Measure("response: missed", "%", COMPARED, most=MOST_MISSED)
    own = Measure("response: missed, own count", "%", (arms.OURS,), most=MOST_MISSED)
    beside = Measure("response: missed by who waits beside", "%", COMPARED, most=MOST_MISSED)
    gap = Measure("response: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
    hogs.start()
    try:
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"response {number}"):
                load.enter(UNITS, arm)
                outcome = load.run(UNITS, arm, SECONDS)
                arms.check(arm)
                missed.add(arm, percent(outcome, BOUNDED))
                beside.add(arm, percent(outcome, [MIDDLE]))
                gap.add(arm, outcome.gap_ms)
                if arm == arms.OURS:
                    own.add(arm, max(outcome.own_missed(unit) for unit in BOUNDED))
                say(f"response, {arm}: {outcome.describe()}")
    finally:
        hogs.stop()
        load.remove(UNITS)
    return [missed, own, beside, gap]
