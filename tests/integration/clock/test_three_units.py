# SPDX-License-Identifier: GPL-2.0-only
"""On the virtual clock and one CPU: figures that no noise of the host touches."""

import os

import machine
import pytest
import three_units
from figures import figures

SECONDS = 10
HOGS = 4
FLOOR = 0.05


@pytest.fixture(scope="module")
def hogs_and_units():
    assert os.cpu_count() == 1, "this test is about one CPU: tests/vm/run --virtual-clock --smp 1"
    machine.run("systemctl", "stop", "scx-slo")
    three_units.write_units()
    three_units.write_budgets()
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    three_units.start_hogs(HOGS)
    yield
    machine.run("systemctl", "stop", "scx-slo")
    three_units.remove()
    machine.daemon_reload()


@pytest.fixture(scope="module")
def kernel_arm(hogs_and_units):
    outcome = three_units.run_arm(SECONDS)
    figures.append(three_units.describe("the kernel's scheduler", outcome))
    return outcome


@pytest.fixture(scope="module")
def slo_arm(kernel_arm):
    machine.ensure_enforcing()
    machine.wait_for("the hogs run", lambda: machine.running_hogs(three_units.HOGS) >= HOGS)
    outcome = three_units.run_arm(SECONDS, with_scx_slo=True)
    figures.append(three_units.describe("scx-slo", outcome))
    return outcome


@pytest.mark.parametrize("unit", [spec.unit for spec in three_units.SET])
def test_the_set_is_too_hard_for_the_kernels_scheduler(kernel_arm, unit):
    job = kernel_arm.jobs[unit]
    assert job["skipped"] == 0
    assert job["misses"] > job["n"] / 2


@pytest.mark.parametrize("unit", [spec.unit for spec in three_units.SET])
def test_no_job_misses_its_limit(slo_arm, unit):
    job = slo_arm.jobs[unit]
    expected = next(SECONDS * 1000 * s.threads // s.period_ms for s in three_units.SET if s.unit == unit)
    assert job["skipped"] == 0
    assert job["n"] + job["open"] == expected
    assert job["misses"] == 0, three_units.describe("scx-slo", slo_arm)


@pytest.mark.parametrize("unit", [spec.unit for spec in three_units.SET])
def test_scx_slo_counts_every_job_and_no_miss(slo_arm, unit):
    jobs, misses = slo_arm.own[unit]
    # The warm-up counts here too, and so do the few jobs of ending.
    assert jobs >= slo_arm.jobs[unit]["n"]
    assert misses == 0, three_units.describe("scx-slo", slo_arm)


def test_the_hogs_get_their_floor(slo_arm):
    assert slo_arm.batch_share >= FLOOR


def test_the_scheduler_was_there_all_the_time(slo_arm):
    assert machine.enforcing()
    assert machine.show("scx-slo", "NRestarts") == "0"
