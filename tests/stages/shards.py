# SPDX-License-Identifier: GPL-2.0-only
"""Which files of tests/integration run in one machine: no shard depends on another, and each takes a few minutes.

The files of a shard run by their numbers. So test_10, which wants a machine in which the service was never started, is
the first of its shard, and test_90, which purges the package, the last of its own. `tests/run list` says how long each
took; a shard that grew gives a file to another.
"""

from mistake import Mistake, listed

# On the newest kernel whose sched_ext works, and by the wall clock.
SUITE = {
    "service": ("test_10_package", "test_20_service", "test_21_watch", "test_22_all_stats"),
    "record": ("test_22_record", "test_23_capacity"),
    "budgets": ("test_30_budgets", "test_35_bad_input", "test_40_access", "test_41_log_level"),
    "recovery": ("test_50_recovery", "test_51_ejected", "test_52_neighbours"),
    "system": ("test_53_system", "test_54_states", "test_90_purge"),
    "load": ("test_60_load", "test_65_ordering"),
    "limits": ("test_68_limits", "test_69_limit_torture"),
    "figures": (
        "test_66_real_time", "test_67_weights", "test_70_observing", "test_71_known_jobs", "test_72_side_by_side",
        "test_80_programs",
    ),
}  # fmt: skip

# On the same kernel, with the count of instructions as the clock.
CLOCK = {
    "crowd": ("clock/test_crowd",),
    "flood": ("clock/test_flood", "clock/test_operator"),
    "hostile": ("clock/test_hostile",),
    "jobs": ("clock/test_known_jobs", "clock/test_observing", "clock/test_side_by_side"),
    "limits": ("clock/test_limits",),
    "many": ("clock/test_many_units",),
    "starts": ("clock/test_starts",),
    "switching": ("clock/test_switching_on",),
    "units": ("clock/test_three_units",),
}

# Those with tests marked slow, which only `full` runs.
SLOW = ("system", "load")
SLOW_CLOCK = ("limits", "starts", "units")

# On another kernel, where the tests that no kernel makes a difference to are left out, shards share machines.
OTHER_KERNELS = {
    "interface": ("service", "record", "budgets", "recovery"),
    "load": ("system", "load", "limits", "figures"),
}

# Of machines of their own.
CACHES = "caches/test_two_caches"
QUOTAS = "quotas/test_two_cpus"
REFUSED = "refused/test_refused"
ROOMS = (CACHES, QUOTAS, REFUSED)


def in_order(stems):
    return tuple(f"{stem}.py" for stem in sorted(stems))


def suite(*names):
    return in_order(stem for name in names for stem in SUITE[name])


def clock(*names):
    return in_order(stem for name in names for stem in CLOCK[name])


def files(integration):
    """All test files that there are, by their paths below tests/integration."""
    return sorted(path.relative_to(integration).as_posix() for path in integration.rglob("test_*.py"))


def run_briefly_only(integration, there):
    """Files with slow tests that no set would ever run."""
    whole = {*suite(*SLOW), *clock(*SLOW_CLOCK), *in_order(ROOMS)}
    for name in there:
        if name not in whole and "mark.slow" in (integration / name).read_text(encoding="utf-8"):
            yield name


def check(integration):
    """Every test file has to be in exactly one shard: what is in none is never run."""
    sharded = [*suite(*SUITE), *clock(*CLOCK), *in_order(ROOMS)]
    there = files(integration)
    for wrong, what in (
        ([name for name in there if name not in sharded], "in no shard"),
        ([name for name in sharded if name not in there], "in a shard, and not there"),
        (sorted({name for name in sharded if sharded.count(name) > 1}), "in more than one shard"),
        (list(run_briefly_only(integration, there)), "with slow tests, which full runs in the shards of SLOW alone"),
    ):
        if wrong:
            are = "is" if len(wrong) == 1 else "are"
            raise Mistake(f"{listed(wrong)} of tests/integration {are} {what}; mend tests/stages/shards.py.")
