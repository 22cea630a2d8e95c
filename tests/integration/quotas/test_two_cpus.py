# SPDX-License-Identifier: GPL-2.0-only
"""CPUQuota= on two CPUs: each limit is kept and can be had whole, whatever its period, beside hogs and alone."""

import time

import limits
import machine
import pytest
import three_units
from figures import figures

LIMITED, SLICE = "limited.service", "limited.slice"
# More than its share beside the hogs is its own as long as its limit lets it.
WEIGHT = 1000
HOGS = 4
SECONDS = 10
# Two of the longest periods: of one that was before, too.
SETTLE_S = 2
# Percent of a CPU: what is allowed, and how far from it is right.
ONE_CPU, TWO_CPUS = (20, 1), (150, 3)
# Each has hogs of its own, and is in the slice before it.
LEVELS = (("outer.slice", 60), ("outer-middle.slice", 40), ("outer-middle-inner.slice", 25))
WITHIN_LEVELS = 2


@pytest.fixture(scope="module", autouse=True)
def loads(anchor, module_units):
    """All is there, and held still."""
    machine.write_unit(SLICE, f"[Slice]\nCPUWeight={WEIGHT}\n")
    module_units.service(LIMITED, limits.hogs(HOGS), settings=f"Slice={SLICE}\nCPUQuota=50%\n")
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    machine.ensure_enforcing()
    limits.start((LIMITED, HOGS), (three_units.HOGS, HOGS))
    machine.freeze(True, LIMITED, three_units.HOGS)
    yield
    machine.freeze(False, LIMITED, three_units.HOGS)
    limits.revert(LIMITED)
    machine.leave_files(SLICE)
    three_units.remove()


@pytest.fixture(params=["alone", "beside hogs"])
def beside(request):
    machine.freeze(False, LIMITED)
    if request.param != "alone":
        machine.freeze(False, three_units.HOGS)
    yield request.param
    machine.freeze(True, LIMITED, three_units.HOGS)


def is_kept(title, percent, within, period_ms, seconds=SECONDS, settle=SETTLE_S):
    (used,) = limits.percent_of_cpu([machine.cgroup_of(LIMITED)], seconds, settle)
    figures.append(f"CPUQuota={percent}% each {period_ms} ms, {title}: {used:.2f}%")
    assert machine.enforcing()
    assert abs(used - percent) <= within, machine.output("scx-slo", "stats", "--json")


@pytest.mark.slow
@pytest.mark.parametrize("period_ms", [10, 100, 1000])
@pytest.mark.parametrize("quota", [ONE_CPU, TWO_CPUS], ids=str)
def test_a_quota_is_kept(beside, quota, period_ms):
    percent, within = quota
    limits.set_limit(LIMITED, percent, period_ms)
    is_kept(beside, percent, within, period_ms)


def test_a_quota_that_is_changed_holds_within_two_periods(beside):
    limits.set_limit(LIMITED, 50)
    time.sleep(SETTLE_S)
    for percent, within in (ONE_CPU, TWO_CPUS, ONE_CPU):
        limits.set_limit(LIMITED, percent)
        is_kept(f"{beside}, changed", percent, within, period_ms=100, seconds=2, settle=0.2)


def service_of(level):
    return level.replace(".slice", "-hogs.service")


@pytest.fixture
def levels(units):
    services = [(service_of(level), 2) for level, _ in LEVELS]
    for level, percent in LEVELS:
        machine.write_unit(level, f"[Slice]\nCPUQuota={percent}%\n")
        units.service(service_of(level), limits.hogs(2), settings=f"Slice={level}\n")
    machine.daemon_reload()
    limits.start(*services)
    yield
    machine.freeze(False, *(service for service, _ in services))
    machine.stop(*(service for service, _ in services))
    for level, _ in LEVELS:
        machine.leave_files(level)


def test_the_limit_of_each_level_is_kept(levels, beside):
    """And is all used by who is in it: the level's own hogs, and those further in."""
    machine.freeze(True, LIMITED)
    cgroups = [machine.CGROUP / machine.show(level, "ControlGroup").lstrip("/") for level, _ in LEVELS]
    for number, (level, percent) in enumerate(LEVELS):
        used = limits.percent_of_cpu(cgroups, 4, settle=0.2)
        told = ", ".join(f"{value:.2f}% of {most}%" for value, (_, most) in zip(used, LEVELS, strict=True))
        figures.append(f"three levels {beside}, hogs from level {number + 1} on: {told}")
        assert abs(used[number] - percent) <= WITHIN_LEVELS
        assert all(value <= most + WITHIN_LEVELS for value, (_, most) in zip(used, LEVELS, strict=True))
        machine.freeze(True, service_of(level))
    assert machine.enforcing()


def refill(cgroup):
    """Waits until it runs again after it was out of quota for a while; at which instant it did."""
    with limits.real_time():
        seen, since = machine.cpu_usec(cgroup), time.monotonic()
        while True:
            time.sleep(0.01)
            used, now = machine.cpu_usec(cgroup), time.monotonic()
            if used != seen and now - since > 0.2:
                return now
            if used != seen:
                seen, since = used, now


def used_after_a_rest(cgroup):
    """In milliseconds, at once after three periods in which nothing was used, and in two later periods."""
    refilled = refill(cgroup)
    machine.freeze(True, LIMITED)
    (before,), _ = limits.used_by([cgroup], refilled + 3.3)
    machine.freeze(False, LIMITED)
    # The next refill is not in it.
    (after,), now = limits.used_by([cgroup], refilled + 3.9)
    assert now < refilled + 3.98
    (later,), _ = limits.used_usec([cgroup], refilled + 4.7, 2)
    return (after - before) / 1000, later / 1000


@pytest.mark.slow
def test_a_burst_is_spent_once_and_saved_up_again():
    """A period of a second, as long as there are: when it is refilled can be told."""
    machine.freeze(False, LIMITED)
    limits.set_limit(LIMITED, 20, period_ms=1000)
    cgroup = machine.cgroup_of(LIMITED)
    (cgroup / "cpu.max.burst").write_text("200000")
    for _ in range(2):
        first, later = used_after_a_rest(cgroup)
        figures.append(f"quota 200 ms and burst 200 ms: {first:.1f} ms at once, {later:.1f} ms in two periods later")
        assert abs(first - 400) <= 20
        assert abs(later - 400) <= 20
    (cgroup / "cpu.max.burst").write_text("0")
    machine.freeze(True, LIMITED)
