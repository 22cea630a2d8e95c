# SPDX-License-Identifier: GPL-2.0-only
"""Scenarios whose jobs are known, each played by a service of its own; see tests/workloads/known_scenarios.cpp."""

import dataclasses
import json
import pathlib
import shutil

import machine
from figures import figures

DIRECTORY = pathlib.Path("/run/known-jobs")
CAUSES = {"late_start": "LateStart", "preempted": "Preempted", "overlong": "Overlong", "overrun": "Overrun"}


@dataclasses.dataclass(frozen=True)
class Case:
    scenario: str
    settings: tuple = ("SloBudget=10ms",)
    name: str = ""

    @property
    def title(self):
        return self.name or self.scenario

    @property
    def unit(self):
        return f"known-{self.title}.service"

    @property
    def directory(self):
        return DIRECTORY / self.title

    def __str__(self):
        return self.title


RESPONSE = ("SloBudget=10ms", "SloMetric=response")
AMPLE = ("SloBudget=1s",)
REAL_TIME = tuple(Case(name) for name in ("rt-sleeps", "rt-back-preempted", "rt-unswitched", "rt-queued"))
ON_ONE_CPU = (
    Case("sleeps"),
    Case("spins"),
    Case("late"),
    Case("late", RESPONSE, "late-response"),
    Case("preempted"),
    Case("preempted", RESPONSE, "preempted-response"),
    Case("overlong", ("SloBudget=10ms", "SloMaxExec=20ms")),
    Case("overrun", RESPONSE),
    Case("yields", AMPLE),
    Case("forks", AMPLE),
    Case("killed", AMPLE),
    Case("stopped"),
    Case("frozen"),
    Case("traced"),
    Case("terminal", AMPLE),
    Case("moved"),
)
ON_SEVERAL_CPUS = (Case("migrated", AMPLE), Case("ping", AMPLE))
# Where a driver cannot see a change of class as the definition has it: it counts one job too many.
UNSEEN = {
    ("rt-unswitched", "observing"): "the probes see a class only where a task is switched or woken",
    ("rt-queued", "observing"): "the probes see a class only where a task is switched or woken",
}


@dataclasses.dataclass(frozen=True)
class Count:
    said: dict  # what known_jobs printed: None where it could not know
    jobs: int
    misses: dict  # by cause
    exec_us: float
    wait_us: float  # the mean is given in whole microseconds: may be short of the truth by one for each job

    def describe(self, title):
        kernel = "".join(
            f" {name} {ours:.0f} us (kernel {self.said[key] / 1000:.0f})"
            for name, ours, key in (("exec", self.exec_us, "kernel_exec_ns"), ("wait", self.wait_us, "kernel_wait_ns"))
            if self.said[key] is not None
        )
        causes = " ".join(f"{cause} {n}" for cause, n in self.misses.items() if n) or "no misses"
        known = [self.said[key] for key in ("jobs", "kernel_jobs")]
        return f"{title}: {self.jobs} jobs (script {known[0]}, kernel {known[1]}), {causes},{kernel}"


def write(units, cases):
    for case in cases:
        units.service(
            case.unit,
            f"/usr/local/bin/known_jobs {case.scenario} {case.directory}",
            # What it plays with has a cgroup of its own.
            settings="Type=exec\nDelegate=yes\n",
        )
        machine.write_drop_in(case.unit, "[X-Slo]\n" + "\n".join(case.settings) + "\n")
    machine.daemon_reload()


def enter(state):
    machine.configure("[Scheduler]\nMode=observe\n" if state == "observing" else None)
    machine.start("scx-slo")
    if state == "enforcing":
        machine.ensure_enforcing()
    machine.wait_for_state(state)


def wait_sum_us(stats):
    return stats["Jobs"] * stats.get("WaitMeanUSec", 0)


def difference(before, after, said):
    misses = {cause: after[f"Misses{word}"] - before[f"Misses{word}"] for cause, word in CAUSES.items()}
    assert sum(misses.values()) == after["Misses"] - before["Misses"], "each miss has one cause"
    return Count(
        said,
        after["Jobs"] - before["Jobs"],
        misses,
        after["ExecUSec"] - before["ExecUSec"],
        wait_sum_us(after) - wait_sum_us(before),
    )


def make(path, answer):
    """Makes the file that the program waits for, and waits for its answer."""
    path.touch()
    machine.wait_for(f"known_jobs answers to {path} with {answer}", (path.parent / answer).exists, limit=60)


def play(case, state):
    """One play of the scenario, as the program and the kernel counted it and as scx-slo did."""
    shutil.rmtree(case.directory, ignore_errors=True)
    case.directory.mkdir(parents=True)
    machine.start(case.unit)
    try:
        # What is counted now is of this process: its cgroup is known.
        machine.counting(case.unit, limit=60)
        make(case.directory / "hold", "ready")
        before = machine.get_stats(case.unit)
        make(case.directory / "go", "result")
        said = json.loads((case.directory / "result").read_text())
        after = machine.get_stats(case.unit)
        assert machine.state() == state
    finally:
        machine.stop(case.unit)
    count = difference(before, after, said)
    figures.append(count.describe(f"{case} {state}"))
    return count
