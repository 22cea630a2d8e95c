#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds what the benchmarks compute to known answers: traces become gaps, bounds become verdicts, task sets fit."""

import pathlib
import random
import sys
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(top / "tests" / room) for room in ("bench/bench.d", "witness", "integration")]

import arms  # noqa: E402
import measures  # noqa: E402
import task_sets  # noqa: E402
import timeline  # noqa: E402
from jobs import PREEMPTED  # noqa: E402
from measures import Measure  # noqa: E402
from ring import Event  # noqa: E402
from task_sets import Task  # noqa: E402

ASLEEP = 1


def switch(time_ns, previous, following, state=PREEMPTED):
    values = {"prev_pid": previous, "next_pid": following, "prev_state": state}
    return Event(time_ns, 0, "sched_switch", values)


def wakeup(time_ns, tid):
    return Event(time_ns, 0, "sched_wakeup", {"pid": tid})


def fork(time_ns, parent, child):
    return Event(time_ns, 0, "sched_process_fork", {"parent_pid": parent, "child_pid": child})


def group(events, begin_ns=0, end_ns=1000):
    """Of the tasks 1 and 2; 0 is the idle task, and 9 somebody else."""
    seen = timeline.Group({1, 2}, begin_ns, end_ns)
    for event in events:
        seen.feed(event)
    return seen.finish()


class Timeline(unittest.TestCase):
    def test_exec_is_the_time_between_switches(self):
        seen = group([switch(100, 9, 1), switch(250, 1, 9), switch(400, 9, 2), switch(500, 2, 1), switch(600, 1, 9)])
        self.assertEqual(seen.exec_ns, 150 + 100 + 100)
        self.assertEqual(seen.share, 0.35)

    def test_a_gap_is_from_the_last_that_ran_to_the_next(self):
        events = [switch(100, 9, 1), switch(200, 1, 9), switch(650, 9, 2), switch(700, 2, 1)]
        self.assertEqual(group(events).longest_gap_ns, 450)

    def test_a_gap_begins_when_somebody_could_run(self):
        events = [switch(100, 9, 1), switch(200, 1, 0, ASLEEP), wakeup(500, 2), switch(530, 0, 2)]
        self.assertEqual(group(events).longest_gap_ns, 30)

    def test_while_all_sleep_there_is_no_gap(self):
        self.assertEqual(group([wakeup(5, 1), switch(10, 9, 1), switch(20, 1, 0, ASLEEP)]).longest_gap_ns, 5)

    def test_one_that_runs_is_enough(self):
        self.assertEqual(group([switch(0, 9, 1), wakeup(10, 2), switch(990, 1, 2)]).longest_gap_ns, 0)

    def test_a_gap_that_does_not_end_counts_up_to_the_end(self):
        self.assertEqual(group([switch(100, 9, 1), switch(300, 1, 9)]).longest_gap_ns, 700)

    def test_only_the_measured_time_counts(self):
        events = [switch(0, 9, 1), switch(100, 1, 9), switch(800, 9, 1), switch(2000, 1, 9), switch(2900, 9, 1)]
        seen = group(events, 300, 1000)
        self.assertEqual((seen.exec_ns, seen.longest_gap_ns), (200, 500))

    def test_one_that_runs_all_the_time_is_told_by_its_end_alone(self):
        self.assertEqual(group([switch(10, 9, 1)]).exec_ns, 990)

    def test_children_belong_to_the_group(self):
        events = [switch(0, 9, 1), fork(10, 1, 7), switch(20, 1, 7, ASLEEP), switch(50, 7, 9)]
        self.assertEqual(group(events).exec_ns, 50)

    def test_a_waking_up_of_one_that_waits_already_changes_nothing(self):
        self.assertEqual(group([wakeup(100, 1), wakeup(500, 1), switch(600, 9, 1)]).longest_gap_ns, 500)


