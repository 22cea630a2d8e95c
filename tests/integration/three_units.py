# SPDX-License-Identifier: GPL-2.0-only
"""Three services with budgets that need 90% of one CPU together, beside CPU hogs that would take all of it."""

import dataclasses
import json
import pathlib
import random
import time

import machine

RUN_DIR = pathlib.Path("/run/three-units")
BATCH = "batch.slice"
HOGS = "batch-hogs.service"


@dataclasses.dataclass(frozen=True)
class Spec:
    unit: str
    threads: int
    exec_ms: int
    period_ms: int
    limit_ms: int
    budget: str


# A limit is the budget for waiting plus the execution of a job.
SET = (
    Spec("slo-fast.service", 1, 1, 5, 3, "2ms"),
    Spec("slo-middle.service", 2, 3, 20, 13, "10ms"),
    Spec("slo-slow.service", 2, 20, 100, 70, "50ms"),
)


def write_units():
    RUN_DIR.mkdir(exist_ok=True)
    for spec in SET:
        stem = spec.unit.removesuffix(".service")
        machine.write_unit(
            spec.unit,
            # What has ended stays loaded, so that its figures can still be asked for.
            "[Service]\nType=exec\nRemainAfterExit=yes\n"
            f"EnvironmentFile={RUN_DIR}/{stem}.arm\n"
            f"ExecStart=/usr/local/bin/deadline_jobs --json --name {stem} --threads {spec.threads}"
            f" --exec {spec.exec_ms}ms --period {spec.period_ms}ms --limit {spec.limit_ms}ms $ARM\n"
            f"StandardOutput=truncate:{RUN_DIR}/{stem}.json\n",
        )


def write_budgets():
    for spec in SET:
        machine.write_drop_in(spec.unit, f"[X-Slo]\nSloBudget={spec.budget}\n")


def remove():
    for unit in (*(spec.unit for spec in SET), HOGS):
        machine.stop(unit, or_unloaded=True)
        machine.remove_files(unit)


def write_hogs(count, options=""):
    machine.write_unit(
        HOGS,
        f"[Service]\nSlice={BATCH}\nExecStart=/usr/bin/stress-ng --cpu {count} --cpu-method int64"
        f" --metrics --timeout 0 {options}\n",
    )


def start_hogs(count, limit=60):
    machine.restart(HOGS)
    machine.wait_for(f"{count} hogs run", lambda: machine.running_hogs(HOGS) >= count, limit)


@dataclasses.dataclass(frozen=True)
class Outcome:
    jobs: dict  # unit -> what deadline_jobs printed
    batch_share: float  # CPU time of batch.slice per second of the measured time
    own: dict  # unit -> (jobs, misses) that scx-slo counted, warm-up included; empty without it


def own_counts():
    stats = {spec.unit: machine.get_stats(spec.unit) for spec in SET}
    return {unit: (values["Jobs"], values["Misses"]) for unit, values in stats.items()}


def threads(unit):
    return len((machine.cgroup_of(unit) / "cgroup.threads").read_text().split())


def ended(unit):
    return machine.show(unit, "SubState") in ("exited", "failed")


def offsets_us(seed):
    """When each unit releases its first job after the common start: seed 0 is all at once."""
    dice = random.Random(seed)
    return {spec.unit: dice.randrange(spec.period_ms * 1000) if seed else 0 for spec in SET}


def run_arm(seconds, warmup=1, with_scx_slo=False, lead=5, tick=lambda done: None, seed=0):
    """Runs the set once for `seconds`, `warmup` seconds more before; the hogs must be running already."""
    start = int(time.monotonic()) + lead
    for unit, offset in offsets_us(seed).items():
        (RUN_DIR / unit.replace(".service", ".arm")).write_text(
            f"ARM=--start-at {start} --offset {offset}us --seconds {seconds} --warmup {warmup}s\n"
        )
    machine.restart(*(spec.unit for spec in SET))
    # What a unit does to get started is no part of it; its threads wait for the common start then.
    for spec in SET:
        machine.wait_for(f"all threads of {spec.unit}", lambda spec=spec: threads(spec.unit) == spec.threads + 1, lead)
    before = own_counts() if with_scx_slo else {}
    assert time.monotonic() < start, "the units are ready too late for a common start: raise lead"

    begin, end = start + warmup, start + warmup + seconds
    machine.sleep_until(begin)
    share = machine.cpu_share(machine.CGROUP / BATCH, begin, end, tick)
    for spec in SET:
        machine.wait_for(f"{spec.unit} ends", lambda unit=spec.unit: ended(unit), 60)
        assert machine.show(spec.unit, "Result") == "success", spec.unit
    after = own_counts() if with_scx_slo else {}
    jobs = {spec.unit: json.loads((RUN_DIR / spec.unit.replace(".service", ".json")).read_text()) for spec in SET}
    own = {unit: tuple(a - b for a, b in zip(after[unit], before[unit])) for unit in after}
    return Outcome(jobs, share, own)


def describe(title, outcome):
    lines = [title]
    for unit, job in outcome.jobs.items():
        percent = 100 * job["misses"] / job["n"] if job["n"] else float("nan")
        line = (
            f"  {unit:20} jobs {job['n']:5}  misses {job['misses']:5} ({percent:6.2f}%)  p50 {job['p50_ns'] / 1e6:9.3f}"
            f"  p99 {job['p99_ns'] / 1e6:9.3f}  max {job['max_ns'] / 1e6:9.3f} ms"
        )
        if unit in outcome.own:
            line += "  scx-slo: {} jobs, {} misses".format(*outcome.own[unit])
        lines.append(line)
    lines.append(f"  batch.slice          {100 * outcome.batch_share:.1f}% of one CPU")
    return "\n".join(lines)
