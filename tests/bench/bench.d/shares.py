# SPDX-License-Identifier: GPL-2.0-only
"""How hogs without a budget share one CPU: by the weights of services and slices, and by nice values in a service."""

import dataclasses
import os
import pathlib
import time

import arms
import hogs
import load
import machine
from measures import Measure

COMPARED = (arms.KERNEL, arms.OURS)
# In points of percent.
WITHIN, WITHIN_DEEP = 2, 3
# Shares follow a load that changes within about a second.
SETTLE_S, SECONDS = 2, 4
HOG = "/usr/bin/stress-ng --cpu 1 --cpu-method int64 --timeout 0"
# The first is at home in the second.
SLICES = {"others-deep-deeper.slice": 300, "others-deep.slice": 200, "others.slice": 300, "others2.slice": 100}


@dataclasses.dataclass(frozen=True)
class Hog:
    """All of a service, or what in it has a nice value."""

    service: str
    nice: int | None = None

    def used_us(self):
        if self.nice is None:
            return machine.cpu_usec(machine.cgroup_of(self.service))
        tids = [tid for tid in hogs.tids(self.service) if os.getpriority(os.PRIO_PROCESS, tid) == self.nice]
        return sum(int(pathlib.Path(f"/proc/{tid}/schedstat").read_text().split()[0]) for tid in tids) / 1000


def named(number):
    return f"bench-share{number}.service"


@dataclasses.dataclass(frozen=True)
class Case:
    """Each but the last is a row of the table; that one has what the others leave."""

    rows: tuple
    settings: tuple  # of each service
    within: int = WITHIN
    nice: tuple = ()  # of the second hog in each service; the first has 0

    @property
    def services(self):
        return [named(number) for number in range(len(self.settings))]

    @property
    def hogs(self):
        if self.nice:
            return [Hog(service, nice) for service in self.services for nice in (0, *self.nice)]
        return [Hog(service) for service in self.services]


def weights(*values):
    return Case((f"share of {values[0]} beside {values[1]}",), tuple(f"CPUWeight={value}\n" for value in values))


CASES = (
    weights(300, 100),
    weights(1000, 100),
    weights(100, "idle"),
    Case(("share of nice 0 beside 10 in one service",), ("CPUWeight=100\n",), nice=(10,)),
    Case(
        tuple(f"share of who is in {depth}" for depth in ("three slices", "two of them", "the first of them")),
        tuple(f"Slice={slice_}\nCPUWeight=100\n" for slice_ in SLICES),
        WITHIN_DEEP,
    ),
)


def write(case):
    for slice_, weight in SLICES.items():
        machine.write_unit(slice_, f"[Slice]\nCPUWeight={weight}\n")
    niced = "".join(f"/usr/bin/nice -n {nice} {HOG} & " for nice in case.nice)
    for service, settings in zip(case.services, case.settings, strict=True):
        machine.write_unit(service, f"[Service]\nExecStart=/bin/sh -c '{niced}exec {HOG}'\n{settings}")
    machine.daemon_reload()


def start(case):
    """One after the other, each held still then, under the kernel's scheduler: that does not learn of a nice value set
    while another one is in charge."""
    arms.leave(flat=False)
    wanted = 1 + len(case.nice)
    for service in case.services:
        machine.start(service)
        machine.wait_for(f"hogs of {service}", lambda service=service: machine.running_hogs(service) >= wanted, 60)
        machine.freeze(True, service)
        load.check_weight(service)


def remove(case):
    machine.freeze(False, *case.services)
    machine.run("systemctl", "stop", *case.services, *SLICES)
    for unit in (*case.services, *SLICES):
        machine.remove_files(unit)


def shares(case):
    """In percent of what all had."""
    machine.freeze(False, *case.services)
    time.sleep(SETTLE_S)
    before = [hog.used_us() for hog in case.hogs]
    time.sleep(SECONDS)
    used = [hog.used_us() - us for hog, us in zip(case.hogs, before, strict=True)]
    machine.freeze(True, *case.services)
    return [100 * us / sum(used) for us in used]


def measure_case(case, rounds, say):
    figures = [Measure(row, "%", COMPARED, within=case.within) for row in case.rows]
    write(case)
    try:
        start(case)
        for number in range(rounds):
            for arm in arms.order(COMPARED, f"{case.rows[0]} {number}"):
                arms.enter(arm, flat=False)
                measured = shares(case)
                arms.check(arm)
                for figure, share in zip(figures, measured, strict=False):
                    figure.add(arm, share)
                say(f"{case.rows[0]}, {arm}: {', '.join(f'{share:.2f}%' for share in measured)}")
    finally:
        remove(case)
    return figures


def measure(rounds, say):
    return [figure for case in CASES for figure in measure_case(case, rounds, say)]
