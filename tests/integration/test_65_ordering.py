# SPDX-License-Identifier: GPL-2.0-only
"""The three-unit set by the wall clock, on all CPUs: what the virtual clock shows on one CPU holds here too."""

import concurrent.futures
import os

import answers
import machine
import pytest
import three_units
from figures import figures

SECONDS = 5
UNITS = [spec.unit for spec in three_units.SET]

pytestmark = pytest.mark.slow


def run_and_ask(**options):
    """The set once; and all the while an operator asks, and is answered."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(lambda: {name: answers.seconds(name) for name in answers.ALL})
        outcome = three_units.run_arm(SECONDS, lead=20, **options)
        return outcome, asking.result()


@pytest.fixture(scope="module")
def arms():
    hogs = 4 * os.cpu_count()
    machine.run("systemctl", "stop", "scx-slo")
    three_units.write_units()
    three_units.write_budgets()
    three_units.write_hogs(hogs)
    machine.daemon_reload()
    three_units.start_hogs(hogs)
    kernel, kernel_answers = run_and_ask()
    machine.ensure_enforcing()
    ours, our_answers = run_and_ask(with_scx_slo=True)
    stayed = machine.enforcing()
    for title, outcome, times in (("the kernel's scheduler", kernel, kernel_answers), ("scx-slo", ours, our_answers)):
        figures.append(three_units.describe(f"by the wall clock, {title}", outcome))
        figures.append(f"  answers meanwhile: {answers.describe(times)}")
    three_units.remove()
    machine.daemon_reload()
    assert stayed
    return kernel.jobs, ours.jobs


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_misses_more_than_under_the_kernels_scheduler(arms, unit):
    kernel, ours = arms
    assert ours[unit]["skipped"] == 0
    assert ours[unit]["misses"] <= kernel[unit]["misses"]


def test_all_together_miss_less(arms):
    kernel, ours = (sum(jobs[unit]["misses"] for unit in UNITS) for jobs in arms)
    assert ours < kernel
