# SPDX-License-Identifier: GPL-2.0-only
"""A unit that wants more than there is, beside one that behaves and hogs."""

import dataclasses

import arms
import hogs
import load
import task_sets
from measures import Measure

COMPARED = (*arms.BASELINES, arms.OURS)
# Finding out who is in whose way takes a tenth of a second, and as long again to catch up: that is part of it.
SECONDS = 20
MOST_MISSED = 1  # percent
RESERVE = "SloReserve=50%"

# Eight threads that want 0.75 ms every 4 ms each: one and a half CPUs.
ABUSER = load.Unit("abuser", 2000, (load.Part(8, 750, 4000),), weight=300)
HONEST = load.Unit("honest", 10_000, (load.Part(1, 3000, 10_000, offset_us=1300),))


class Figures:
    def __init__(self, how):
        self.how = named = f"abuse, {how}"
        self.missed = Measure(f"{named}: honest missed", "%", COMPARED, most=MOST_MISSED)
        self.own = Measure(f"{named}: honest missed, own count", "%", (arms.OURS,), most=MOST_MISSED)
        self.batch = Measure(f"{named}: batch", "% CPU", COMPARED, least=100 * task_sets.FLOOR)
        self.gap = Measure(f"{named}: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
        self.all = (self.missed, self.own, self.batch, self.gap)

    def take(self, arm, outcome):
        self.missed.add(arm, outcome.missed(HONEST))
        self.batch.add(arm, 100 * outcome.batch_share)
        self.gap.add(arm, outcome.gap_ms)
        if arm == arms.OURS:
            self.own.add(arm, outcome.own_missed(HONEST))


def with_reserve(unit):
    return dataclasses.replace(unit, settings=(RESERVE,))


def measure(rounds, say):
    """Reserves are nothing to the kernel's scheduler: one run of each baseline serves both."""
    plain, reserved = Figures("no reserves"), Figures("reserves of 50%")
    units = (ABUSER, HONEST)
    hogs.start()
    try:
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"abuse {number}"):
                for figures in (plain, reserved) if arm == arms.OURS else (plain,):
                    these = tuple(map(with_reserve, units)) if figures is reserved else units
                    load.enter(these, arm)
                    outcome = load.run(these, arm, SECONDS)
                    arms.check(arm)
                    figures.take(arm, outcome)
                    if arm != arms.OURS:
                        reserved.take(arm, outcome)
                    say(f"{figures.how}, {arm}: {outcome.describe()}")
        note = load.not_honoured([with_reserve(unit).drop_in() for unit in units], ["SloReserve"])
    finally:
        hogs.stop()
        load.remove(units)
    for measured in reserved.all:
        measured.note = note
    return [*plain.all, *reserved.all]

