#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the demo's arithmetic: what pgbench logged becomes figures, and figures become cells of the table."""

import math
import pathlib
import sys
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(top / "tests/vm/demo.d"), str(top / "tests/integration")]

import pgbench  # noqa: E402
import table  # noqa: E402


def logged(at, latency_us):
    return f"0 1 {latency_us} 0 {int(at)} {int(at % 1 * 1e6)} 0"


class Summary(unittest.TestCase):
    def test_what_ended_outside_the_measured_time_does_not_count(self):
        log = "\n".join(logged(at, 1000) for at in (9.5, 10.0, 19.5, 20.0))
        self.assertEqual(pgbench.summarize(log, 10, 20)["n"], 2)

    def test_late_and_skipped_transactions_are_missed(self):
        limit_us = pgbench.LIMIT_MS * 1000
        log = "\n".join(logged(1, latency) for latency in (limit_us, limit_us + 1, "skipped"))
        figures = pgbench.summarize(log, 0, 2)
        self.assertEqual((figures["n"], figures["misses"], figures["skipped"]), (3, 2, 1))
        self.assertTrue(math.isinf(figures["p999_ms"]))

    def test_quantiles_are_nearest_ranks(self):
        figures = pgbench.summarize("\n".join(logged(1, 1000 * i) for i in range(1, 1001)), 0, 2)
        self.assertEqual((figures["p50_ms"], figures["p99_ms"], figures["p999_ms"]), (500, 990, 999))

    def test_no_transaction_at_all_is_an_error(self):
        with self.assertRaises(AssertionError):
            pgbench.summarize("", 0, 2)


class Cells(unittest.TestCase):
    def test_a_single_miss_does_not_round_to_none_nor_a_single_kept_job_to_all_missed(self):
        self.assertEqual(table.percent(0, 100_000), "0%")
        self.assertEqual(table.percent(1, 100_000), "<0.01%")
        self.assertEqual(table.percent(99_999, 100_000), ">99.99%")
        self.assertEqual(table.percent(100_000, 100_000), "100%")
        self.assertEqual(table.percent(1, 8), "12.50%")

    def test_what_was_not_sent_is_only_known_to_be_over_the_limit(self):
        self.assertEqual(table.milliseconds(math.inf, 6), ">6")

    def test_the_lines_of_the_table_are_equally_wide(self):
        figures = {"n": 10, "misses": 1, "p50_ms": 1.0, "p99_ms": 123.4, "p999_ms": math.inf, "limit_ms": 6}
        arm = {"rows": {"some work": figures, "other, longer work": figures}, "batch": {"batch": 0.5}}
        lines = table.render([arm, arm]).splitlines()
        self.assertEqual(len({len(line) for line in lines[1:]}), 1)


if __name__ == "__main__":
    unittest.main()