class Verdicts(unittest.TestCase):
    BOTH = (arms.KERNEL, arms.OURS)

    def measure(self, kernel, ours, **bounds):
        measure = Measure("figure", "unit", self.BOTH, **bounds)
        measure.values = {arms.KERNEL: kernel, arms.OURS: ours}
        return measure

    def test_ratios_are_of_medians(self):
        self.assertTrue(self.measure([100, 100, 300], [105, 50, 900], bound=1.05).kept())
        self.assertFalse(self.measure([100], [106], bound=1.05).kept())
        self.assertTrue(self.measure([100], [97], bound_least=0.97).kept())
        self.assertFalse(self.measure([100], [96], bound_least=0.97).kept())

    def test_limits_are_for_each_value(self):
        self.assertFalse(self.measure([], [1, 1, 11], most=10).kept())
        self.assertFalse(self.measure([], [9, 9, 4], least=5).kept())
        self.assertTrue(self.measure([], [5, 10], most=10, least=5).kept())

    def test_nothing_is_less_than_half_of_nothing(self):
        self.assertTrue(self.measure([0], [0], bound=0.5).kept())
        self.assertFalse(self.measure([0], [1], bound=0.5).kept())

    def test_what_was_not_measured_is_not_kept(self):
        self.assertFalse(self.measure([1], []).kept())
        self.assertFalse(measures.failed("section", "why").kept())

    def test_the_table_says_which_bound_is_broken_and_what_to_know(self):
        broken = self.measure([100], [120], bound=1.1)
        broken.note = "SloReserve not honoured"
        kept, failed = self.measure([1], [1], most=2), measures.failed("section", "why")
        lines = measures.render([broken, kept, failed]).splitlines()
        self.assertRegex(lines[1], r"100\.0 +120\.0 +× 1\.200 +× ≤ 1\.1 +BROKEN +\(SloReserve not honoured\)$")
        self.assertNotIn("BROKEN", lines[2])
        self.assertRegex(lines[3], r"- .*BROKEN +\(why\)$")


class Order(unittest.TestCase):
    def test_all_arms_take_part_in_varied_orders_that_are_the_same_each_time(self):
        orders = [tuple(arms.order(arms.ALL, f"section {number}")) for number in range(5)]
        self.assertEqual({frozenset(order) for order in orders}, {frozenset(arms.ALL)})
        self.assertGreater(len(set(orders)), 3)
        self.assertEqual(orders[0], tuple(arms.order(arms.ALL, "section 0")))


class Sets(unittest.TestCase):
    def test_what_fits_and_what_does_not(self):
        fits = [Task(1000, 5000, 2000), Task(3000, 20_000, 10_000)]
        self.assertTrue(task_sets.is_feasible(fits))
        # Both are due within 4 ms, of which they need 3.6 and the floor takes 1.
        self.assertFalse(task_sets.is_feasible([Task(1800, 50_000, 2200), Task(1800, 50_000, 2200)]))
        self.assertFalse(task_sets.is_feasible([Task(600, 1000, 300), Task(600, 1000, 300)]))

    def test_costs_count(self):
        # Alone it has all the time that its jobs, ticks and turns of the floor leave.
        self.assertTrue(task_sets.is_feasible([Task(2000, 100_000, 2000)]))
        self.assertFalse(task_sets.is_feasible([Task(2000, 100_000, task_sets.JOB_US)]))

    def test_a_job_that_comes_while_another_is_due_counts(self):
        # At 14 ms one job of the long task and two of the short one are due.
        self.assertEqual(
            task_sets.demand_us([Task(3000, 6000, 3000), Task(6000, 100_000, 8000)], 14_000),
            2 * (3000 + task_sets.JOB_US) + 6000 + task_sets.JOB_US,
        )

    def test_beyond_the_horizon_nothing_fails(self):
        for seed in range(20):
            tasks = task_sets.draw_set(seed)
            turn = task_sets.turn_us(tasks)
            horizon = round(task_sets.horizon_us(tasks, turn))
            for t_us in range(horizon, 2 * horizon, max(1, horizon // 50)):
                self.assertLessEqual(task_sets.demand_us(tasks, t_us) + task_sets.taken_us(turn, t_us), t_us + 1)

    def test_drawn_sets_are_as_promised_and_the_same_each_time(self):
        for seed in range(60):
            tasks = task_sets.draw_set(seed)
            self.assertEqual(tasks, task_sets.draw_set(seed))
            self.assertTrue(task_sets.is_feasible(tasks))
            self.assertTrue(0.39 <= task_sets.utilisation(tasks) <= 0.85)
            for task in tasks:
                self.assertTrue(1000 <= task.budget_us <= 100_000 and task.deadline_us <= task.period_us)
                self.assertTrue(0 <= task.offset_us < task.period_us)

    def test_shares_add_up(self):
        shares = task_sets.uunifast(random.Random(1), 5, 0.7)
        self.assertAlmostEqual(sum(shares), 0.7)
        self.assertTrue(all(share >= 0 for share in shares))


if __name__ == "__main__":
    unittest.main()
