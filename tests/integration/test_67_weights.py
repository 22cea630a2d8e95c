# SPDX-License-Identifier: GPL-2.0-only
"""Best effort by groups: what a service gets follows from CPUWeight= and from the slice it is in, not from its threads."""

import os
import time

import machine
import pytest

CPUS = os.cpu_count()
WINDOW = 3
LIMIT = 90

# The services of a case: threads per CPU, [Service] or [Slice] settings; and what the first one is to have of all.
CASES = {
    "threads": ([(1, ""), (4, "")], (0.4, 0.6)),
    "weights": ([(1, "CPUWeight=300\n"), (4, "CPUWeight=100\n")], (0.65, 0.85)),
    "low weight": ([(4, "CPUWeight=30\n"), (1, "CPUWeight=100\n")], (0.13, 0.33)),
    # Two in one slice have together what one in another has.
    "slices": (
        [(1, "Slice=weigh-one.slice\nCPUWeight=100\n")] + [(1, "Slice=weigh-two.slice\nCPUWeight=100\n")] * 2,
        (0.4, 0.6),
    ),
}


def service(number):
    return f"weigh{number}.service"


def start(units, services):
    for number, (threads, settings) in enumerate(services):
        # Services without the cpu controller are groups all the same, as the kernel's autogroups: one per session.
        hogs = f"/usr/bin/stress-ng --cpu {threads * CPUS} --cpu-method int64 --timeout 0"
        units.service(service(number), hogs, settings)
    machine.daemon_reload()
    machine.start(*(service(number) for number in range(len(services))))
    for number, (threads, _) in enumerate(services):
        machine.wait_for(
            f"the threads of {service(number)} run",
            lambda number=number, threads=threads: machine.running_hogs(service(number)) >= threads * CPUS,
            60,
        )


def share_of_first(count):
    """What the first of the services had of all that they had, in the next seconds."""
    cgroups = [machine.cgroup_of(service(number)) for number in range(count)]
    before = [machine.cpu_usec(cgroup) for cgroup in cgroups]
    time.sleep(WINDOW)
    used = [machine.cpu_usec(cgroup) - usec for cgroup, usec in zip(cgroups, before, strict=True)]
    return used[0] / sum(used)


def comes_to(count, bounds):
    """And stays there."""
    least, most = bounds
    seen = []

    def is_right():
        seen.append(round(share_of_first(count), 2))
        return len(seen) > 1 and all(least <= share <= most for share in seen[-2:])

    try:
        machine.wait_for(f"its share is {least} to {most}", is_right, LIMIT)
    except AssertionError as error:
        raise AssertionError(f"{error}; it was {seen}") from error


@pytest.mark.parametrize("case", CASES)
def test_groups_share_by_their_weights(units, enforcing, case):
    services, bounds = CASES[case]
    start(units, services)
    comes_to(len(services), bounds)


@pytest.fixture
def changed():
    yield
    machine.run("systemctl", "revert", service(0))


def test_a_weight_that_is_changed_counts_at_once(units, enforcing, changed):
    start(units, [(2, "CPUWeight=100\n"), (2, "CPUWeight=100\n")])
    comes_to(2, (0.4, 0.6))
    machine.run("systemctl", "set-property", "--runtime", service(0), "CPUWeight=400")
    comes_to(2, (0.7, 0.9))
    machine.run("systemctl", "set-property", "--runtime", service(0), "CPUWeight=idle")
    comes_to(2, (0, 0.2))
