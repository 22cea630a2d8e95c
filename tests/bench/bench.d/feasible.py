# SPDX-License-Identifier: GPL-2.0-only
"""Task sets that can be scheduled, beside hogs: no job misses its budget."""

import arms
import hogs
import load
import task_sets
from measures import Measure

SETS = 52
# The baselines miss in nearly each set: so many of the sets say it.
SETS_OF_BASELINES = 6
SECONDS = 1
COMPARED = (*arms.BASELINES, arms.OURS)


def units_of(tasks):
    """An expert gives the more weight the shorter the budget is."""
    return tuple(
        load.Unit(
            f"set-{number}",
            task.budget_us,
            (load.Part(1, task.exec_us, task.period_us, task.offset_us),),
            weight=max(1, min(10_000, 2_000_000 // task.budget_us)),
        )
        for number, task in enumerate(tasks)
    )


def describe(seed, tasks, missed):
    shown = ", ".join(
        f"{task.exec_us} of {task.period_us} us within {task.budget_us}+{task.offset_us}" for task in tasks
    )
    return f"set {seed} missed {missed}: {shown}"


def write(seed, arm, last=()):
    """What the last set had more is gone: one unit at least has a budget at any time, or scx-slo would be idle."""
    units = units_of(task_sets.draw_set(seed))
    load.write(units, arm)
    load.remove(last[len(units) :])
    return units


class Sets:
    """The results of an arm, added up over its sets."""

    def __init__(self):
        self.jobs = self.missed = self.own_missed = self.sets_missed = 0
        self.gap_ms = 0.0

    def take(self, outcome):
        """How many jobs of one more set missed."""
        jobs = [job for parts in outcome.jobs.values() for job in parts]
        missed = sum(job["misses"] for job in jobs)
        # None was missed for want of counting; late ones may run into the next, and are one then.
        counted = sum(jobs for jobs, _ in outcome.own.values())
        assert not outcome.own or missed or counted >= sum(job["n"] for job in jobs), outcome
        self.jobs += sum(job["n"] for job in jobs)
        self.missed += missed
        self.own_missed += sum(misses for _, misses in outcome.own.values())
        self.sets_missed += missed > 0
        self.gap_ms = max(self.gap_ms, outcome.gap_ms)
        return missed


def run(arm, seeds, say):
    results, units = Sets(), write(seeds[0], arm)
    try:
        arms.enter(arm)
        for seed in seeds:
            units = write(seed, arm, units)
            missed = results.take(load.run(units, arm, SECONDS))
            if missed and arm == arms.OURS:
                say(describe(seed, task_sets.draw_set(seed), missed))
        arms.check(arm)
    finally:
        load.remove(units)
    return results


def measure(rounds, say):
    missed = Measure("feasible sets: missed", "% of jobs", COMPARED, most=0)
    own = Measure("feasible sets: missed, own count", "jobs", (arms.OURS,), most=0)
    sets = Measure("feasible sets: sets with a miss", "% of sets", COMPARED, most=0)
    gap = Measure("feasible sets: longest gap of batch", "ms", COMPARED, most=hogs.GAP_MS)
    hogs.start()
    try:
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"feasible {number}"):
                seeds = range(SETS * number, SETS * number + (SETS if arm == arms.OURS else SETS_OF_BASELINES))
                results = run(arm, seeds, say)
                missed.add(arm, 100 * results.missed / results.jobs)
                sets.add(arm, 100 * results.sets_missed / len(seeds))
                gap.add(arm, results.gap_ms)
                own.add(arm, results.own_missed)
                say(f"feasible, {arm}: {results.missed} of {results.jobs} jobs, {results.sets_missed} of {len(seeds)} sets")
    finally:
        hogs.stop()
    return [missed, own, sets, gap]
