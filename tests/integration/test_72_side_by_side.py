# SPDX-License-Identifier: GPL-2.0-only
"""On several CPUs both drivers count the same jobs of the very same load; the rest is for the virtual clock to show."""

import pytest
import side_by_side
from side_by_side import Load, jobs

# So light that a machine that is emulated on a busy host keeps up.
LOADS = (
    Load("light", jobs(3, 1, 50, 5), "5ms"),
    Load("mixed", "/usr/bin/stress-ng --fork 1 --pipe 1 --timeout 3", "5ms"),
)


@pytest.fixture(scope="module")
def both(anchor, module_units):
    side_by_side.write(module_units, LOADS)
    return side_by_side.count(LOADS)


@pytest.mark.parametrize("unit", [load.unit for load in LOADS])
def test_both_count_the_same_jobs(both, unit):
    ours, beside = both[unit]
    assert ours["jobs"] > 10
    assert abs(ours["jobs"] - beside["jobs"]) <= 0.005 * ours["jobs"]
