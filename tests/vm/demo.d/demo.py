#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Inside the machine: the same workloads under the kernel's scheduler and under scx-slo, and the table of both."""

import argparse
import json
import math
import os
import pathlib
import sys

sys.path.insert(0, "/opt/integration")

import machine  # noqa: E402
import pgbench  # noqa: E402
import table  # noqa: E402
import three_units  # noqa: E402

POSTGRES = f"PostgreSQL, {pgbench.RATE} queries/s, limit {pgbench.LIMIT_MS}"


def step(text):
    # The host adds the time that has passed: the machine's own clock is the count of its instructions.
    print(f"» {text}", flush=True)


def ticker(seconds):
    """Says every two seconds of the machine's time that the measuring goes on."""
    shown = 0

    def tick(done):
        nonlocal shown
        if done >= shown + 2:
            shown = int(done)
            step(f"  measured {shown} of {seconds} s of the machine's time")

    return tick


def row_label(spec):
    threads = f"{spec.threads} × " if spec.threads > 1 else ""
    return f"{threads}{spec.exec_ms} ms every {spec.period_ms} ms, limit {spec.limit_ms}"


def three_unit_rows(outcome):
    rows = {}
    for spec in three_units.SET:
        job = outcome.jobs[spec.unit]
        assert job["skipped"] == 0, f"{spec.unit} lost jobs"
        rows[row_label(spec)] = {
            "n": job["n"],
            "misses": job["misses"],
            "p50_ms": job["p50_ns"] / 1e6,
            "p99_ms": job["p99_ns"] / 1e6,
            "p999_ms": job["p999_ns"] / 1e6,
            "limit_ms": spec.limit_ms,
        }
    return rows


def measure(name, args, ours):
    machine.wait_for("the hogs run", lambda: machine.running_hogs(three_units.HOGS) >= args.hogs, 60)
    step(f"{name}: PostgreSQL beside {args.hogs} hogs")
    postgres = pgbench.run_arm(args.seconds, args.warmup, ticker(args.seconds))
    step(f"{name}: three services that need 90% of the CPU, beside {args.hogs} hogs")
    services = three_units.run_arm(args.seconds, args.warmup, with_scx_slo=ours, tick=ticker(args.seconds))
    return {
        "rows": {POSTGRES: postgres} | three_unit_rows(services),
        "batch": {
            "batch beside PostgreSQL": postgres["batch_share"],
            "batch beside the services": services.batch_share,
        },
    }


def prepare(args):
    step("starting PostgreSQL and filling its tables")
    pgbench.prepare()
    three_units.write_units()
    three_units.write_hogs(args.hogs)
    machine.daemon_reload()
    step(f"starting {args.hogs} hogs (stress-ng --cpu) in batch.slice")
    three_units.start_hogs(args.hogs)


def start_scx_slo():
    step("adding drop-ins with SloBudget=, systemctl daemon-reload, systemctl start scx-slo")
    pgbench.write_budgets()
    three_units.write_budgets()
    machine.daemon_reload()
    machine.run("systemctl", "start", "scx-slo")
    assert machine.enforcing(), machine.journal("")
    expected = {pgbench.SERVER, pgbench.CLIENT, *(spec.unit for spec in three_units.SET)}
    machine.wait_for("every unit has its budget", lambda: expected <= set(machine.list_units()), 20)


def finite(value):
    """JSON has no infinity: what is not known becomes null."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isinf(value) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--hogs", type=int, default=4)
    args = parser.parse_args()

    prepare(args)
    arms = [measure("kernel", args, ours=False)]
    start_scx_slo()
    arms.append(measure("scx-slo", args, ours=True))
    assert machine.enforcing(), "scx-slo did not stay: its figures would be the kernel's"

    results = dict(zip(("kernel", "scx-slo"), arms)) | {"seconds": args.seconds, "hogs": args.hogs, "cpus": os.cpu_count()}
    pathlib.Path(os.environ["OUT"], "demo.json").write_text(json.dumps(finite(results), indent=2) + "\n")
    step("done")
    print("\n" + table.render(arms) + "\n")
    print("batch: CPU time that the hogs got, in percent of the machine's one CPU\n")
    print("$ busctl call org.scxslo /org/scxslo org.scxslo.Manager1 ListUnits")
    print(machine.output("busctl", "call", *machine.BUS, "ListUnits"), flush=True)


if __name__ == "__main__":
    main()
