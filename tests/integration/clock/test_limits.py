# SPDX-License-Identifier: GPL-2.0-only
"""CPUQuota= on one CPU: who stays below it never waits for it, whoever does is told as throttled, and nobody else has
less or waits longer for those that do."""

import dataclasses
import json
import pathlib
import time

import limit_torture
import limits
import machine
import pytest
import three_units
from figures import figures

PERIODIC = "periodic.service"
OUTPUT, START = pathlib.Path("/run/periodic.json"), pathlib.Path("/run/periodic-start")
HOGS = 2
SECONDS = 3
# What the program does to start is jobs too, and may be more than a period's quota.
LEAD_S = 3


@dataclasses.dataclass(frozen=True)
class Load:
    exec_ms: int
    period_ms: int
    budget_ms: int
    quota: int  # percent

    @property
    def jobs(self):
        return SECONDS * 1000 // self.period_ms


# Less than its quota in each period; more in a job than in two periods, of which one may end just in it.
WITHIN, BEYOND = Load(15, 100, 10, 20), Load(50, 500, 10, 20)


@pytest.fixture(scope="module", autouse=True)
def hogs(anchor):
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    machine.start("scx-slo")
    three_units.start_hogs(HOGS)
    machine.freeze(True, three_units.HOGS)
    yield
    machine.configure(None)
    machine.freeze(False, three_units.HOGS)
    three_units.remove()


@pytest.fixture
def beside_hogs():
    machine.freeze(False, three_units.HOGS)
    yield
    machine.freeze(True, three_units.HOGS)


def enter(state):
    machine.configure("[Scheduler]\nMode=observe\n" if state == "observing" else None)
    if state == "enforcing":
        machine.ensure_enforcing()
    machine.wait_for_state(state)


def is_ready():
    return limits.number_of_tasks(PERIODIC) == 2


def play(units, load):
    """What scx-slo counted of so many seconds of it, and what the program said."""
    units.service(
        PERIODIC,
        f"/usr/local/bin/deadline_jobs --json --exec {load.exec_ms}ms --period {load.period_ms}ms"
        f" --limit {load.budget_ms + load.exec_ms}ms --seconds {SECONDS} --start-at ${{START}}",
        settings=f"Type=exec\nRemainAfterExit=yes\nEnvironmentFile={START}\nStandardOutput=truncate:{OUTPUT}\n"
        f"CPUQuota={load.quota}%\n",
        budget=f"{load.budget_ms}ms",
    )
    start = int(time.monotonic()) + LEAD_S + 1
    START.write_text(f"START={start}\n")
    machine.daemon_reload()
    machine.start(PERIODIC)
    machine.wait_for("its thread waits for the start", is_ready, LEAD_S)
    before = machine.get_stats(PERIODIC)
    assert time.monotonic() < start
    machine.wait_for("it ends", lambda: machine.show(PERIODIC, "SubState") in ("exited", "failed"), 60)
    after = machine.get_stats(PERIODIC)
    machine.stop(PERIODIC)
    grown = {key: after[key] - before[key] for key in after if key == "Jobs" or key.startswith("Misses")}
    return grown, json.loads(OUTPUT.read_text())


def test_who_needs_less_than_its_quota_misses_nothing(units, beside_hogs):
    enter("enforcing")
    grown, said = play(units, WITHIN)
    figures.append(f"15 ms every 100 ms under CPUQuota=20% beside hogs: {grown['Misses']} of {grown['Jobs']} missed")
    assert grown["Jobs"] >= WITHIN.jobs == said["n"]
    assert grown["Misses"] == said["misses"] == 0


@pytest.mark.parametrize("state", ["observing", "enforcing"])
def test_a_miss_because_of_a_quota_is_told_as_such(units, state):
    """Also while the kernel's own scheduler keeps it."""
    enter(state)
    grown, said = play(units, BEYOND)
    figures.append(f"50 ms every 500 ms under CPUQuota=20%, {state}: {grown} (late by its own count: {said['misses']})")
    assert said["misses"] == said["n"] == BEYOND.jobs
    assert grown["MissesThrottled"] == grown["Misses"] == said["misses"]


