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
KERNEL, OURS = "the kernel's scheduler", "scx-slo"
UNITS = [spec.unit for spec in three_units.SET]

# Each seed shifts the releases of the units against each other; every other time scx-slo comes first.
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))]


@pytest.fixture(scope="module")
def units():
    assert os.cpu_count() == 1, "this test is about one CPU: tests/vm/run --virtual-clock --smp 1"
    machine.stop("scx-slo")
    three_units.write_units()
    three_units.write_budgets()
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    yield
    machine.stop("scx-slo")
    three_units.remove()
    machine.daemon_reload()


def run_arm(arm, seed):
    if arm == OURS:
        machine.ensure_enforcing()
    else:
        machine.stop("scx-slo")
    # Started anew, so that the phase of the hogs is another each time.
    three_units.start_hogs(HOGS)
    outcome = three_units.run_arm(SECONDS, with_scx_slo=arm == OURS, seed=seed)
    stayed = machine.enforcing() == (arm == OURS) and machine.show("scx-slo", "NRestarts") == "0"
    figures.append(three_units.describe(f"{arm}, seed {seed}", outcome))
    return outcome, stayed


@pytest.fixture(scope="module", params=SEEDS)
def arms(request, units):
    order = (KERNEL, OURS) if request.param % 2 == 0 else (OURS, KERNEL)
    return {arm: run_arm(arm, request.param) for arm in order}


@pytest.fixture
def kernel_arm(arms):
    return arms[KERNEL][0]


@pytest.fixture
def slo_arm(arms):
    return arms[OURS][0]


@pytest.mark.parametrize("unit", UNITS)
def test_the_set_is_too_hard_for_the_kernels_scheduler(kernel_arm, unit):
    job = kernel_arm.jobs[unit]
    assert job["skipped"] == 0
    assert job["misses"] > job["n"] / 2


@pytest.mark.parametrize("unit", UNITS)
def test_no_job_misses_its_limit(slo_arm, unit):
    job = slo_arm.jobs[unit]
    expected = next(SECONDS * 1000 * s.threads // s.period_ms for s in three_units.SET if s.unit == unit)
    assert job["skipped"] == 0
    assert job["n"] + job["open"] == expected
    assert job["misses"] == 0, three_units.describe("scx-slo", slo_arm)


@pytest.mark.parametrize("unit", UNITS)
def test_scx_slo_counts_every_job_and_no_miss(slo_arm, unit):
    jobs, misses = slo_arm.own[unit]
    # The warm-up counts here too, and so do the few jobs of ending.
    assert jobs >= slo_arm.jobs[unit]["n"]
    assert misses == 0, three_units.describe("scx-slo", slo_arm)


def test_the_hogs_get_their_floor(slo_arm):
    assert slo_arm.batch_share >= FLOOR


def test_each_scheduler_was_there_all_the_time(arms):
    assert all(stayed for _, stayed in arms.values())
