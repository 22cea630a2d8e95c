# SPDX-License-Identifier: GPL-2.0-only
"""Two units that want 1.2 CPUs together, one of them more important; then the other's load falls."""

import arms
import hogs
import load
from measures import Measure

COMPARED = (*arms.BASELINES, arms.UNSHED, arms.OURS)
OVERLOAD_S, BACK_WITHIN_S, AFTERWARDS_S = 4, 5, 2
SECONDS = OVERLOAD_S + BACK_WITHIN_S + AFTERWARDS_S
# Of the misses that there are without shedding.
BOUND = 0.5

IMPORTANT = load.Unit(
    "important", 10_000, (load.Part(4, 3000, 20_000),), settings=("SloImportance=1000",), weight=1000
)
# 20% all the time, which is measured when it has to be back, and 40% more at first. It skips no work and does not
# sleep until it has caught up, which is one long job: the guarantee has to cover that, or it goes on among the hogs
# with less than it needs.
LESSER = load.Unit(
    "lesser",
    10_000,
    (
        load.Part(2, 2000, 20_000, offset_us=1700, unmeasured=OVERLOAD_S + BACK_WITHIN_S),
        load.Part(4, 2000, 20_000, offset_us=3300, seconds=OVERLOAD_S),
    ),
    settings=("SloImportance=100", "SloMaxExec=5s"),
)
UNITS = (IMPORTANT, LESSER)


def notes():
    files = [str(unit.drop_in()) for unit in UNITS]
    arms.CONFIG.parent.mkdir(parents=True, exist_ok=True)
    arms.CONFIG.write_text(arms.SETTINGS[arms.UNSHED])
    return load.not_honoured([*files, str(arms.CONFIG)], ["SloImportance", "Shedding"])


def measure(rounds, say):
    first = Measure("overload: important missed", "%", COMPARED, BOUND, reference=arms.UNSHED)
    own = Measure("overload: important missed, own count", "%", (arms.UNSHED, arms.OURS), BOUND, reference=arms.UNSHED)
    second = Measure("overload: lesser missed meanwhile", "%", COMPARED)
    back = Measure(f"overload: lesser missed {BACK_WITHIN_S} s after it", "%", COMPARED, most=0)
    gap = Measure("overload: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
    hogs.start()
    try:
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"overload {number}"):
                load.enter(UNITS, arm)
                outcome = load.run(UNITS, arm, SECONDS)
                arms.check(arm)
                first.add(arm, outcome.missed(IMPORTANT))
                second.add(arm, outcome.missed(LESSER, part=1))
                back.add(arm, outcome.missed(LESSER, part=0))
                gap.add(arm, outcome.gap_ms)
                if arm in own.arms:
                    own.add(arm, outcome.own_missed(IMPORTANT))
                say(f"overload, {arm}: {outcome.describe()}")
        note = notes()
    finally:
        hogs.stop()
        load.remove(UNITS)
        arms.leave()
    first.note = own.note = note
    return [first, own, second, back, gap]
