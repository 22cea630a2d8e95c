# SPDX-License-Identifier: GPL-2.0-only
"""Units that start while scx-slo runs, beside hogs: whether their budgets hold from the first task on."""

import collections
import pathlib
import subprocess
import time

import arms
import edf
import hogs
import machine
import three_units
import trace_file
from measures import Measure

OURS = (arms.OURS,)
STARTS, SECONDS = 20, 2
# What a start takes that is systemd's own, in the cgroup of the unit.
SETTLED_NS = 50_000_000
# In that time a start wants more than the CPU.
BUSY_NS = 120_000_000
TRACE = pathlib.Path("/run/bench-starts.trace")

ONE = "bench-one.service"
SCOPES = "benchscope-.scope"
RUNNING = "bench-running.service"
NESTED = "bench-nested.service"
BUDGET = "5ms"
ONES, NESTS = 100, 1000
# About 2 ms of computing, and nothing that waits.
SPIN = "i=0; while [ $i -lt 160 ]; do i=$((i+1)); done"
AGAIN = f"while sleep 0.02; do ({SPIN}); done"
LIMIT = 300
# Who works for a start, with the budget that each has; they go before who is later.
OTHERS = ("init.scope", "dbus.service", "systemd-journald.service", "systemd-logind.service", "scx-slo.service")
OTHERS_BUDGET_NS = 10_000_000


def slice_of(spec):
    return spec.unit.replace("-", "").replace(".service", ".slice")


