# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per pipe round trip where no control group has a share of its own, and of hackbench."""

import json
import pathlib
import re
import time

import arms
import hogs
import machine
from measures import Measure

BOUND = 1.05
MESSAGES_BOUND = 1.03
COMPILE_BOUND = 1.03
# Who of its 80 processes meets whom is chance: one run differs from the next by 4%, with either scheduler.
MESSAGES_ROUNDS = 9
# Observing: what counting costs without our scheduler.
ACCOUNTING_BOUND, ACCOUNTING_BOUND_BUDGETED = 1.06, 1.12
ROUND_TRIPS = 20000
PLAIN, BUDGETED = "bench-pipe.service", "bench-pipe-slo.service"
LIMITED_BOUND = 1.03
# In a control group of its own, without a limit, and with one that is out of reach.
LIMITS = {"grouped": "CPUWeight=100\n", "limited": "CPUWeight=100\nCPUQuota=200%\n"}
MESSAGES = "bench-messages.service"
COMPILE = "bench-compile.service"
HOGS = 2
OUTPUT = pathlib.Path("/run/bench-cost.out")


def write(unit, command, settings=""):
    machine.write_unit(
        unit, f"[Service]\nType=oneshot\nExecStart={command}\nStandardOutput=truncate:{OUTPUT}\n{settings}"
    )


def write_pipes():
    """No groups by session: no cpu controller, then, means no groups at all."""
    pathlib.Path("/proc/sys/kernel/sched_autogroup_enabled").write_text("0")
    for unit in (PLAIN, BUDGETED):
        write(unit, f"/usr/local/bin/pipe_round_trips {ROUND_TRIPS}")
    machine.write_drop_in(BUDGETED, "[X-Slo]\nSloBudget=5ms\n")
    machine.daemon_reload()


def remove(*units):
    for unit in units:
        machine.remove_files(unit)
    machine.daemon_reload()
    pathlib.Path("/proc/sys/kernel/sched_autogroup_enabled").write_text("1")


def round_trip(unit):
    assert "cpu" not in (machine.CGROUP / "system.slice/cgroup.controllers").read_text().split(), "not flat"
    return instructions(unit)


def instructions(unit):
    machine.run("systemctl", "start", unit)
    return json.loads(OUTPUT.read_text())["ns_per_round_trip"]


def messages(unit):
    """In ms, which is millions of instructions."""
    machine.run("systemctl", "start", unit)
    return 1000 * float(re.search(r"^Time: ([0-9.]+)$", OUTPUT.read_text(), re.MULTILINE)[1])


def duration(unit):
    """In ms."""
    begin = time.monotonic()
    machine.run("systemctl", "start", unit, limit=300)
    return 1000 * (time.monotonic() - begin)


def measure_arms(figures, take, compared, rounds, say, flat=True):
    """`figures`: of each unit."""
    for number in range(rounds):
        for arm in arms.order(compared, number):
            arms.enter(arm, flat)
            for unit, figure in figures.items():
                figure.add(arm, take(unit))
                say(f"round {number + 1}, {arm}: {figure.name}: {figure.values[arm][-1]:.0f} {figure.unit}")
            arms.check(arm)
    return list(figures.values())


def pipe_figures(name, compared, bounds):
    return {
        PLAIN: Measure(f"{name}, no budget", "instructions", compared, bounds[0]),
        BUDGETED: Measure(f"{name}, with a budget", "instructions", compared, bounds[1]),
    }


def measure_flat(name, compared, bounds, rounds, say):
    write_pipes()
    measured = measure_arms(pipe_figures(name, compared, bounds), round_trip, compared, rounds, say)
    remove(PLAIN, BUDGETED)
    return measured


def measure(rounds, say):
    return measure_flat("pipe round trip", (arms.KERNEL, arms.OURS), (BOUND, BOUND), rounds, say)


def measure_accounting(rounds, say):
    bounds = (ACCOUNTING_BOUND, ACCOUNTING_BOUND_BUDGETED)
    return measure_flat("pipe round trip, observed", (arms.KERNEL, arms.OBSERVING), bounds, rounds, say)


def pipe_in(group, budgeted):
    return f"bench-pipe-{group}{'-slo' if budgeted else ''}.service"


def write_limited():
    units = {pipe_in(group, budgeted): settings for group, settings in LIMITS.items() for budgeted in (False, True)}
    for unit, settings in units.items():
        write(unit, f"/usr/local/bin/pipe_round_trips {ROUND_TRIPS}", settings)
    for group in LIMITS:
        machine.write_drop_in(pipe_in(group, True), "[X-Slo]\nSloBudget=5ms\n")
    machine.daemon_reload()
    return units


def measure_limited(rounds, say):
    """Each scheduler against itself."""
    compared = (arms.KERNEL, arms.OURS)
    name = "pipe round trip under CPUQuota=, against one without"
    figures = {
        False: Measure(f"{name}, no budget", "×", compared, most=LIMITED_BOUND),
        True: Measure(f"{name}, with a budget", "×", compared, most=LIMITED_BOUND),
    }
    units = write_limited()
    for number in range(rounds):
        for arm in arms.order(compared, number):
            arms.enter(arm, flat=False)
            for budgeted, figure in figures.items():
                order = arms.order(LIMITS, f"{arm} {budgeted} {number}")
                took = {group: instructions(pipe_in(group, budgeted)) for group in order}
                figure.add(arm, took["limited"] / took["grouped"])
                say(f"{figure.name}, {arm}: {took['limited']:.0f} and {took['grouped']:.0f} instructions")
            arms.check(arm)
    remove(*units)
    return list(figures.values())


def measure_compile(rounds, say):
    """Processes that come and go, as in a build, beside hogs: how long so many of them take."""
    compared = (arms.KERNEL, arms.OURS)
    write(COMPILE, "/usr/bin/stress-ng --fork 1 --fork-ops 600 --exec 1 --exec-ops 100", "Slice=batch.slice\n")
    write_pipes()
    figure = Measure(f"a build beside {HOGS} hogs", "ms", compared, COMPILE_BOUND)
    hogs.start(HOGS)
    hogs.freeze(False)
    try:
        return measure_arms({COMPILE: figure}, duration, compared, rounds, say)
    finally:
        hogs.stop()
        remove(COMPILE, PLAIN, BUDGETED)


def measure_messages(rounds, say):
    rounds = max(rounds, MESSAGES_ROUNDS)
    compared = (arms.KERNEL, arms.OURS)
    write(MESSAGES, "/usr/bin/hackbench -l 100 -g 2")
    write_pipes()
    figure = Measure("hackbench", "million instructions", compared, MESSAGES_BOUND)
    measured = measure_arms({MESSAGES: figure}, messages, compared, rounds, say)
    remove(MESSAGES, PLAIN, BUDGETED)
    return measured
