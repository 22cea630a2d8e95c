# SPDX-License-Identifier: GPL-2.0-only
"""What scx-slo counts under the kernel's scheduler, and under its own, is what the workload itself says."""

import known_answer
import machine
import pytest
import three_units
from figures import figures

# A fifth of the CPU is its fair share beside four hogs: it has enough, but each job is longer than a turn of the
# kernel's scheduler, so hogs have theirs before it ends.
LOAD = known_answer.Load(exec_ms=8, period_ms=50, budget_ms=5)
TOLD = "told.service"
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


def test_a_miss_is_told_with_who_ran_instead(units):
    known_answer.enter("observing")
    # The journal has a line a minute for each unit, and systemd's executor runs in the unit's cgroup before the
    # workload does, and may miss as well: it has ended when the budget comes that is missed.
    units.service(
        TOLD,
        f"/usr/local/bin/deadline_jobs --exec {LOAD.exec_ms}ms --period {LOAD.period_ms}ms --seconds 60",
        budget="1s",
    )
    machine.daemon_reload()
    machine.start(TOLD)
    machine.wait_for("the unit is known", lambda: TOLD in machine.list_units(), limit=30)
    machine.wait_for("the workload runs", lambda: machine.get_stats(TOLD)["Jobs"] >= 5, limit=60)
    machine.write_drop_in(TOLD, f"[X-Slo]\nSloBudget={LOAD.budget_ms}ms\n")
    machine.daemon_reload()
    machine.wait_for("a miss is told", lambda: machine.misses_told(TOLD), limit=60)
    told = machine.misses_told(TOLD)[0]
    figures.append(told["MESSAGE"])
    assert told["SCX_SLO_COMM"] == "deadline_jobs"
    wait, rival = (int(told[field]) for field in ("SCX_SLO_WAIT_USEC", "SCX_SLO_RIVAL_USEC"))
    assert wait > LOAD.budget_ms * 1000
    # Whoever it was: beside hogs alone it is they, but the daemon and systemd have just run too.
    assert told["SCX_SLO_RIVAL"].endswith((".service", ".slice", ".scope"))
    assert told["SCX_SLO_RIVAL"] != TOLD
    assert told["SCX_SLO_RIVAL_COMM"] != "deadline_jobs"
    assert 0 < rival <= wait, "nobody ran longer than it waited"
