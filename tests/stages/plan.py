# SPDX-License-Identifier: GPL-2.0-only
"""What has to run, what passed before and need not, and what cannot be had."""

import dataclasses

import memory
from catalog import UNIT as BUILDS
from catalog import Stage
from schedule import Job
from scripts import Gone, Unknown

# Programs for the machines, when the unit tests, whose build makes them, need not run.
WORKLOADS = "workloads"
UNIT, PACKAGE = "unit", "package"


@dataclasses.dataclass(frozen=True)
class Task:
    stage: Stage
    key: str  # empty when it cannot be told what the stage depends on: it runs, and is not remembered
    seconds: float


@dataclasses.dataclass
class Plan:
    run: list = dataclasses.field(default_factory=list)
    remembered: list = dataclasses.field(default_factory=list)  # (stage, record)
    untested: list = dataclasses.field(default_factory=list)  # (name, why)
    notices: list = dataclasses.field(default_factory=list)


def is_refused(stage, scripts):
    """Why there is nothing to refuse on this kernel, or None."""
    verdict = scripts.kernel_verdict(stage.malformed)
    return None if "malformed" in verdict else f"of {stage.malformed} the archive has {verdict}"


def add(plan, stage, inputs, known, fresh):
    key = ""
    try:
        key = inputs.key(stage)
        record = known.record(stage.name, key)
        if record and record.verdict == memory.PASSED and not fresh:
            plan.remembered.append((stage, record))
            return
        why = is_refused(stage, inputs.scripts) if stage.malformed else None
    except Gone as gone:
        why = str(gone)
    except Unknown as unknown:
        why = None
        plan.notices.append(f"{stage.name}: cannot be remembered, as nothing tells what it depends on ({unknown})")
    if why:
        plan.untested.append((stage.name, why))
        return
    plan.run.append(Task(stage, key, expected(stage, known)))


def expected(stage, known):
    seconds = known.seconds(stage.name)
    if seconds is None:
        return stage.seconds
    # How much a build has to compile nobody knows: it had better begin early.
    return max(seconds, stage.seconds) if stage.kind == BUILDS else seconds


def make(stages, inputs, known, fresh):
    plan = Plan()
    for stage in stages:
        add(plan, stage, inputs, known, fresh)
    return plan


def jobs(plan):
    """The queue: the unit tests first, with all CPUs; machines once there are programs and the package for them."""
    names = {task.stage.name for task in plan.run}
    queued = []
    for task in plan.run:
        name = task.stage.name
        needs = set() if name == UNIT else {UNIT}
        if task.stage.boots:
            needs |= {PACKAGE, WORKLOADS}
        queued.append(Job(name, task.seconds, frozenset(needs), alone=name == UNIT))
    if UNIT not in names and any(task.stage.boots for task in plan.run):
        queued.append(Job(WORKLOADS, 30, alone=True))
    return queued


def failed_last(stages, known):
    """The stages of which the last that is known is no success."""
    newest = ((stage, known.newest(stage.name)) for stage in stages)
    return [stage for stage, record in newest if record and record.last != memory.PASSED]
