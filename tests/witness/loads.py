# SPDX-License-Identifier: GPL-2.0-only
"""The mixed load: services with budgets of which many jobs keep theirs and many do not, beside hogs without any."""

import dataclasses
import os

import machine
import pgbench

HERE = "/opt/witness"
# With a pause instead of a rate: what was held still does not catch up.
QUERY = pgbench.DIR / "witness.sql"
HOGS = "witness-hogs.service"
# The program that records runs in it; with a budget it gets a CPU beside all this.
RECORDER = "slo-agent.service"


@dataclasses.dataclass(frozen=True)
class Load:
    unit: str
    budget_us: int
    command: str | None = None  # None: a unit that is there already
    settings: str = ""
    metric: str = "wait"
    max_exec_ms: int = 100


LOADS = (
    # Jobs of one length, of several threads that meet each other and the hogs. Waits are often whole jobs of another
    # thread: the budget is none of these, or who is right about a microsecond would decide about many misses.
    Load(
        "witness-periodic.service",
        1300,
        "/usr/local/bin/deadline_jobs --threads 4 --exec 1ms --period 60ms --limit 100ms --seconds 3600",
    ),
    # Jobs longer than what the guarantee covers.
    Load(
        "witness-long.service",
        2000,
        "/usr/local/bin/deadline_jobs --exec 15ms --period 500ms --limit 500ms --seconds 3600",
        max_exec_ms=10,
    ),
    # Jobs that are short and many, and wake each other.
    Load("witness-messages.service", 500, f"/bin/sh {HERE}/messages.sh"),
    # New processes all the time.
    Load("witness-compile.service", 3000, f"/bin/sh {HERE}/compile.sh", metric="response", max_exec_ms=50),
    # A server, like the former judged by how long its jobs take altogether, and its client.
    Load(pgbench.SERVER, 10_000, metric="response"),
    Load(
        "witness-client.service",
        2000,
        f"/usr/bin/pgbench -n -f {QUERY} -M prepared -c 4 -j 1 -T 36000 bench",
        settings="User=postgres\n",
    ),
)
UNITS = tuple(load.unit for load in LOADS)


def settings():
    """What the jobs of each unit are judged by, in ns."""
    return {load.unit: (load.metric, load.budget_us * 1000, load.max_exec_ms * 1_000_000) for load in LOADS}


def write():
    pgbench.prepare()
    QUERY.write_text(f"{pgbench.QUERY}\\sleep 80 ms\n")
    for load in LOADS:
        if load.command:
            machine.write_unit(load.unit, f"[Service]\nExecStart={load.command}\nStandardOutput=null\n{load.settings}")
        machine.write_drop_in(
            load.unit,
            f"[X-Slo]\nSloBudget={load.budget_us}us\nSloMetric={load.metric}\nSloMaxExec={load.max_exec_ms}ms\n",
        )
    machine.write_drop_in(RECORDER, "[X-Slo]\nSloBudget=20ms\n")
    machine.write_unit(HOGS, f"[Service]\nSlice=batch.slice\nExecStart=/usr/bin/stress-ng --cpu {os.cpu_count()}\n")
    machine.daemon_reload()


def start():
    """Starts what does not run yet, and waits until jobs of each unit are counted."""
    for unit in UNITS:
        machine.run("systemctl", "start", unit)
    machine.run("systemctl", "start", HOGS)
    for unit in UNITS:
        machine.counting(unit, limit=180)


def stop():
    """Ends all but the server: periodic jobs that were held still for long would catch up for ever beside the rest."""
    freeze(False)
    for unit in (HOGS, *UNITS):
        if unit != pgbench.SERVER:
            machine.run("systemctl", "stop", unit)


def freeze(frozen):
    """Holds all tasks still, or lets them go on. To be held is to sleep, and ends a job: so both sides see it end."""
    machine.freeze(frozen, *UNITS)


def tids():
    """Of the units and whatever they made below their cgroups: the unit of each."""
    units = {}
    for unit in UNITS:
        for path in machine.cgroup_of(unit).glob("**/cgroup.threads"):
            units |= dict.fromkeys(map(int, path.read_text().split()), unit)
    return units
