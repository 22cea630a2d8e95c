# SPDX-License-Identifier: GPL-2.0-only
"""Switches between the kernel's scheduler and ours under load: no task is lost."""

import pathlib

import arms
import hogs
import load
import machine
from measures import Measure

SWITCHES = 200
# Anything that wakes up, in all ways and all the time; and what it runs beside.
MESSAGES = "bench-messages.service"
UNITS = (load.Unit("switched", 10_000, (load.Part(4, 500, 20_000),)),)
SECONDS = 3600
PROGRESS_S = 30


def start():
    load.write(UNITS, arms.OURS)
    machine.write_unit(
        MESSAGES, "[Service]\nExecStart=/usr/bin/hackbench -l 100000000 -g 1 -f 4\nStandardOutput=null\n"
    )
    arms.enter(arms.OURS)
    load.started(UNITS, arms.OURS, SECONDS)
    machine.run("systemctl", "start", MESSAGES)
    hogs.freeze(False)


def services():
    return (hogs.UNIT, MESSAGES, *(unit.service for unit in UNITS))


def executed_ns():
    """Of each task of the load, by its id. The first of each service sleeps until all is over."""
    parents = {int(machine.show(service, "MainPID")) for service in services()}
    tids = {tid for service in services() for tid in hogs.tids(service)} - parents
    return {tid: int(pathlib.Path(f"/proc/{tid}/schedstat").read_text().split()[0]) for tid in tids}


def switch(number):
    attach = number % 2 == 1
    machine.bus_call("Attach" if attach else "Detach")
    machine.wait_for("the switch is done", lambda: machine.enforcing() == attach, 60, pause=0.01)


def lost():
    """Tasks that get no CPU time any more."""
    before = executed_ns()
    waiting = dict(before)

    def all_moved_on():
        now = executed_ns()
        for tid in [tid for tid in waiting if now.get(tid, 0) > before[tid]]:
            del waiting[tid]
        return not waiting

    try:
        machine.wait_for("all tasks get on", all_moved_on, PROGRESS_S)
    except AssertionError:
        pass
    return len(waiting)


def measure(_rounds, say):
    tasks = Measure(f"{SWITCHES} switches: tasks lost", "tasks", (arms.OURS,), most=0)
    done = Measure("switches done", "switches", (arms.OURS,), least=SWITCHES)
    hogs.start()
    try:
        start()
        known = set(executed_ns())
        for number in range(SWITCHES):
            switch(number)
            if (number + 1) % 50 == 0:
                say(f"switches: {number + 1} of {SWITCHES} with {len(known)} tasks at work")
        done.add(arms.OURS, SWITCHES)
        gone = known - set(executed_ns())
        tasks.add(arms.OURS, len(gone) + lost())
        arms.check(arms.OURS)
        assert machine.show("scx-slo", "NRestarts") == "0"
    finally:
        hogs.stop()
        # A detach is remembered by whoever starts next.
        machine.refusal("Attach")
        machine.run("systemctl", "stop", MESSAGES, check=False)
        machine.remove_files(MESSAGES)
        load.remove(UNITS)
    return [done, tasks]
