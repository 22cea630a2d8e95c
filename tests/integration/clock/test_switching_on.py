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
# Whatever a start or a reload leaves to be done is done when that much of so many seconds is idle.
IDLE_SHARE, IDLE_SECONDS = 0.9, 0.5


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


def idle_seconds():
    return float(pathlib.Path("/proc/uptime").read_text().split()[1])


def is_idle():
    before = idle_seconds()
    time.sleep(IDLE_SECONDS)
    return idle_seconds() - before >= IDLE_SHARE * IDLE_SECONDS


def wait_until_all_have_run():
    cgroups = [machine.cgroup_of(unit) for unit in (*SINGLE, BATCH)]
    before = [machine.cpu_usec(cgroup) for cgroup in cgroups]
    machine.wait_for(
        "all hogs have run", lambda: all(machine.cpu_usec(at) > was for at, was in zip(cgroups, before)), limit=60
    )


def measured(busy, measure):
    machine.wait_for("the machine is idle", is_idle, limit=60)
    if busy:
        machine.freeze(False, *SINGLE, BATCH)
        wait_until_all_have_run()
    try:
        return measure()
    finally:
        if busy:
            machine.freeze(True, *SINGLE, BATCH)


def compared(title, measure, prepare):
    """The medians of an idle and of a busy machine, measured in turn, so that what drifts is the same for both."""
    arms = {False: [], True: []}
    for _ in range(ROUNDS):
        for busy, switches in arms.items():
            prepare()
            switches.append(measured(busy, measure))
    figures.append(switching_on.table(title, arms[False], arms[True]))
    return tuple(switching_on.median_of(switch.seconds for switch in arm) for arm in arms.values())


def test_a_start_beside_hogs(hogs):
    has_budget(True)
    machine.daemon_reload()
    idle, busy = compared("start", switching_on.start, lambda: machine.stop("scx-slo"))
    assert busy <= 2 * idle


def is_loaded_ahead(cursor):
    """Since it was idle; the programs of before are freed some time later, so they are not what to look for."""
    entries = list(switching_on.told(cursor))
    idle = switching_on.instant_of(entries, "idle:")
    return idle and switching_on.instant_of([at for at in entries if at[0] > idle], "done with loading")


def without_budget():
    cursor = machine.journal_mark()
    has_budget(False)
    machine.daemon_reload()
    machine.start("scx-slo")
    machine.wait_for("the scheduler is loaded ahead", lambda: is_loaded_ahead(cursor), limit=60)
    has_budget(True)


@pytest.fixture(scope="module")
def first_budget(hogs):
    return compared("first budget", switching_on.first_budget, without_budget)


def test_the_first_budget_of_an_idle_daemon_beside_hogs_comes_soon(first_budget):
    _, busy = first_budget
    assert busy <= 0.5


@pytest.mark.xfail(
    strict=False,
    reason="systemctl, the bus and PID 1 have to wait for their turns among the hogs before anybody can help them,"
    " and an idle machine needs less than one such turn for all of it",
)
def test_the_first_budget_of_an_idle_daemon_beside_hogs_comes_as_on_an_idle_machine(first_budget):
    idle, busy = first_budget
    assert busy <= 2 * idle
