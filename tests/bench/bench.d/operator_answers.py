# SPDX-License-Identifier: GPL-2.0-only
"""How soon root gets an answer from a session of its own, whatever else wants the CPU."""

import os
import pathlib

import answers
import arms
import hogs
import load
import machine
import others
import three
from measures import Measure
from root_session import LIMIT, STATUS, answered, ask

COMPARED = (arms.KERNEL, arms.OURS)
DETACH = ("scx-slo", "detach")
MOST_MS, MOST_BESIDE_CROWD_MS, MOST_OF_WAKER_MS = 500, 1000, 25
# Takes all it can get, in jobs so short that none of them is late.
GREEDY = "bench-greedy.service"
GREEDY_HOGS = 2
CROWD, CROWD_SIZE = "bench-crowd.service", 1000
GATE = pathlib.Path("/run/bench-crowd")
SECONDS = 12


def write_greedy():
    machine.write_unit(GREEDY, "[Service]\nExecStart=/usr/bin/stress-ng --poll 4 --timeout 0\n")
    machine.write_drop_in(GREEDY, "[X-Slo]\nSloBudget=50ms\n")


def write_crowd():
    """They wait at a gate, which opens once for all."""
    GATE.unlink(missing_ok=True)
    os.mkfifo(GATE, 0o644)
    spin = f"for i in $(seq {CROWD_SIZE}); do (read x <{GATE}; while :; do :; done) & done; wait"
    machine.write_unit(
        CROWD,
        f"[Service]\nSlice=user-1000.slice\nUser={answers.USER}\nTasksMax=infinity\nExecStart=/bin/sh -c '{spin}'\n",
    )


def start_greedy():
    """And holds it still, as the hogs are."""
    machine.restart(GREEDY)
    machine.wait_for("the greedy unit works", lambda: len(hogs.tids(GREEDY)) >= 5, LIMIT)
    hogs.freeze(True, GREEDY)


def start_crowd():
    machine.restart(CROWD)
    machine.wait_for("the crowd is there", lambda: len(hogs.tids(CROWD)) > CROWD_SIZE, LIMIT)


def stop(*units):
    for unit in units:
        machine.run("systemctl", "kill", "--signal=KILL", unit, check=False)
        machine.run("systemctl", "stop", unit, check=False, limit=LIMIT)


class Figures:
    def __init__(self, beside, most=MOST_MS):
        self.status = Measure(f"systemctl status {beside}", "ms", COMPARED, most=most)
        self.detach = Measure(f"scx-slo detach {beside}", "ms", (arms.OURS,), most=most)
        self.beside = beside
        self.all = [self.status, self.detach]

    def take_status(self, arm, took, say):
        for value in took:
            self.status.add(arm, value)
        say(f"systemctl status {self.beside}, {arm}: {', '.join(f'{value:.0f}' for value in took)} ms")

    def take_detach(self, say):
        took = answered(ask(DETACH, 1))[0]
        assert not machine.enforcing(), "detached, and still in charge"
        self.detach.add(arms.OURS, took)
        say(f"scx-slo detach {self.beside}: {took:.0f} ms")


def measure_beside(figures, arm, say, *more):
    """Beside the hogs and more units that are held still as they are."""
    hogs.freeze(False, hogs.UNIT, *more)
    figures.take_status(arm, answered(ask(STATUS)), say)
    if arm == arms.OURS:
        arms.check(arm)
        figures.take_detach(say)
    hogs.freeze(True, hogs.UNIT, *more)
    if arm == arms.OURS:
        machine.run("scx-slo", "attach")


def measure_waker(rounds, say):
    """Weights count where it is: it is a service beside others."""
    waker = others.waker()
    response = Measure("waker beside the greedy unit: p99", "ms", COMPARED, most=MOST_OF_WAKER_MS)
    hogs.start(GREEDY_HOGS)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"greedy waker {turn}"):
                load.enter((waker,), arm, flat=False)
                start_greedy()
                outcome = load.run((waker,), arm, others.SECONDS, meanwhile=lambda: hogs.freeze(False, GREEDY))
                response.add(arm, others.p99_ms(outcome, waker))
                say(f"waker beside the greedy unit, {arm}: {others.p99_ms(outcome, waker):.2f} ms")
                stop(GREEDY)
    finally:
        stop(GREEDY)
        hogs.stop()
        load.remove((waker,))
    return [response]


def measure_greedy(rounds, say):
    """As a machine is on which nothing has a weight: sessions share evenly."""
    alone = Figures("beside the greedy unit")
    crowded = Figures(f"beside it and {CROWD_SIZE} processes of a user", MOST_BESIDE_CROWD_MS)
    write_crowd()
    hogs.start(GREEDY_HOGS)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"greedy {turn}"):
                arms.enter(arm)
                start_greedy()
                measure_beside(alone, arm, say, GREEDY)
                start_crowd()
                GATE.write_text("")
                measure_beside(crowded, arm, say, GREEDY, CROWD)
                stop(GREEDY, CROWD)
    finally:
        stop(GREEDY, CROWD)
        hogs.stop()
        machine.remove_files(CROWD)
        GATE.unlink()
    return [*alone.all, *crowded.all]


def measure_hogs(rounds, say, number=16):
    figures = Figures(f"beside {number} hogs")
    hogs.start(number)
    try:
        for turn in range(rounds):
            for arm in arms.order(COMPARED, f"operator {turn}"):
                arms.enter(arm)
                measure_beside(figures, arm, say)
    finally:
        hogs.stop()
    return figures.all


def measure_three(rounds, say):
    figures = Figures("beside three units")
    own = Measure("these missed meanwhile, own count", "jobs", (arms.OURS,), most=0)
    hogs.start()
    try:
        for turn in range(rounds):
            units = three.units_of(turn)
            for arm in arms.order(COMPARED, f"operator three {turn}"):
                load.enter(units, arm)
                asked = []
                outcome = load.run(units, arm, SECONDS, meanwhile=lambda: asked.append(ask(STATUS)))
                arms.check(arm)
                figures.take_status(arm, answered(asked[0]), say)
                own.add(arm, sum(misses for _, misses in outcome.own.values()))
                say(f"three units meanwhile, {arm}: {outcome.describe()}")
                if arm == arms.OURS:
                    # From then on they miss: the kernel's own scheduler has them.
                    load.run(units, arm, SECONDS, meanwhile=lambda: figures.take_detach(say))
                    machine.run("scx-slo", "attach")
    finally:
        hogs.stop()
        load.remove(units)
    return [*figures.all, own]


def measure(rounds, say):
    arms.write_beside()
    write_greedy()
    machine.daemon_reload()
    machine.run("systemctl", "start", arms.BESIDE)
    sections = (measure_greedy, measure_hogs, measure_three, measure_waker)
    try:
        return [figure for section in sections for figure in section(rounds, say)]
    finally:
        machine.run("systemctl", "stop", arms.BESIDE)
        machine.remove_files(GREEDY)
        machine.remove_files(arms.BESIDE)
