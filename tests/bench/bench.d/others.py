# SPDX-License-Identifier: GPL-2.0-only
"""What services without a budget get: how soon one that wakes up has done its work, and how hogs share a CPU."""

import arms
import hogs
import load
import machine
import shares
import three
from measures import Measure

COMPARED = (*arms.BASELINES, arms.OURS)
# Where the question is what weights do, nobody tunes them.
PLAIN = (arms.KERNEL, arms.OURS)
# The first second is not looked at: who had how much of the CPU has to settle.
SECONDS, UNMEASURED_S = 7, 1
EXEC_US = 300
# It drifts through all phases of the tick, so that no figure depends on one of them.
PERIOD_US = 20_100
HOGS = (1, 4, 16)
WEIGHTS = (10, 20, 50, 80, 100, 100, 150, 300, 1000, 3000)
BOUND, WEIGHTS_BOUND = 1.5, 2
MOST_BESIDE_BUDGETS_MS = 50


def waker(name="waker", weight=100, offset_us=700):
    part = load.Part(1, EXEC_US, PERIOD_US, offset_us, unmeasured=UNMEASURED_S)
    return load.Unit(name, PERIOD_US, (part,), weight=weight, budgeted=False)


def p99_ms(outcome, unit):
    job = outcome.jobs[unit.name][0]
    assert job["n"] > 0, job
    return job["p99_ns"] / 1e6


def check_idle(arm):
    """systemd takes back what the last arm set."""
    idle = (machine.cgroup_of(hogs.UNIT).parent / "cpu.idle").read_text().strip()
    assert idle == f"{arm == arms.TUNED:d}", f"in the arm {arm} cpu.idle above {hogs.UNIT} is {idle}"


def run(units, arm, say, what):
    load.enter(units, arm, flat=False)
    outcome = load.run(units, arm, SECONDS)
    arms.check(arm)
    check_idle(arm)
    took = ", ".join(f"{unit.name} {p99_ms(outcome, unit):.2f} ms" for unit in units if not unit.budgeted)
    say(f"{what}, {arm}: p99 {took}; {outcome.describe()}")
    return outcome


def measure_alone(rounds, say, number):
    """One waker beside hogs in one other service."""
    what = f"waker beside {number} hog{'s' if number > 1 else ''}"
    figure = Measure(f"{what}: p99", "ms", COMPARED, BOUND)
    unit = waker()
    hogs.start(number)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"{what} {turn}"):
                figure.add(arm, p99_ms(run((unit,), arm, say, what), unit))
    finally:
        hogs.stop()
        load.remove((unit,))
    return [figure]


def measure_weights(rounds, say):
    """Wakers of ten weights. The hogs are in a service beside theirs, where these weights count."""
    units = [waker(f"waker{at}", weight, 700 + 1900 * at) for at, weight in enumerate(WEIGHTS)]
    figures = {
        unit: Measure(f"ten wakers, {unit.name} of weight {unit.weight}: p99", "ms", PLAIN, WEIGHTS_BOUND)
        for unit in units
    }
    machine.write_drop_in(hogs.UNIT, "[Service]\nSlice=system.slice\nCPUWeight=100\n", "90-bench.conf")
    hogs.start()
    try:
        for turn in range(rounds):
            for arm in arms.order(PLAIN, f"ten wakers {turn}"):
                outcome = run(units, arm, say, "ten wakers")
                for unit, figure in figures.items():
                    figure.add(arm, p99_ms(outcome, unit))
    finally:
        hogs.stop()
        load.remove(units)
    return list(figures.values())


def measure_beside_budgets(rounds, say):
    what = "waker beside three units"
    figure = Measure(f"{what}: p99", "ms", COMPARED, most=MOST_BESIDE_BUDGETS_MS)
    own = Measure(f"{what}: these missed, own count", "jobs", (arms.OURS,), most=0)
    hogs.start()
    try:
        for turn in range(rounds):
            unit, budgeted = waker(), three.units_of(turn)
            for arm in arms.order(COMPARED, f"{what} {turn}"):
                outcome = run((*budgeted, unit), arm, say, what)
                figure.add(arm, p99_ms(outcome, unit))
                own.add(arm, sum(misses for _, misses in outcome.own.values()))
    finally:
        hogs.stop()
        load.remove((*budgeted, unit))
    return [figure, own]


def measure(rounds, say):
    measured = measure_beside_budgets(rounds, say)
    arms.write_beside()
    machine.daemon_reload()
    machine.run("systemctl", "start", arms.BESIDE)
    try:
        alone = [figure for number in HOGS for figure in measure_alone(rounds, say, number)]
        return [*alone, *measure_weights(rounds, say), *measured, *shares.measure(rounds, say)]
    finally:
        machine.run("systemctl", "stop", arms.BESIDE)
        machine.remove_files(arms.BESIDE)
