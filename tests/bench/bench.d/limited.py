# SPDX-License-Identifier: GPL-2.0-only
"""What CPUQuota= means: how exactly it is kept, what is left to others, and how long they wait for a limited crowd."""

import pathlib

import arms
import hogs
import limits
import load
import machine
import others
from measures import Measure

COMPARED = (arms.KERNEL, arms.OURS)
LIMITED, CROWD = "bench-limited.service", "bench-crowd.service"
CROWD_SIZE = 200
# Each is still until all are there: to begin beside those that spin already would take minutes.
CROWD_SCRIPT = pathlib.Path("/run/bench-crowd.sh")
CROWD_TEXT = f"for i in $(seq {CROWD_SIZE}); do sh -c 'kill -STOP $$; while :; do :; done' & done; wait\n"
WITHIN, WITHIN_SHARES = 1, 2
# Of a CPU, and the period in milliseconds. Two thirds can be had beside hogs only by weight.
CASES = ((20, 10), (20, 100), (20, 1000), (66, 100))
WEIGHT = 1000
SECONDS, SETTLE_S = 10, 2
# What each of four services is to have: of the CPU the limit, of what is left the weight.
SHARES = (
    ("who has 10%", "CPUQuota=10%\n"),
    ("another of 10%", "CPUQuota=10%\n"),
    ("weight 100", "CPUWeight=100\n"),
    ("weight 300", "CPUWeight=300\n"),
)
BOUND = 1.1


def write(unit, command, settings=""):
    machine.write_unit(unit, f"[Service]\nExecStart={command}\n{settings}")


def stop(*units):
    machine.freeze(False, *units)
    machine.run("systemctl", "stop", *units)
    limits.revert(*units)
    for unit in units:
        machine.remove_files(unit)


def measure_accuracy(rounds, say):
    """Beside hogs, before which it comes by its weight as long as it may."""
    figures = {case: Measure(f"{case[0]}% per {case[1]} ms", "%", COMPARED, within=WITHIN) for case in CASES}
    write(LIMITED, limits.hogs(2), f"CPUWeight={WEIGHT}\nCPUQuota=50%\n")
    hogs.start()
    limits.start((LIMITED, 2))
    machine.freeze(True, LIMITED)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"accuracy {turn}"):
                arms.enter(arm, flat=False)
                machine.freeze(False, LIMITED, hogs.UNIT)
                for (percent, period_ms), figure in figures.items():
                    limits.set_limit(LIMITED, percent, period_ms)
                    (used,) = limits.percent_of_cpu([machine.cgroup_of(LIMITED)], SECONDS, SETTLE_S)
                    figure.add(arm, used)
                    say(f"{figure.name}, {arm}: {used:.2f}%")
                arms.check(arm)
                machine.freeze(True, LIMITED, hogs.UNIT)
    finally:
        stop(LIMITED)
        hogs.stop()
    return list(figures.values())


def measure_shares(rounds, say):
    """What two that are limited leave is shared by weight."""
    names = [f"bench-share{number}.service" for number in range(len(SHARES))]
    figures = [Measure(f"two of 10%, two by weight: {what}", "%", COMPARED, within=WITHIN_SHARES) for what, _ in SHARES]
    for name, (_, settings) in zip(names, SHARES, strict=True):
        write(name, limits.hogs(2), settings)
    machine.daemon_reload()
    limits.start(*((name, 2) for name in names))
    machine.freeze(True, *names)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"limited shares {turn}"):
                arms.enter(arm, flat=False)
                machine.freeze(False, *names)
                used = limits.percent_of_cpu([machine.cgroup_of(name) for name in names], SECONDS, SETTLE_S)
                machine.freeze(True, *names)
                arms.check(arm)
                for figure, value in zip(figures, used, strict=True):
                    figure.add(arm, value)
                say(f"two of 10% beside weights 100 and 300, {arm}: {', '.join(f'{value:.2f}%' for value in used)}")
    finally:
        stop(*names)
    return figures


def number_of_still_tasks():
    tasks = (machine.cgroup_of(CROWD) / "cgroup.threads").read_text().split()
    return sum(pathlib.Path(f"/proc/{task}/stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def start_crowd():
    """Without a limit first: it would take long to be all there with one."""
    machine.start(CROWD)
    machine.wait_for("the crowd is there", lambda: number_of_still_tasks() == CROWD_SIZE, 120)
    limits.set_limit(CROWD, 1)
    machine.freeze(True, CROWD)
    machine.run("systemctl", "kill", "--signal=CONT", CROWD)


def p99_ms(unit, arm, crowd):
    load.enter((unit,), arm, flat=False)
    if crowd:
        start_crowd()
    outcome = load.run((unit,), arm, others.SECONDS, meanwhile=lambda: machine.freeze(False, *crowd))
    arms.check(arm)
    if crowd:
        machine.run("systemctl", "kill", "--signal=KILL", *crowd)
        machine.run("systemctl", "stop", *crowd)
        machine.reset_failed(*crowd)
    return others.p99_ms(outcome, unit)


def measure_waker(rounds, say):
    """Each scheduler against itself: with the crowd, and without."""
    unit = others.waker()
    name = f"p99 of a waker with {CROWD_SIZE} tasks of 1% beside it, against without"
    figure = Measure(name, "×", COMPARED, most=BOUND)
    CROWD_SCRIPT.write_text(CROWD_TEXT)
    write(CROWD, f"/bin/sh {CROWD_SCRIPT}")
    hogs.start()
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"limited waker {turn}"):
                took = {crowd: p99_ms(unit, arm, crowd) for crowd in arms.order(((), (CROWD,)), f"{arm} crowd {turn}")}
                figure.add(arm, took[(CROWD,)] / took[()])
                say(f"p99 of a waker, {arm}: {took[()]:.2f} ms, with a crowd of 1% {took[(CROWD,)]:.2f} ms")
    finally:
        hogs.stop()
        load.remove((unit,))
        limits.revert(CROWD)
        machine.remove_files(CROWD)
    return [figure]


def measure(rounds, say):
    arms.write_beside()
    machine.daemon_reload()
    machine.run("systemctl", "start", arms.BESIDE)
    sections = (measure_accuracy, measure_shares, measure_waker)
    try:
        return [figure for section in sections for figure in section(rounds, say)]
    finally:
        machine.run("systemctl", "stop", arms.BESIDE)
        machine.remove_files(arms.BESIDE)
