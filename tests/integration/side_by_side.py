# SPDX-License-Identifier: GPL-2.0-only
"""Both drivers over the very same load: the scheduler counts, and probes with counters of their own count beside it."""

import contextlib
import dataclasses
import fcntl
import json
import pathlib
import signal
import subprocess

import machine
from figures import figures

# Whoever wants to work waits for it, so that the probes are there before the first job is.
LOCK = pathlib.Path("/run/side-by-side.lock")
# One switch, in which a miss is told.
SWITCH_NS = 20_000
CAUSES = {"late_start": "LateStart", "preempted": "Preempted", "overlong": "Overlong", "overrun": "Overrun"}


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    command: str
    budget: str
    metric: str = "wait"

    @property
    def unit(self):
        return f"side-{self.name}.service"

    def argument(self):
        suffix = ",response" if self.metric == "response" else ""
        return f"{machine.cgroup_of(self.unit)}={self.budget}{suffix}"


def jobs(threads, exec_ms, period_ms, seconds):
    return (
        f"/usr/local/bin/deadline_jobs --threads {threads} --exec {exec_ms}ms --period {period_ms}ms"
        f" --limit 1s --seconds {seconds}"
    )


def write(units, loads):
    for load in loads:
        units.service(
            load.unit,
            f"/usr/bin/flock --shared --no-fork {LOCK} {load.command}",
            settings="Type=exec\nRemainAfterExit=yes\n",
        )
        machine.write_drop_in(load.unit, f"[X-Slo]\nSloBudget={load.budget}\nSloMetric={load.metric}\n")
    machine.daemon_reload()


@contextlib.contextmanager
def probes(loads):
    """Probes beside the daemon; what they counted is in the list afterwards."""
    counted = []
    arguments = [load.argument() for load in loads]
    process = subprocess.Popen(
        ["/usr/local/bin/observe_beside", *arguments], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    try:
        assert process.stdout.readline() == "counting\n"
        yield counted
        process.send_signal(signal.SIGTERM)
        counted.append(json.loads(process.communicate(timeout=60)[0]))
    finally:
        process.kill()
        process.wait(60)


def sleeps_in_flock(unit):
    pid = int(machine.show(unit, "MainPID"))
    # /proc/locks names who waits: "1: -> FLOCK …"
    waiting = [line.split() for line in pathlib.Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(str(pid) in words for words in waiting)


def is_known(unit):
    path = machine.list_units()[unit]
    return machine.bus_property("ControlGroupId", path, "org.scxslo.Unit1") == machine.cgroup_of(unit).stat().st_ino


def buckets(stats, key):
    return {lower: (upper, count) for lower, upper, count in stats[f"{key}HistogramNSec"]}


def difference(before, after):
    """What the daemon counted in between, in the words of observe_beside."""
    counted = {"jobs": after["Jobs"] - before["Jobs"], "misses": after["Misses"] - before["Misses"]}
    counted |= {cause: after[f"Misses{word}"] - before[f"Misses{word}"] for cause, word in CAUSES.items()}
    for key in ("Wait", "Response"):
        old = buckets(before, key)
        counted[key.lower()] = [
            [lower, upper, count - old.get(lower, (0, 0))[1]] for lower, (upper, count) in buckets(after, key).items()
        ]
    return counted


def quantile_bucket(histogram, part):
    rank, seen = part * sum(count for *_, count in histogram), 0
    for lower, upper, count in histogram:
        seen += count
        if seen >= rank:
            return lower, upper
    raise AssertionError("no jobs")


def are_neighbours(a, b):
    """Of short waits, as far apart as the two clocks are read in one switch."""
    return a == b or a[1] == b[0] or b[1] == a[0] or max(a[0], b[0]) - min(a[1], b[1]) <= SWITCH_NS


def start_waiting(loads):
    machine.start(*(load.unit for load in loads))
    for load in loads:
        machine.wait_for(f"{load.unit} waits for its turn", lambda unit=load.unit: sleeps_in_flock(unit), 60)
        machine.wait_for(f"{load.unit} is known", lambda unit=load.unit: is_known(unit), 60)


def await_end(loads):
    for load in loads:
        machine.wait_for(f"{load.unit} ends", lambda unit=load.unit: machine.show(unit, "SubState") != "running", 240)
        assert machine.show(load.unit, "Result") == "success"


def all_stats(loads):
    return {load.unit: machine.get_stats(load.unit) for load in loads}


def describe(unit, ours, beside):
    keys = ("jobs", "misses", *CAUSES)
    return f"{unit}: " + ", ".join(f"{key} {ours[key]}/{beside[key]}" for key in keys) + " (scheduler/probes)"


@contextlib.contextmanager
def without_shedding():
    """A unit that lost its guarantee under overload would hardly finish a job: there would be little to compare."""
    machine.configure("[Scheduler]\nShedding=no\n")
    try:
        yield
    finally:
        machine.configure(None)


def count(loads):
    """Of each load's unit: what the scheduler counted, and what the probes counted beside it."""
    machine.ensure_enforcing()
    with without_shedding(), LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        start_waiting(loads)
        paths = {load.unit: str(machine.cgroup_of(load.unit)) for load in loads}
        before = all_stats(loads)
        with probes(loads) as counted:
            fcntl.flock(lock, fcntl.LOCK_UN)
            await_end(loads)
            after = all_stats(loads)
    assert machine.enforcing()
    assert counted[0]["untracked"] == 0, "the probes could not follow some task"
    pairs = {
        unit: (difference(before[unit], after[unit]), counted[0]["cgroups"][path]) for unit, path in paths.items()
    }
    figures.extend(describe(unit, *pair) for unit, pair in pairs.items())
    return pairs
