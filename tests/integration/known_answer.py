# SPDX-License-Identifier: GPL-2.0-only
"""One service whose jobs and their lateness are known from itself, to hold against what scx-slo counts."""

import dataclasses
import json
import pathlib

import machine
from figures import figures

UNIT = "known.service"
OUTPUT = pathlib.Path("/run/known.json")
# What the program does to start and to end is jobs too.
OTHER_JOBS = 25


@dataclasses.dataclass(frozen=True)
class Load:
    exec_ms: int
    period_ms: int
    budget_ms: int
    seconds: int = 5

    @property
    def jobs(self):
        return self.seconds * 1000 // self.period_ms


@dataclasses.dataclass(frozen=True)
class Count:
    said: dict  # what deadline_jobs printed
    jobs: int  # what scx-slo counted
    misses: int

    def __str__(self):
        return (f"the workload says {self.said['n']} jobs, {self.said['misses']} late;"
                f" scx-slo counted {self.jobs}, {self.misses}")  # fmt: skip


def write(units, load):
    units.service(
        UNIT,
        f"/usr/local/bin/deadline_jobs --json --exec {load.exec_ms}ms --period {load.period_ms}ms"
        f" --limit {load.budget_ms + load.exec_ms}ms --seconds {load.seconds}",
        settings=f"Type=exec\nRemainAfterExit=yes\nStandardOutput=truncate:{OUTPUT}\n",
        budget=f"{load.budget_ms}ms",
    )


def enter(state):
    machine.configure("[Scheduler]\nMode=observe\n" if state == "observing" else None)
    machine.start(UNIT)  # a first run, before any counter is looked at
    machine.wait_for("the unit is known", lambda: UNIT in machine.list_units(), limit=30)
    if state == "enforcing":
        machine.ensure_enforcing()
    machine.wait_for_state(state)


def count(state, load):
    """One run of the load in the state, as both sides counted it; its figures are shown at the end."""
    enter(state)
    before = machine.get_stats(UNIT)
    machine.restart(UNIT)
    machine.wait_for("the work is done", lambda: machine.show(UNIT, "SubState") in ("exited", "failed"), limit=120)
    assert machine.show(UNIT, "Result") == "success"
    after = machine.get_stats(UNIT)
    assert machine.state() == state
    said = json.loads(OUTPUT.read_text())
    assert said["skipped"] == 0
    counted = Count(said, after["Jobs"] - before["Jobs"], after["Misses"] - before["Misses"])
    figures.append(f"{state}: {counted}")
    assert said["n"] + said["open"] == load.jobs, said
    return counted
