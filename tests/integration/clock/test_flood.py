# SPDX-License-Identifier: GPL-2.0-only
"""Under 100,000 misses a second none is counted twice, left out, or told wrong."""

import dataclasses
import itertools
import pathlib

import machine
import miss_flood
import pytest
from figures import figures
from miss_flood import HISTOGRAMS, Flood

MODES = {"observing": "observe", "enforcing": "enforce"}
# Clocks are read at other places of a switch than the kernel's own; see test_known_jobs.py.
SWITCH_NS = 20_000
# What an allocator may keep. The records of a flood would be a hundred times as much.
MEMORY_KIB = 256
SERVERS = pathlib.Path("/sys/kernel/debug/sched")


@dataclasses.dataclass(frozen=True)
class Case:
    state: str
    tasks: int
    waves: int
    rate: int = 10  # the default
    burst: int = 20  # the default
    global_rate: int = 100  # the default
    least_per_second: int = 0

    @property
    def is_all_told(self):
        return self.rate > 10

    @property
    def title(self):
        return self.state + ("-all-told" if self.is_all_told else "")

    @property
    def unit(self):
        return f"flood-{self.title}.service"

    @property
    def configuration(self):
        return (
            f"[Scheduler]\nMode={MODES[self.state]}\n"
            f"[Events]\nRate={self.rate}\nBurst={self.burst}\nGlobalRate={self.global_rate}\n"
        )

    def __str__(self):
        return self.title


CASES = (
    # As many as a CPU that executes an instruction each nanosecond can have. Beside the kernel's scheduler, which
    # needs more of them itself, it is a little less.
    Case("observing", 1000, 300, least_per_second=80_000),
    Case("enforcing", 1000, 300, least_per_second=100_000),
    # Each miss is to have its record, but they come faster than the daemon gets to read them.
    Case("enforcing", 2000, 60, 100_000, 100_000, 100_000),
)


@dataclasses.dataclass(frozen=True)
class Seen:
    case: Case
    flood: Flood
    told: list  # of each signal since before the unit was started: how many misses, and the worst of them
    lost: int  # as the manager has it, likewise
    grown_kib: int  # memory of the daemon


def told_of(unit, listener):
    return [(count, worst) for name, count, worst in listener.received() if name == unit]


def see(case, listener):
    lost_before = machine.bus_property("EventsLost")
    miss_flood.start(case.unit)
    miss_flood.play(case.unit, 5)  # so that it has the memory that any flood needs
    memory_before = machine.memory_kib()[0]
    flood = miss_flood.play(case.unit, case.waves)
    misses = flood.after["Misses"]
    machine.wait_for(
        f"{misses} misses are told", lambda: sum(count for count, _ in told_of(case.unit, listener)) >= misses, 60
    )
    grown_kib = machine.memory_kib()[0] - memory_before
    lost = machine.bus_property("EventsLost") - lost_before
    seen = Seen(case, flood, told_of(case.unit, listener), lost, grown_kib)
    figures.append(f"flood, {case}: {flood}; {len(seen.told)} signals; memory of the daemon +{grown_kib} KiB")
    return seen


@pytest.fixture(scope="module", autouse=True)
def nobody_above_real_time():
    """The kernel gives those without a real-time priority a twentieth of a CPU before all with one (since Linux 6.12,
    those of a sched_ext scheduler since 7.0). It comes when it is due, and lets workers run before all are woken."""
    servers = {path: path.read_text() for path in SERVERS.glob("*_server/cpu*/runtime")}
    for path in servers:
        path.write_text("0\n")
    yield
    for path, before in servers.items():
        path.write_text(before)


@pytest.fixture(scope="module", params=CASES, ids=str)
def seen(request, anchor, module_units):
    case = request.param
    miss_flood.write(module_units, case.unit, case.tasks)
    machine.configure(case.configuration)
    machine.restart("scx-slo")
    machine.wait_for_state(case.state)
    pid = machine.main_pid()
    listener = machine.Listener("DeadlineMissed")
    try:
        yield see(case, listener)
        assert machine.state() == case.state and machine.main_pid() == pid
    finally:
        listener.stop()
        machine.stop(case.unit)
        machine.configure(None)


def test_it_is_a_flood(seen):
    assert seen.flood.misses_per_second >= seen.case.least_per_second


def test_each_job_is_counted_once_and_is_a_miss(seen):
    flood = seen.flood
    assert flood.grown("Jobs") == flood.said["kernel_jobs"]
    assert flood.grown("Misses") == flood.grown("Jobs") >= seen.case.tasks * seen.case.waves * 0.99


def test_each_miss_has_one_cause_and_each_job_its_place_in_the_histograms(seen):
    flood = seen.flood
    causes = miss_flood.misses_by_cause(flood.after)
    assert sum(causes.values()) == flood.after["Misses"]
    # None ran before its budget was over: each came too late, or its unit's reserve was used up.
    assert {cause for cause in causes if flood.grown(cause)} <= {"MissesLateStart", "MissesThrottled"}
    for key in HISTOGRAMS:
        assert sum(miss_flood.jobs_by_bucket(flood.after[key]).values()) == flood.after["Jobs"], key


def test_waits_are_those_of_the_kernel(seen):
    tolerance_ns = SWITCH_NS * seen.flood.said["kernel_runs"]
    assert abs(seen.flood.wait_ns - seen.flood.said["kernel_wait_ns"]) <= tolerance_ns


def test_records_keep_to_their_limits(seen):
    flood, case = seen.flood, seen.case
    if case.is_all_told:
        assert flood.grown("EventsSuppressed") == 0
        assert flood.grown("EventsLost") > 0, "the daemon keeps up: more tasks would show that losses are counted"
    else:
        assert flood.grown("EventsLost") == 0
        refilled = case.rate * flood.seconds
        # All that a full bucket has at the start, and two at the ends: the flood's last miss comes a while after it.
        assert refilled - 1 <= flood.sent <= refilled + case.burst + 2
    assert seen.lost == flood.after["EventsLost"], "of other units none are"


def test_every_miss_is_told_of_and_so_is_the_worst(seen):
    after = seen.flood.after
    assert sum(count for count, _ in seen.told) == after["Misses"]
    worst_us = max(worst["WaitUSec"] for _, worst in seen.told)
    assert worst_us == after["WaitMaxUSec"]
    lower_ns, upper_ns, _ = after["WaitHistogramNSec"][-1]
    assert lower_ns <= 1000 * worst_us + 500 and 1000 * worst_us - 500 < upper_ns
    for _, worst in seen.told:
        assert abs(worst["WaitUSec"] - worst["BudgetUSec"] - worst["MissUSec"]) <= 1, worst


def test_nothing_decreases_from_one_reading_to_the_next(seen):
    readings = [seen.flood.before, *seen.flood.reads, seen.flood.after]
    jobs = sorted({reading["Jobs"] for reading in readings})
    # A daemon that has to tell of each miss answers when the flood is over.
    assert len(jobs) > 3 or seen.case.is_all_told, "readings that see no jobs between them show nothing"
    for earlier, later in itertools.pairwise(readings):
        assert miss_flood.decreased(earlier, later) == []


def test_memory_of_the_daemon_does_not_grow(seen):
    assert seen.grown_kib <= MEMORY_KIB
