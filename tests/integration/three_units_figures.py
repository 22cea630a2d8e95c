#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints what the three-unit set gets under the kernel's scheduler and under scx-slo: for tuning, outside pytest."""

import argparse

import machine
import three_units


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="measured time of each arm (default %(default)s)")
    parser.add_argument("--warmup", type=int, default=1, help="seconds before that (default %(default)s)")
    parser.add_argument("--hogs", type=int, default=4, help="CPU hogs in batch.slice (default %(default)s)")
    parser.add_argument("--arms", default="kernel,scx-slo", help="which arms, in this order (default %(default)s)")
    args = parser.parse_args()

    three_units.write_units()
    three_units.write_budgets()
    three_units.write_hogs(args.hogs)
    machine.daemon_reload()
    three_units.start_hogs(args.hogs)
    for arm in args.arms.split(","):
        ours = arm == "scx-slo"
        if ours:
            machine.ensure_enforcing()
        outcome = three_units.run_arm(args.seconds, args.warmup, with_scx_slo=ours)
        print(three_units.describe(arm, outcome), flush=True)
        if ours:
            for spec in three_units.SET:
                print(f"  {spec.unit}: {machine.get_stats(spec.unit)}")
            print(machine.output("scx-slo", "status", check=False))
            machine.stop("scx-slo")


if __name__ == "__main__":
    main()
