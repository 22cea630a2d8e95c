# SPDX-License-Identifier: GPL-2.0-only
"""Beside hogs that would take the whole CPU, scx-slo is switched on in twice the time of an idle machine, or sooner."""

import pathlib
import time

import machine
import pytest
import switching_on
from figures import figures

UNIT = "subject.service"
BUDGET = "5ms"
# A shell that computes needs nothing else of the machine, so that nothing but the CPU is short.
SPIN = "while :; do :; done"
BATCH, BATCH_HOGS = "batch-hogs.service", 8
SINGLE = tuple(f"hog{number}.service" for number in range(8))
ROUNDS = 3
# Seconds: whatever a start or a reload leaves to be done is done by then, and hogs have had their turns.
SETTLED, WARM = 4, 1


@pytest.fixture(scope="module", autouse=True)
def written(module_units):
    module_units.service(UNIT, "/bin/sleep infinity")
    for name in SINGLE:
        module_units.service(name, f"/bin/sh -c '{SPIN}'")
    many = " & ".join([f"({SPIN})"] * (BATCH_HOGS - 1))
    module_units.service(BATCH, f"/bin/sh -c '{many} & {SPIN}'", settings="Slice=batch.slice\n")
    # With what it says of the steps.
    drop_in = "[Service]\nExecStart=\nExecStart=/usr/libexec/scx-slo/scx-slod --log-level debug\n"
    machine.write_drop_in("scx-slo.service", drop_in, name="50-debug.conf")
    machine.stop("scx-slo")
    machine.daemon_reload()
    machine.start(UNIT)
    yield
    machine.stop("scx-slo")
    machine.remove_files("scx-slo.service")
    machine.remove_files(UNIT)
    machine.daemon_reload()


def has_budget(wanted):
    if wanted:
        machine.write_drop_in(UNIT, f"[X-Slo]\nSloBudget={BUDGET}\n")
    else:
        machine.remove_drop_in(UNIT)


def running(unit):
    pids = (machine.cgroup_of(unit) / "cgroup.procs").read_text().split()
    stats = (pathlib.Path(f"/proc/{pid}/stat").read_text() for pid in pids)
    return sum(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)


@pytest.fixture(scope="module")
def hogs():
    """Started once, and frozen whenever nobody measures beside them."""
    machine.start(*SINGLE, BATCH)
    machine.wait_for("all hogs run", lambda: sum(map(running, (*SINGLE, BATCH))) == len(SINGLE) + BATCH_HOGS, limit=60)
    machine.freeze(True, *SINGLE, BATCH)
    yield
    machine.stop(*SINGLE, BATCH)


def measured(busy, measure):
    time.sleep(SETTLED)
    if busy:
        machine.freeze(False, *SINGLE, BATCH)
        time.sleep(WARM)
    try:
        return measure()
    finally:
        if busy:
            machine.freeze(True, *SINGLE, BATCH)


def compare(title, measure, prepare, at_least=0.0):
    """Both in turn, so that what drifts is the same for both. What takes no longer than `at_least` seconds is good."""
    arms = {False: [], True: []}
    for _ in range(ROUNDS):
        for busy, switches in arms.items():
            prepare()
            switches.append(measured(busy, measure))
    text = switching_on.table(title, arms[False], arms[True])
    figures.append(text)
    idle, busy = (switching_on.median_of(switch.seconds for switch in arm) for arm in arms.values())
    assert busy <= max(2 * idle, at_least), text


def test_a_start_beside_hogs(hogs):
    has_budget(True)
    machine.daemon_reload()
    compare("start", switching_on.start, lambda: machine.stop("scx-slo"))


def without_budget():
    has_budget(False)
    machine.daemon_reload()
    machine.start("scx-slo")
    machine.wait_for_state("idle")
    has_budget(True)


def test_the_first_budget_of_an_idle_daemon_beside_hogs(hogs):
    # On an idle machine it takes so little that the turns which systemctl, the bus and PID 1 have to wait for before
    # anybody can help them are more than that.
    compare("first budget", switching_on.first_budget, without_budget, at_least=0.5)
