# SPDX-License-Identifier: GPL-2.0-only
"""Both drivers of the accounting count the jobs that the workload itself counts."""

import known_answer
import machine
import pytest

LOAD = known_answer.Load(exec_ms=1, period_ms=50, budget_ms=20)


@pytest.fixture(scope="module", autouse=True)
def known(module_units):
    known_answer.write(module_units, LOAD)
    machine.daemon_reload()
    machine.start("scx-slo")
    yield
    machine.configure(None)


@pytest.mark.parametrize("state", ["enforcing", "observing"])
def test_jobs_are_counted_as_the_workload_counts_them(state):
    count = known_answer.count(state, LOAD)
    # A job so late that the next one is due does not sleep before that: for a scheduler the two are one.
    assert LOAD.jobs - count.said["misses"] <= count.jobs <= LOAD.jobs + known_answer.OTHER_JOBS
    # By the wall clock a job may be late for other reasons than waiting for a CPU, such as a busy host.
    assert count.misses <= count.said["misses"] + known_answer.OTHER_JOBS
