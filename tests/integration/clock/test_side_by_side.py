# SPDX-License-Identifier: GPL-2.0-only
"""Both drivers over the very same load, with bursts that one CPU cannot serve in time, count the same, and alike."""

import pytest
import side_by_side
from side_by_side import CAUSES, Load, jobs

SECONDS = 10
# Four fifths of the CPU, in bursts: there are misses of several sorts. The rest goes to tasks that fork and wake each
# other. The two clocks are read at instants that differ by microseconds, so a job right at the edge between two causes
# may have the one here and the other there. Periods with a common multiple would repeat one such job all along, and
# whole milliseconds of execution and of turns for best effort add up to budgets of whole milliseconds.
LOADS = (
    Load("tight", jobs(1, 1, 11, SECONDS), "2300us"),
    Load("long", jobs(3, 8, 53, SECONDS) + " --together", "10700us"),
    Load("response", jobs(2, 4, 47, SECONDS) + " --together", "6400us", "response"),
    Load("overrun", jobs(1, 3, 43, SECONDS), "2600us", "response"),
    Load("mixed", f"/usr/bin/stress-ng --fork 1 --pipe 1 --timeout {SECONDS}", "100ms"),
)
UNITS = [load.unit for load in LOADS]
PARTS = (0.5, 0.9, 0.99, 0.999)


@pytest.fixture(scope="module")
def both(anchor, module_units):
    side_by_side.write(module_units, LOADS)
    return side_by_side.count(LOADS)


@pytest.mark.parametrize("unit", UNITS)
def test_both_count_the_same_jobs_and_misses(both, unit):
    ours, beside = both[unit]
    assert ours["jobs"] >= 50
    for key in ("jobs", "misses"):
        assert abs(ours[key] - beside[key]) <= 0.005 * ours["jobs"], key


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("time", ["wait", "response"])
def test_each_quantile_is_in_the_same_bucket_or_the_next(both, unit, time):
    ours, beside = both[unit]
    for part in PARTS:
        pair = [side_by_side.quantile_bucket(counted[time], part) for counted in (ours, beside)]
        assert side_by_side.are_neighbours(*pair), part


def test_both_see_the_same_causes(both):
    ours, beside = ({cause: sum(pair[side][cause] for pair in both.values()) for cause in CAUSES} for side in (0, 1))
    misses = max(sum(ours.values()), sum(beside.values()))
    assert misses > 100 and sum(1 for n in ours.values() if n) > 1, "a load without misses shows nothing"
    assert sum(min(ours[cause], beside[cause]) for cause in CAUSES) >= 0.99 * misses
