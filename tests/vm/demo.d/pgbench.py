# SPDX-License-Identifier: GPL-2.0-only
"""PostgreSQL under pgbench: queries at a fixed rate, each with a latency limit."""

import math
import pathlib
import time

import machine
import three_units

SERVER = "postgresql@17-main.service"
CLIENT = "pgbench.service"
BUDGET = "2ms"
# A sum over 1000 rows takes about 1.5 ms of CPU time here, so this rate needs a quarter of the CPU. Without hogs
# 99.9% of the queries are answered within 5 ms: the limit leaves them the waiting that a budget allows.
ROWS = 1000
RATE = 150  # queries per second, at random instants
LIMIT_MS = 6
CLIENTS = 8
# Of the instants and of the rows: several that come at once wait for each other, and how often that happens must not be
# what the two schedulers differ in.
SEED = 1
QUERY = (
    f"\\set first random(1, {100_000 - ROWS})\n"
    f"SELECT sum(abalance) FROM pgbench_accounts WHERE aid BETWEEN :first AND :first + {ROWS - 1};\n"
)
DIR = pathlib.Path("/run/demo-pgbench")


def as_postgres(*command):
    return machine.run(*command, user="postgres")


def prepare():
    machine.run("systemctl", "start", SERVER)
    machine.wait_for("PostgreSQL answers", lambda: machine.run("pg_isready", check=False).returncode == 0, 60)
    as_postgres("createdb", "bench")
    as_postgres("pgbench", "-i", "-q", "-s", "1", "bench")
    DIR.mkdir(exist_ok=True)
    machine.run("chown", "postgres", DIR)
    (DIR / "query.sql").write_text(QUERY)
    machine.write_unit(
        CLIENT,
        "[Service]\nType=exec\nRemainAfterExit=yes\nUser=postgres\n"
        f"EnvironmentFile={DIR}/arm\nWorkingDirectory={DIR}\n"
        f"ExecStart=/usr/bin/pgbench -n -f query.sql -M prepared -c {CLIENTS} -j 1 -R {RATE} -L {LIMIT_MS}"
        f" -T $SECONDS --random-seed={SEED} --log --log-prefix=transactions bench\n"
        f"StandardOutput=truncate:{DIR}/summary\n",
    )


def write_budgets():
    for unit in (SERVER, CLIENT):
        machine.write_drop_in(unit, f"[X-Slo]\nSloBudget={BUDGET}\n")


def run_arm(seconds, warmup, tick):
    """What became of the transactions of the measured time, and the share of batch.slice in it."""
    for old in DIR.glob("transactions.*"):
        old.unlink()
    # One second more at the end: pgbench stops its clients a moment early.
    (DIR / "arm").write_text(f"SECONDS={warmup + seconds + 1}\n")
    machine.run("systemctl", "restart", CLIENT)
    machine.wait_for("pgbench works", lambda: list(DIR.glob("transactions.*")), 60)
    begin = time.monotonic() + warmup
    wall_begin = time.time() + warmup
    share = machine.cpu_share(machine.CGROUP / "batch.slice", begin, begin + seconds, tick)
    machine.wait_for("pgbench ends", lambda: three_units.ended(CLIENT), 120)
    assert machine.show(CLIENT, "Result") == "success", machine.journal("", CLIENT)
    log = "".join(path.read_text() for path in DIR.glob("transactions.*"))
    return summarize(log, wall_begin, wall_begin + seconds) | {"batch_share": share}


def summarize(log, begin, end):
    """Figures of the transactions that ended in [begin, end), from pgbench's log of each.

    A line is `client number latency_us script epoch_s epoch_us lag_us`; the latency counts from the scheduled start.
    It is `skipped` where pgbench was late by more than the limit already and did not send the transaction at all:
    such a one is over the limit by an unknown amount.
    """
    latencies = []
    for line in log.splitlines():
        fields = line.split()
        at = int(fields[4]) + int(fields[5]) / 1e6
        if begin <= at < end:
            latencies.append(math.inf if fields[2] == "skipped" else int(fields[2]) / 1000)
    latencies.sort()
    assert latencies, "no transaction in the measured time"

    def quantile(permille):
        return latencies[max(1, math.ceil(len(latencies) * permille / 1000)) - 1]

    return {
        "n": len(latencies),
        "misses": sum(latency > LIMIT_MS for latency in latencies),
        "skipped": latencies.count(math.inf),
        "p50_ms": quantile(500),
        "p99_ms": quantile(990),
        "p999_ms": quantile(999),
        "limit_ms": LIMIT_MS,
    }