def test_shares_beside_limited_units_are_by_weight(units):
    """Two that are kept to a tenth each leave four fifths to the others: a fifth and three of them."""
    enter("enforcing")
    settings = {"CPUQuota=10%": 10, "CPUQuota=10% ": 10, "CPUWeight=100": 20, "CPUWeight=300": 60}
    services = {f"share{number}.service": setting for number, setting in enumerate(settings)}
    for name, setting in services.items():
        units.service(name, limits.hogs(2), settings=f"{setting.strip()}\n")
    machine.daemon_reload()
    limits.start(*((name, 2) for name in services))
    used = limits.percent_of_cpu([machine.cgroup_of(name) for name in services], 8, settle=2)
    figures.append("two at 10% each, beside weights 100 and 300: " + ", ".join(f"{value:.2f}%" for value in used))
    machine.stop(*services)
    for value, wanted in zip(used, settings.values(), strict=True):
        assert abs(value - wanted) <= 2


WAKERS, CROWD, CROWD_SIZE = "wakers.service", "crowd.service", 200


def p99_ms(units):
    """Of three threads without a budget beside the hogs, which need a tenth of the CPU."""
    units.service(
        WAKERS,
        "/usr/local/bin/deadline_jobs --json --threads 3 --exec 1ms --period 30ms --limit 1s --seconds 30",
        settings=f"Type=oneshot\nStandardOutput=truncate:{OUTPUT}\n",
    )
    machine.daemon_reload()
    machine.start(WAKERS)  # returns when it has ended: nobody asks meanwhile, who would need the CPU for that
    return json.loads(OUTPUT.read_text())["p99_ns"] / 1e6


@pytest.fixture
def crowd(units):
    """Tasks that never sleep, of a unit that has next to nothing."""
    units.service(CROWD, f"/bin/sh -c 'for i in $(seq {CROWD_SIZE}); do (while :; do :; done) & done; wait'")
    machine.daemon_reload()
    yield
    limits.revert(CROWD)


def start_crowd():
    machine.start(CROWD)
    machine.wait_for("the crowd is there", lambda: limits.number_of_tasks(CROWD) > CROWD_SIZE, 60)
    limits.set_limit(CROWD, 1)
    # A limit holds from its second period on.
    machine.wait_for("its limit is kept", lambda: limits.used_up_more_often_than(CROWD, 1), 20)


# What is left of it: ten runs of MinRun= at each refill, and a look at all of the crowd every 5 ms.
@pytest.mark.slow
@pytest.mark.xfail(reason="falls short: 1.34 times as long (with the kernel's own scheduler 1.22 times)")
def test_a_limited_crowd_keeps_nobody_waiting(units, crowd, beside_hogs):
    enter("enforcing")
    alone = p99_ms(units)
    start_crowd()
    beside = p99_ms(units)
    figures.append(f"p99 of wakers beside hogs {alone:.2f} ms, and beside {CROWD_SIZE} tasks of 1% too {beside:.2f} ms")
    assert machine.enforcing()
    assert beside <= 1.1 * alone


@pytest.mark.slow
def test_who_is_killed_ends_at_once_whatever_its_limit(units):
    enter("enforcing")
    limit_torture.write(units, 20)
    machine.start(limit_torture.UNIT)
    machine.wait_for("the torture ends", limit_torture.has_ended, 240)
    found = limit_torture.found("torture on the virtual clock")
    assert machine.enforcing()
    assert found.said["kills"] > 100 and found.seconds("kill") <= 1
    assert found.seconds("freeze") <= limit_torture.WAIT_S
    assert found.seconds("gap") <= limit_torture.WAIT_S + limit_torture.TURN_S
