# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per pipe round trip, in a flat cgroup: no cpu controller, no groups by session."""

import json
import pathlib

import arms
import machine

BOUND = 1.15
# Observing: what counting costs without our scheduler.
ACCOUNTING_BOUND, ACCOUNTING_BOUND_BUDGETED = 1.06, 1.12
ROUND_TRIPS = 20000
PLAIN = "bench-pipe.service"
BUDGETED = "bench-pipe-slo.service"
OUTPUT = pathlib.Path("/run/bench-pipe.json")


def prepare():
    pathlib.Path("/proc/sys/kernel/sched_autogroup_enabled").write_text("0")
    assert "cpu" not in (machine.CGROUP / "system.slice" / "cgroup.controllers").read_text().split(), "not flat"
    for unit in (PLAIN, BUDGETED):
        machine.write_unit(
            unit,
            f"[Service]\nType=oneshot\nExecStart=/usr/local/bin/pipe_round_trips {ROUND_TRIPS}\n"
            f"StandardOutput=truncate:{OUTPUT}\n",
        )
    machine.write_drop_in(BUDGETED, "[X-Slo]\nSloBudget=5ms\n")
    machine.daemon_reload()


def instructions(unit):
    machine.run("systemctl", "start", unit)
    return json.loads(OUTPUT.read_text())["ns_per_round_trip"]


def measure_arms(name, compared, bounds, rounds, say):
    plain = arms.Measure(f"{name}, no budget", "instructions", compared, bounds[0])
    budgeted = arms.Measure(f"{name}, with a budget", "instructions", compared, bounds[1])
    prepare()
    for number in range(rounds):
        for arm in compared:
            arms.enter(arm)
            for figure, unit in ((plain, PLAIN), (budgeted, BUDGETED)):
                figure.values[arm].append(instructions(unit))
                say(f"round {number + 1}, {arm}: {figure.name}: {figure.values[arm][-1]:.0f} {figure.unit}")
            arms.check(arm)
    machine.remove_files(PLAIN)
    machine.remove_files(BUDGETED)
    return [plain, budgeted]


def measure(rounds, say):
    return measure_arms("pipe round trip", ("kernel", "scx-slo"), (BOUND, BOUND), rounds, say)


def measure_accounting(rounds, say):
    return measure_arms(
        "pipe round trip, observed",
        ("kernel", "observing"),
        (ACCOUNTING_BOUND, ACCOUNTING_BOUND_BUDGETED),
        rounds,
        say,
    )
