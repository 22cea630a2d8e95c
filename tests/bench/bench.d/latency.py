# SPDX-License-Identifier: GPL-2.0-only
"""How late cyclictest wakes up in a unit with a budget, as an ordinary task beside CPU hogs."""

import json
import math
import pathlib

import arms
import machine
import three_units
from measures import Measure

# Not worse than without scx-slo.
BOUND = 1.0
HOGS = 4
SECONDS = 5
MOST_US = 100_000
UNIT = "bench-cyclictest.service"
OUTPUT = pathlib.Path("/run/bench-cyclictest.json")


def prepare():
    machine.write_unit(
        UNIT,
        "[Service]\nType=oneshot\n"
        f"ExecStart=/usr/bin/cyclictest --policy=other --threads=1 --interval=2000 --duration={SECONDS}"
        f" --histogram={MOST_US} --quiet --json={OUTPUT}\n"
        "StandardOutput=null\n",
    )
    machine.write_drop_in(UNIT, "[X-Slo]\nSloBudget=2ms\n")
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    three_units.start_hogs(HOGS)


def quantile(histogram, cycles, share):
    """The smallest latency in µs that at least this share of the wakeups did not exceed."""
    left = math.ceil(cycles * share)
    for latency, count in sorted((int(latency), count) for latency, count in histogram.items()):
        left -= count
        if left <= 0:
            return latency
    raise AssertionError(f"more than {1 - share:.1%} of the wakeups were later than {MOST_US} us")


def measure(rounds, say):
    compared = (arms.KERNEL, arms.OURS)
    half = Measure("cyclictest p50", "µs", compared)
    most = Measure("cyclictest p99", "µs", compared, BOUND)
    last = Measure("cyclictest max", "µs", compared)
    prepare()
    for number in range(rounds):
        for arm in arms.order(compared, number):
            arms.enter(arm)
            machine.wait_for("the hogs run", lambda: machine.running_hogs(three_units.HOGS) >= HOGS, 60)
            machine.run("systemctl", "start", UNIT, limit=600)
            thread = json.loads(OUTPUT.read_text())["thread"]["0"]
            half.values[arm].append(quantile(thread["histogram"], thread["cycles"], 0.5))
            most.values[arm].append(quantile(thread["histogram"], thread["cycles"], 0.99))
            last.values[arm].append(thread["max"])
            say(f"round {number + 1}, {arm}: p50 {half.values[arm][-1]} p99 {most.values[arm][-1]} max {thread['max']} µs")
            arms.check(arm)
    machine.run("systemctl", "stop", three_units.HOGS)
    return [half, most, last]
