# SPDX-License-Identifier: GPL-2.0-only
"""By the wall clock and on several CPUs: jobs and causes are what the definitions say, under both schedulers."""

import known_jobs
import pytest

# Not all of those that the virtual clock has an answer for: what other CPUs and a clock of its own may change.
ON_ONE_CPU = ("late", "preempted", "forks", "killed", "stopped", "frozen", "traced")
CASES = (*(case for case in known_jobs.ON_ONE_CPU if case.title in ON_ONE_CPU), *known_jobs.ON_SEVERAL_CPUS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_jobs_are_as_defined(case, known_state):
    count = known_jobs.play(case, known_state)
    # On a busy host the program may be too late to sleep as planned: the kernel knows how often it did.
    known = "jobs" if count.said["kernel_jobs"] is None else "kernel_jobs"
    assert count.said[known] in (None, count.jobs), known
    # By the wall clock others may be late as well: a busy host is.
    for cause in known_jobs.CAUSES:
        assert count.misses[cause] >= count.said[cause], cause
