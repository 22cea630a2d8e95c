# SPDX-License-Identifier: GPL-2.0-only
"""Jobs, waits and causes are what the definitions say, to the last job, under the kernel's scheduler and under ours."""

import known_jobs
import pytest

# Clocks are read at other places of a switch than the kernel's own: so many instructions, at most, for each run.
SWITCH_NS = 20_000
# GetStats gives sums and means in whole microseconds: of the jobs before and after the play.
ROUNDING_NS = 100_000

CASES = (*known_jobs.ON_ONE_CPU, *known_jobs.REAL_TIME)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_jobs_waits_and_causes_are_as_defined(case, known_state, request):
    if (case.title, known_state) in known_jobs.UNSEEN:
        request.applymarker(pytest.mark.xfail(strict=True, reason=known_jobs.UNSEEN[case.title, known_state]))
    count = known_jobs.play(case, known_state)
    for known in ("jobs", "kernel_jobs"):
        assert count.said[known] in (None, count.jobs), known
    assert count.misses == {cause: count.said[cause] for cause in known_jobs.CAUSES}
    tolerance_ns = ROUNDING_NS + SWITCH_NS * count.said["kernel_runs"]
    for ours_us, kernel, unseen_ns in (
        (count.exec_us, "kernel_exec_ns", 0),
        (count.wait_us, "kernel_wait_ns", count.said["kernel_unseen_wait_ns"]),
    ):
        if count.said[kernel] is not None:
            assert -tolerance_ns <= 1000 * ours_us - count.said[kernel] <= tolerance_ns + unseen_ns, kernel
