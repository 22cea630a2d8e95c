# SPDX-License-Identifier: GPL-2.0-only
"""A real-time task takes the CPU under a task with a budget: where the kernel hands it back, another CPU takes it."""

import os
import pathlib
import time

import machine
import pytest
from figures import figures

UNIT = "displaced.service"
BURSTS = ("burst-0.service", "burst-1.service")
START = pathlib.Path("/run/bursts-start")
# A burst on each CPU in turn, so that whoever has moved away from one is met by the next.
BURST, PERIOD_SECONDS, ROUNDS = "700ms", 2, 12
# Each burst comes 10 ms after the begin of a job; behind it the job would miss. The work is little enough to be caught
# up with beside the hogs as best effort, too: else what is late once, before the budget is known or as the host was
# busy, stays one job to the end.
BUDGET = "300ms"
WORK = "--exec 20ms --period 100ms --offset 90ms --limit 300ms"


def service(units, name, arguments, settings="", budget=None):
    command = f"/usr/local/bin/deadline_jobs --start-at ${{START}} --seconds 3600 {arguments}"
    units.service(name, command, settings=f"EnvironmentFile={START}\n{settings}", budget=budget)


@pytest.fixture
def bursts(units):
    """Everything runs; the instant from which the bursts come."""
    if not machine.kernel_hands_back():
        pytest.skip("this kernel leaves who loses the CPU to a real-time task in the queue of that CPU")
    assert os.cpu_count() == len(BURSTS), "there is a burst for each CPU"
    service(units, UNIT, WORK, budget=BUDGET)
    for cpu, name in enumerate(BURSTS):
        service(
            units,
            name,
            f"--exec {BURST} --period {PERIOD_SECONDS}s --limit 1s --offset {cpu * PERIOD_SECONDS * 500}ms",
            settings=f"CPUAffinity={cpu}\nCPUSchedulingPolicy=fifo\nCPUSchedulingPriority=10\n",
        )
    units.start_hogs()
    # By now the machine knows the unit, and answers in its own time.
    machine.ensure_enforcing()
    start = int(time.monotonic()) + 20
    START.write_text(f"START={start}\n")
    machine.start(UNIT, *BURSTS)
    return start


def cpu_seconds(unit):
    return machine.cpu_usec(machine.cgroup_of(unit)) / 1e6


def test_a_job_whose_cpu_is_taken_goes_on_elsewhere(bursts):
    machine.sleep_until(bursts + ROUNDS * PERIOD_SECONDS)
    stats = machine.get_stats(UNIT)
    assert machine.enforcing()
    assert all(cpu_seconds(name) > 0.7 * (ROUNDS - 1) for name in BURSTS), "they were not there"
    jobs, misses = stats["Jobs"], stats["Misses"]
    figures.append(f"beside {2 * ROUNDS} bursts of {BURST} of real-time tasks: {misses} of {jobs} jobs over {BUDGET}")
    # A job that misses because it waits behind a burst is as long as that and the work it then has to catch up with.
    assert jobs > ROUNDS
    assert misses <= ROUNDS // 3
