# SPDX-License-Identifier: GPL-2.0-only
"""The three-unit set: what its units miss, and what batch work beside it gets done."""

import random

import arms
import hogs
import load
import machine
import task_sets
import three_units
from measures import Measure

COMPARED = (*arms.BASELINES, arms.OURS)
SECONDS = 6
# Under SCHED_FIFO, too, the units get all they want: what is left to batch differs by what the schedulers cost.
REFERENCE = arms.FIFO
BOUND_LEAST = 0.97
WEIGHTS = {"slo-fast.service": 1000, "slo-middle.service": 300, "slo-slow.service": 30}


def units_of(number):
    """Each round shifts the releases of the units against each other."""
    dice = random.Random(number)
    return tuple(
        load.Unit(
            spec.unit.removesuffix(".service"),
            int(spec.budget.removesuffix("ms")) * 1000,
            (
                load.Part(
                    spec.threads,
                    spec.exec_ms * 1000,
                    spec.period_ms * 1000,
                    dice.randrange(spec.period_ms * 1000) if number else 0,
                ),
            ),
            weight=WEIGHTS[spec.unit],
        )
        for spec in three_units.SET
    )


class Figures:
    def __init__(self):
        self.missed = {
            spec.unit: Measure(f"three units: {spec.unit.removesuffix('.service')} missed", "%", COMPARED, most=0)
            for spec in three_units.SET
        }
        self.own = Measure("three units: missed, own count", "jobs", (arms.OURS,), most=0)
        self.units = Measure("three units: CPU time", "% CPU", COMPARED)
        self.floor = Measure("three units: batch", "% CPU", COMPARED, least=100 * task_sets.FLOOR)
        self.gap = Measure("three units: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
        self.work = Measure(
            "batch beside three units", "bogo ops/s left", COMPARED, bound_least=BOUND_LEAST, reference=REFERENCE
        )
        self.all = [*self.missed.values(), self.own, self.units, self.floor, self.gap, self.work]

    def take(self, arm, units, outcome, operations):
        for unit in units:
            self.missed[f"{unit.name}.service"].add(arm, outcome.missed(unit))
        self.own.add(arm, sum(misses for _, misses in outcome.own.values()))
        self.units.add(arm, 100 * outcome.unit_share)
        self.floor.add(arm, 100 * outcome.batch_share)
        self.gap.add(arm, outcome.gap_ms)
        # Per second of the CPU that the units leave.
        self.work.add(arm, operations * outcome.batch_share / (1 - outcome.unit_share))


def measure(rounds, say):
    figures = Figures()
    for number in range(rounds):
        units = units_of(number)
        for arm in arms.order(COMPARED, f"three {number}"):
            hogs.start()
            try:
                load.enter(units, arm)
                outcome = load.run(units, arm, SECONDS)
                arms.check(arm)
            finally:
                hogs.stop()
                load.remove(units)
            figures.take(arm, units, outcome, hogs.operations_per_second())
            say(f"three units, {arm}: {outcome.describe()}")
    assert not machine.is_active(hogs.UNIT)
    return figures.all