def write_units():
    three_units.write_units()
    three_units.write_budgets()
    for spec in three_units.SET:
        machine.write_drop_in(spec.unit, f"[Service]\nSlice={slice_of(spec)}\n", "60-slice.conf")
    # $$: systemd makes one of two.
    one = f"Type=oneshot\nExecStart=/bin/sh -c '{SPIN.replace('$', '$$')}'\n"
    machine.write_unit(ONE, f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{one}")
    machine.write_unit(RUNNING, f"[Service]\nExecStart=/bin/sh -c '{AGAIN.replace('$', '$$')}'\n")
    machine.write_unit(NESTED, "[Service]\nExecStart=/bin/sleep infinity\nDelegate=yes\n")
    for name in (ONE, RUNNING, NESTED, SCOPES):
        machine.write_drop_in(name, f"[X-Slo]\nSloBudget={BUDGET}\n")


def remove_units():
    three_units.remove()
    machine.run("systemctl", "stop", ONE, RUNNING, NESTED, check=False)
    for name in (ONE, RUNNING, NESTED, SCOPES):
        machine.remove_files(name)


def wait_until_known(unit):
    machine.wait_for(f"{unit} is known", lambda: not machine.refusal("GetUnit", "s", unit), LIMIT)


def recorded_start(seed):
    """The jobs of one start of the three units, and of who works for it."""
    specs = {slice_of(spec): spec for spec in three_units.SET}
    command = ["scx-slo", "record", *specs, *OTHERS, "--for", "10min", "-o", TRACE]
    record = subprocess.Popen(command, stderr=subprocess.PIPE)
    machine.wait_for("it is recorded", lambda: TRACE.exists() and TRACE.stat().st_size > 0, LIMIT)
    hogs.freeze(False)
    for unit, offset in three_units.offsets_us(seed).items():
        (three_units.RUN_DIR / unit.replace(".service", ".arm")).write_text(
            f"ARM=--offset {offset}us --seconds {SECONDS}\n"
        )
    machine.start(*(spec.unit for spec in three_units.SET))
    for spec in three_units.SET:
        machine.wait_for(f"{spec.unit} ends", lambda unit=spec.unit: three_units.ended(unit), LIMIT)
    hogs.freeze(True)
    record.terminate()
    record.wait(LIMIT)
    machine.stop(*(spec.unit for spec in three_units.SET))
    trace = trace_file.read(TRACE)
    assert trace.lost == 0
    TRACE.unlink()

    def unit_of(name):
        if name in OTHERS:
            return name, OTHERS_BUDGET_NS
        spec = specs[name]
        return spec.unit, int(spec.budget.removesuffix("ms")) * 1_000_000

    return edf.jobs_of(trace, unit_of), trace


def ran_between(trace, begin_ns, end_ns):
    """How many milliseconds each of the recorded units ran in that time; the rest is of others."""
    ran_ms, runs = collections.Counter(), {}
    for record in trace.records:
        if record.kind == "run":
            runs[record.tid] = record.time_ns
        elif record.kind in ("stop", "sleep", "exit") and record.tid in runs:
            overlap_ns = min(record.time_ns, end_ns) - max(runs.pop(record.tid), begin_ns)
            if overlap_ns > 0:
                ran_ms[trace.units[record.unit].name] += overlap_ns / 1e6
    return ran_ms


def ran_instead(trace, job):
    ran_ms = ran_between(trace, job.released_ns, job.released_ns + job.waited_ns + job.exec_ns)
    return ", ".join(f"{unit} {ms:.2f}" for unit, ms in ran_ms.most_common())


def recorded_share(trace, begin_ns):
    return 100 * sum(ran_between(trace, begin_ns, begin_ns + BUSY_NS).values()) / (BUSY_NS / 1e6)


def first_ns(jobs):
    """When each unit began."""
    first = {}
    for job in jobs:
        first.setdefault(job.unit, job.released_ns)
    return first


def measure_three(rounds, say):
    beyond = Measure("three units started: missed beyond EDF's", "jobs", OURS, most=0)
    later = Measure("three units started: missed after 50 ms", "jobs", OURS, most=0)
    machine.start(*(slice_of(spec) for spec in three_units.SET))
    for seed in range(STARTS * rounds):
        jobs, trace = recorded_start(seed)
        began = first_ns(jobs)
        ours = [job for job in jobs if job.missed and job.unit not in OTHERS]
        ideal = [job for job in edf.missed(jobs) if job.unit not in OTHERS]
        late = [job for job in ours if job.released_ns > began[job.unit] + SETTLED_NS]
        beyond.add(arms.OURS, max(0, len(ours) - len(ideal)))
        later.add(arms.OURS, len(late))
        say(f"start {seed}: {len(jobs)} jobs, {len(ours)} missed, {len(ideal)} by EDF, {len(late)} after 50 ms;"
            f" {recorded_share(trace, min(began.values())):.0f}% of its first {BUSY_NS / 1e6:.0f} ms are of recorded units")
        for job in ours:
            say(
                f"  {job.unit} {(job.released_ns - began[job.unit]) / 1e6:.1f} ms after its start:"
                f" waited {job.waited_ns / 1e6:.2f} ms, executed {job.exec_ns / 1e6:.2f};"
                f" who ran meanwhile, in ms: {ran_instead(trace, job)}"
            )
    machine.stop(*(slice_of(spec) for spec in three_units.SET))
    return [beyond, later]


def counted(unit):
    stats = machine.get_stats(unit)
    return stats["Jobs"], stats["Misses"]


def counts_of(unit, work):
    """Jobs and misses of the unit by some work beside the hogs."""
    before = counted(unit)
    hogs.freeze(False)
    work()
    hogs.freeze(True)
    return tuple(after - was for was, after in zip(before, counted(unit)))


def start_ones():
    for _ in range(ONES):
        machine.start(ONE)


def run_nested():
    """A cgroup for each of many tasks, which are forked outside and moved in."""
    parent = machine.cgroup_of(NESTED)
    for number in range(NESTS):
        cgroup = parent / f"nest-{number}"
        cgroup.mkdir()
        machine.run("sh", "-c", f"echo 0 >{cgroup}/cgroup.procs; ({SPIN}); :")
        machine.wait_for("it is empty", lambda at=cgroup: "populated 0" in (at / "cgroup.events").read_text(), LIMIT)
        cgroup.rmdir()


def scope_counts(number):
    """Of one scope, which stays until it has been asked for."""
    scope = f"benchscope-{number}.scope"
    machine.run("systemd-run", "--scope", "--quiet", f"--unit={scope}", "sh", "-c",
                f"({SPIN}); setsid -f sleep infinity >&- 2>&-")  # fmt: skip
    wait_until_known(scope)
    counts = counted(scope)
    machine.stop(scope)
    return counts


def run_scopes():
    return [scope_counts(number) for number in range(ONES)]


def measure_counts(say):
    """What starts is counted from its first job on, and misses no more than what runs."""
    uncounted = Measure("started: fewer jobs counted than tasks", "units", OURS, most=0)
    missed = Measure("started: missed more than of a service that runs", "points", OURS, most=0)
    machine.start(RUNNING, NESTED)
    jobs, misses = counts_of(RUNNING, lambda: time.sleep(20))
    machine.stop(RUNNING)
    running = 100 * misses / jobs
    say(f"a service that runs: {jobs} jobs, {misses} missed")
    hogs.freeze(False)
    scopes = run_scopes()
    hogs.freeze(True)
    for name, number, counts in (
        ("oneshot services", ONES, [counts_of(ONE, start_ones)]),
        ("nested cgroups", NESTS, [counts_of(NESTED, run_nested)]),
        ("scopes", ONES, scopes),
    ):
        jobs, misses = (sum(column) for column in zip(*counts))
        say(f"{number} {name}: {jobs} jobs, {misses} missed")
        uncounted.add(arms.OURS, max(0, number - jobs) + sum(jobs == 0 for jobs, _ in counts))
        missed.add(arms.OURS, max(0, 100 * misses / jobs - running) if jobs else 100)
    return [uncounted, missed]


def measure(rounds, say):
    write_units()
    arms.enter(arms.OURS)
    hogs.start()
    try:
        measured = [*measure_three(rounds, say), *measure_counts(say)]
        arms.check(arms.OURS)
    finally:
        hogs.stop()
        remove_units()
        arms.leave()
    return measured
