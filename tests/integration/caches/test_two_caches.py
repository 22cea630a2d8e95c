# SPDX-License-Identifier: GPL-2.0-only
"""A machine with two last-level caches, each with queues of its own: no CPU idles while work waits beside the other."""

import os
import pathlib

import machine
import pytest
from test_60_load import BRIEF, LIMIT, budget, endures  # noqa: F401  budget is a fixture

CPUS = pathlib.Path("/sys/devices/system/cpu")
HOGS = "two-caches.service"


def cpus_by_cache():
    return {path.read_text() for path in CPUS.glob("cpu[0-9]*/cache/index3/shared_cpu_list")}


def cpus_of_hogs():
    """On which CPUs the workers of stress-ng run or wait to run."""
    cpus = set()
    for pid in (machine.cgroup_of(HOGS) / "cgroup.procs").read_text().split():
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        state, *fields = stat.rpartition(")")[2].split()
        # proc_pid_stat(5): the state is field 3, the CPU field 39.
        if state == "R":
            cpus.add(int(fields[35]))
    return cpus


def test_this_machine_has_two():
    assert len(cpus_by_cache()) == 2, "this test is about two caches: tests/vm/run --smp 4,sockets=2"


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("load", ["cpu", "fork", "affinity", "hackbench"])
def test_it_stays_and_the_machine_answers(load):
    endures(load, BRIEF)


def test_hogs_spread_over_the_cpus_of_both(units, enforcing):
    count = os.cpu_count()
    # They begin on the CPUs of one cache, and may leave them only then.
    first = min(cpus_by_cache()).strip()
    units.service(HOGS, f"/usr/bin/stress-ng --cpu {count}", settings=f"CPUAffinity={first}\n")
    machine.daemon_reload()
    machine.start(HOGS)
    machine.wait_for("all hogs run", lambda: machine.running_hogs(HOGS) >= count, 60)
    assert len(cpus_of_hogs()) <= count // 2
    for pid in (machine.cgroup_of(HOGS) / "cgroup.procs").read_text().split():
        machine.run("taskset", "--all-tasks", "--cpu-list", "--pid", f"0-{count - 1}", pid)
    machine.wait_for("each CPU has one", lambda: len(cpus_of_hogs()) == count, 60)
    assert machine.enforcing()
