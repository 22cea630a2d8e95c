# SPDX-License-Identifier: GPL-2.0-only
"""What scx-slo counts under the kernel's scheduler, and under its own, is what the workload itself says."""

import known_answer
import machine
import pytest
import three_units
from figures import figures

# A fifth of the CPU is its fair share beside four hogs: it has enough, but has to wait for it.
LOAD = known_answer.Load(exec_ms=3, period_ms=20, budget_ms=5)
HOGS = 4
TOLERANCE = 0.02


@pytest.fixture(scope="module", autouse=True)
def known(module_units):
    known_answer.write(module_units, LOAD)
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    three_units.start_hogs(HOGS)
    machine.start("scx-slo")
    yield
    machine.configure(None)
    machine.stop("scx-slo")
    three_units.remove()


@pytest.mark.parametrize("state", ["observing", "enforcing"])
def test_jobs_and_misses_are_those_of_the_workload(state):
    count = known_answer.count(state, LOAD)
    assert count.said["max_ns"] < LOAD.period_ms * 1_000_000, "jobs run into each other: the load is no known answer"
    assert LOAD.jobs <= count.jobs <= LOAD.jobs + known_answer.OTHER_JOBS
    assert abs(count.misses - count.said["misses"]) <= TOLERANCE * LOAD.jobs + 2


def test_a_miss_is_told_with_who_ran_instead():
    told = machine.misses_told(known_answer.UNIT)
    figures.extend(fields["MESSAGE"] for fields in told)
    # systemd's executor runs in the unit's cgroup, until it becomes the workload, and may miss as well.
    told = [fields for fields in told if fields["SCX_SLO_COMM"] == "deadline_jobs"]
    assert told, "the kernel's scheduler lets jobs miss beside hogs"
    wait, rival = (int(told[0][field]) for field in ("SCX_SLO_WAIT_USEC", "SCX_SLO_RIVAL_USEC"))
    assert wait > LOAD.budget_ms * 1000
    # Which one is known beside the hogs alone, and the first job to miss is one of the start, when others run too.
    assert told[0]["SCX_SLO_RIVAL"].endswith((".service", ".slice", ".scope"))
    assert told[0]["SCX_SLO_RIVAL"] != known_answer.UNIT
    assert told[0]["SCX_SLO_RIVAL_COMM"] != "deadline_jobs"
    assert 0 < rival <= wait, "nobody ran longer than it waited"
