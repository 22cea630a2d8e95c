# SPDX-License-Identifier: GPL-2.0-only
"""Which stages there are, and what each is."""

import dataclasses

import shards
from mistake import Mistake, listed

SETS = ("all", "unit", "full", "witness")

# Builds and tests on this host; packages; looks for faults put into the scheduler; boots a machine and runs tests of
# tests/integration in it; compares.
UNIT, PACKAGE, PLANTED, MACHINE, WITNESS = "unit", "package", "planted", "machine", "witness"

BRIEF = ("-m", "not slow")
# The rest was tested on the newest kernel, and the kernel makes no difference to it.
BRIEF_AND_OF_THE_KERNEL = ("-m", "not slow and not kernel_independent")
# Loads last longer than the kernel lets a task wait.
LONG = ("--long",)
CLOCK = ("--virtual-clock",)
TWO_CACHES = ("--smp", "4,sockets=2")
CLOCK_OF_TWO_CPUS = (*CLOCK, "--smp", "2")
# Tests of clock/ that know of each job beforehand.
KNOWN = "(known_jobs or test_observing)"

# Seconds until a machine is ended. Each test has a limit of its own, which ends it with more to say.
LIMIT, LONG_LIMIT, SHORT_LIMIT = 2400, 9000, 1500


@dataclasses.dataclass(frozen=True)
class Stage:
    name: str
    sets: frozenset
    kind: str
    seconds: int  # how long it takes, as long as nothing is remembered of it
    preset: str = ""  # of a build: CMake's
    boot: tuple = ()  # of a machine: options of tests/vm/run
    tests: tuple = ()  # of a machine: files of tests/integration
    options: tuple = ()  # of a machine: pytest's
    limit: int = LIMIT
    malformed: str = ""  # only to be had as long as the type information of this series is wrong

    @property
    def boots(self):
        return self.kind in (MACHINE, WITNESS)


def build(name, preset, sets, seconds):
    return Stage(name, frozenset(sets), UNIT, seconds, preset=preset)


def machine(name, sets, seconds, tests, options=(), boot=(), **more):
    return Stage(name, frozenset(sets), MACHINE, seconds, boot=boot, tests=tests, options=options, **more)


def on_the_newest():
    for name in shards.SUITE:
        sets = ("all",) if name in shards.SLOW else ("all", "full")
        yield machine(f"suite-{name}", sets, 180, shards.suite(name), BRIEF)
    for name in shards.SLOW:
        yield machine(f"long-{name}", ("full",), 700, shards.suite(name), LONG, limit=LONG_LIMIT)
    for name in shards.CLOCK:
        sets = ("all",) if name in shards.SLOW_CLOCK else ("all", "full")
        yield machine(f"clock-{name}", sets, 180, shards.clock(name), BRIEF, CLOCK)
    for name in shards.SLOW_CLOCK:
        yield machine(f"long-clock-{name}", ("full",), 500, shards.clock(name), (), CLOCK, limit=LONG_LIMIT)
    # An old kernel's verifier may refuse what the newest loads.
    yield machine("oldest", ("all",), 120, ("test_20_service.py",), BRIEF, ("--kernel", "oldest"))


def on_other_kernels():
    for series in ("7.0", "6.18", "6.12"):
        for name, of in shards.OTHER_KERNELS.items():
            boot = ("--kernel", series)
            yield machine(f"{name}-{series}", ("full",), 500, shards.suite(*of), BRIEF_AND_OF_THE_KERNEL, boot,
                          limit=2 * LIMIT)  # fmt: skip
    everything = shards.clock(*shards.CLOCK)
    yield machine("known-6.18", ("full",), 300, everything, ("-k", KNOWN), ("--kernel", "6.18", *CLOCK))
    # A kernel without sched_ext: it says so, and observes all the same.
    observes = ("-k", f"no_sched_ext or ({KNOWN} and not enforcing)")
    boot = ("--kernel", "6.12-stock", *CLOCK)
    yield machine("stock-6.12", ("full",), 300, (*shards.in_order([shards.REFUSED]), *everything), observes, boot)


def of_their_own():
    caches = shards.in_order([shards.CACHES])
    yield machine("caches", ("full",), 180, caches, (), TWO_CACHES, limit=SHORT_LIMIT)
    quotas = shards.in_order([shards.QUOTAS])
    yield machine("quotas", ("all",), 120, quotas, BRIEF, CLOCK_OF_TWO_CPUS)
    yield machine("long-quotas", ("full",), 400, quotas, (), CLOCK_OF_TWO_CPUS)
    refused = shards.in_order([shards.REFUSED])
    for name, boot, more in (
        ("isolcpus", ("--append", "isolcpus=1"), {}),
        ("no-jit", ("--kernel", "6.12"), {}),
        ("type-information", ("--kernel", "7.1"), {"malformed": "7.1"}),
    ):
        test = f"test_{name.replace('-', '_')}"
        yield machine(name, ("full",), 100, refused, ("-k", test), boot, limit=SHORT_LIMIT, **more)


def stages():
    return (
        build("unit", "release", SETS, 240),
        build("sanitizers", "sanitize", ("all", "full"), 300),
        Stage("package", frozenset(("all", "full")), PACKAGE, 90),
        Stage("planted", frozenset(("full",)), PLANTED, 180),
        *on_the_newest(),
        *on_other_kernels(),
        *of_their_own(),
        # On the virtual clock, so that the load is the same on every host and what is apart is not the host's doing.
        Stage("witness", frozenset(("witness",)), WITNESS, 300, boot=CLOCK, limit=SHORT_LIMIT),
    )


def of_set(name):
    return [stage for stage in stages() if name in stage.sets]


def named(names):
    """The stages of these names, in the order of the catalog."""
    known = {stage.name: stage for stage in stages()}
    for name in names:
        if name not in known:
            raise Mistake(f"there is no stage '{name}'; there are {listed(known)}.")
    return [stage for stage in known.values() if stage.name in names]
