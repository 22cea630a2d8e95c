# SPDX-License-Identifier: GPL-2.0-only
"""A real-time task takes the CPU under a task with a budget: where the kernel hands it back, another CPU takes it."""

import os
import time

import machine
import pytest
from figures import figures

UNIT = "displaced.service"
# It works nearly all the time, so it is there when a real-time task comes.
WORK = "/usr/local/bin/deadline_jobs --exec 80ms --period 100ms --limit 300ms --seconds 3600"
# A burst on each CPU in turn, so that whoever has moved away from one is met by the next. Behind it, a job would miss.
BUDGET, BURST, PERIOD_SECONDS, ROUNDS = "300ms", "700ms", 4, 5


@pytest.fixture
def bursts(units):
    if os.cpu_count() != 2:
        pytest.skip("the bursts are written for two CPUs")
    units.service(UNIT, WORK, budget=BUDGET)
    start = int(time.monotonic()) + 30
    names = []
    for cpu in range(2):
        names.append(f"burst-{cpu}.service")
        units.service(
            names[-1],
            f"/usr/local/bin/deadline_jobs --exec {BURST} --period {PERIOD_SECONDS}s --limit 1s --start-at {start}"
            f" --offset {cpu * PERIOD_SECONDS // 2}s --seconds 3600",
            settings=f"CPUAffinity={cpu}\nCPUSchedulingPolicy=fifo\nCPUSchedulingPriority=10\n",
        )
    units.start_hogs()
    machine.run("systemctl", "start", UNIT, *names)
    return start


def test_a_job_whose_cpu_is_taken_goes_on_elsewhere(bursts):
    if not machine.kernel_hands_back():
        pytest.skip("this kernel leaves who loses the CPU to a real-time task in the queue of that CPU")
    machine.ensure_enforcing()
    machine.counting(UNIT)
    time.sleep(max(0, bursts - time.monotonic()))
    before = machine.get_stats(UNIT)
    machine.wait_for(
        "the bursts are over", lambda: time.monotonic() > bursts + ROUNDS * PERIOD_SECONDS, limit=2 * ROUNDS * PERIOD_SECONDS
    )
    after = machine.get_stats(UNIT)
    assert machine.enforcing()
    jobs, misses = (after[name] - before[name] for name in ("Jobs", "Misses"))
    figures.append(f"beside {2 * ROUNDS} bursts of {BURST} of real-time tasks: {misses} of {jobs} jobs over {BUDGET}")
    # Without being handed back it would miss at each burst.
    assert jobs > 10 * ROUNDS
    assert misses <= ROUNDS // 2
