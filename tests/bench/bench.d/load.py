# SPDX-License-Identifier: GPL-2.0-only
"""Periodic services with budgets beside hogs, written for an arm and run from a common start."""

import dataclasses
import json
import pathlib
import time

import all_stats
import arms
import hogs
import machine

DIR = pathlib.Path("/run/bench-load")
# What an expert gives as a slice: the kernel's scheduler takes whoever asks for a short one sooner.
SLICE_US = (100, 3000)
# That the hogs run on concerns PID 1 and others too, who have done with it before the first release.
SETTLE_S = 0.25


@dataclasses.dataclass(frozen=True)
class Part:
    """One process of a unit, its threads released evenly over a period. Without `seconds` it runs all the time."""

    threads: int
    exec_us: int
    period_us: int
    offset_us: int = 0
    seconds: int | None = None
    unmeasured: int = 0  # seconds

    def command(self, limit_us, start, seconds):
        return (
            f"/usr/local/bin/deadline_jobs --json --threads {self.threads} --exec {self.exec_us}us"
            f" --period {self.period_us}us --limit {limit_us}us --offset {self.offset_us}us --start-at {start}"
            f" --warmup {self.unmeasured}s --seconds {(self.seconds or seconds) - self.unmeasured}"
        )


@dataclasses.dataclass(frozen=True)
class Unit:
    name: str
    budget_us: int
    parts: tuple
    metric: str = "wait"
    settings: tuple = ()  # more lines of [X-Slo]
    weight: int = 100  # what an expert gives it beside the others
    budgeted: bool = True  # without, budget_us is only what an expert goes by, and the weight is in each arm

    @property
    def service(self):
        return f"bench-{self.name}.service"

    @property
    def script(self):
        return DIR / f"{self.name}.sh"

    @property
    def threads(self):
        return sum(part.threads + 1 for part in self.parts) + (len(self.parts) > 1)

    @property
    def slice_us(self):
        least_us, most_us = SLICE_US
        return min(max(self.budget_us // 4 if self.budgeted else self.parts[0].exec_us, least_us), most_us)

    def limit_us(self, part):
        return self.budget_us if self.metric == "response" else self.budget_us + part.exec_us

    def output(self, number):
        return DIR / f"{self.name}.{number}.json"

    def drop_in(self):
        lines = ("[X-Slo]", f"SloBudget={self.budget_us}us", f"SloMetric={self.metric}", *self.settings)
        return machine.write_drop_in(self.service, "\n".join(lines) + "\n")


@dataclasses.dataclass(frozen=True)
class Outcome:
    jobs: dict  # unit's name -> of each part what deadline_jobs printed
    own: dict  # unit's name -> (jobs, misses) that scx-slo counted; empty without it
    batch_share: float  # of the CPU
    gap_ms: float  # the longest time that no hog ran although they could
    unit_share: float  # of the CPU, all units together
    told: list  # what scx-slo said of shedding

    def describe(self):
        """For whoever wants to know how a figure came about."""
        lines = [f"{100 * self.unit_share:.1f}% CPU for the units, {100 * self.batch_share:.1f}% for batch"]
        for name, parts in self.jobs.items():
            said = " and ".join(f"{job['misses']} of {job['n']}" for job in parts)
            own = " ({1} of {0} by scx-slo)".format(*self.own[name]) if name in self.own else ""
            lines.append(f"{name} missed {said}{own}")
        return "; ".join([*lines, *self.told])

    def missed(self, unit, part=0):
        """Percent of the jobs, by the workload itself."""
        job = self.jobs[unit.name][part]
        assert job["skipped"] == 0 and job["n"] > 0, job
        return 100 * job["misses"] / job["n"]

    def own_missed(self, unit):
        jobs, misses = self.own[unit.name]
        assert jobs > 0, f"scx-slo counted no job of {unit.service}"
        return 100 * misses / jobs


def settings_for(arm, unit, rank):
    weight = f"CPUWeight={unit.weight}\n" if arm == arms.TUNED or not unit.budgeted else ""
    policy = f"CPUSchedulingPolicy=fifo\nCPUSchedulingPriority={10 + rank}\n" if arm == arms.FIFO else ""
    return weight + policy


def write(units, arm):
    """Takes effect with the next machine.daemon_reload(). The shorter its budget, the more urgent a unit is."""
    DIR.mkdir(exist_ok=True)
    ranks = {unit: rank for rank, unit in enumerate(sorted(units, key=lambda unit: -unit.budget_us))}
    for unit in units:
        machine.write_unit(
            unit.service,
            # What has ended stays loaded, so that its figures can still be asked for.
            f"[Service]\nType=exec\nRemainAfterExit=yes\nExecStart=/bin/sh {unit.script}\n"
            f"{settings_for(arm, unit, ranks[unit])}",
        )
        if unit.budgeted:
            unit.drop_in()


def write_script(unit, arm, start, seconds):
    prefix = f"chrt --other --sched-runtime {unit.slice_us * 1000} 0 " if arm == arms.TUNED else ""
    commands = [
        f"{prefix}{part.command(unit.limit_us(part), start, seconds)} >{unit.output(number)}"
        for number, part in enumerate(unit.parts)
    ]
    both = " &\n".join(commands) + " &\nwait"
    unit.script.write_text(f"exec {commands[0]}\n" if len(commands) == 1 else f"{both}\n")


def remove(units):
    for unit in units:
        machine.run("systemctl", "stop", unit.service, check=False)
        machine.remove_files(unit.service)
    machine.daemon_reload()


def enter(units, arm, flat=True):
    write(units, arm)
    arms.enter(arm, flat)


def counted(units, arm):
    """What scx-slo has counted; it knows the budgets of all when this returns."""
    if arm in arms.BASELINES:
        return {}
    units = [unit for unit in units if unit.budgeted]
    wanted = {unit.service: unit.budget_us for unit in units}
    machine.wait_for(
        "scx-slo knows the budgets",
        lambda: wanted.items() <= {name: of["SloBudgetUSec"] for name, of in all_stats.units().items()}.items(),
    )
    known = all_stats.units()
    return {unit.name: (known[unit.service]["Jobs"], known[unit.service]["Misses"]) for unit in units}


def is_ready(unit):
    return machine.is_active(unit.service) and len(hogs.tids(unit.service)) == unit.threads


def check_weight(service):
    controllers = (machine.cgroup_of(service) / "cgroup.controllers").read_text().split()
    assert "cpu" in controllers, f"CPUWeight= of {service} has no effect"


def has_ended(unit):
    return machine.show(unit.service, "SubState") == "exited"


def started(units, arm, seconds):
    """Starts the services, which wait for the instant that is returned. The hogs are held still meanwhile."""
    start = int(time.monotonic()) + 3
    for unit in units:
        write_script(unit, arm, start, seconds)
    machine.run("systemctl", "restart", *(unit.service for unit in units))
    for unit in units:
        machine.wait_for(f"{unit.service} is ready", lambda unit=unit: is_ready(unit))
        if not unit.budgeted:
            check_weight(unit.service)
    return start


def run(units, arm, seconds, lead_in=0, meanwhile=lambda: None):
    """Runs the units once in an arm that has been entered. The first seconds are not looked at for CPU time. What is to
    happen meanwhile is begun as soon as the hogs run."""
    start = started(units, arm, seconds)
    before = counted(units, arm)
    mark = machine.journal_mark()
    with hogs.Watch(unit.service for unit in units) as watch:
        assert time.monotonic() < start, "the units are ready too late for a common start"
        hogs.sleep_until(start - SETTLE_S)
        hogs.freeze(False)
        meanwhile()
        hogs.sleep_until(start + seconds)
        hogs.freeze(True)
        for unit in units:
            machine.wait_for(f"{unit.service} ends", lambda unit=unit: has_ended(unit), 60)
        groups = watch.groups((start + lead_in) * 10**9, (start + seconds) * 10**9)
    after = counted(units, arm)
    batch = groups.pop(hogs.UNIT)
    return Outcome(
        jobs={unit.name: [json.loads(unit.output(at).read_text()) for at in range(len(unit.parts))] for unit in units},
        own={name: tuple(a - b for a, b in zip(after[name], before[name])) for name in after},
        batch_share=batch.share,
        gap_ms=batch.longest_gap_ms,
        unit_share=sum(group.share for group in groups.values()),
        told=[line for line in machine.journal(mark) if "guarantee" in line],
    )


def not_honoured(files, keys):
    """Those of the keys that this version does not honour, as `scx-slo check` says."""
    said = json.loads(machine.output("scx-slo", "check", "--json", *files, check=False))
    found = {problem["key"] for problem in said["problems"]} & set(keys)
    return f"{', '.join(sorted(found))} not honoured" if found else ""
