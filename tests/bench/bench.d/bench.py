#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Inside the machine: measures what was asked for, prints the table, and judges the bounds."""

import argparse
import functools
import json
import os
import pathlib
import sys
import time

sys.path[:0] = ["/opt/integration", "/opt/witness"]

import cost  # noqa: E402
import latency  # noqa: E402
import machine  # noqa: E402
import measures  # noqa: E402
import operating  # noqa: E402
import overview  # noqa: E402
import policy  # noqa: E402

BENCHES = {
    "cost": cost.measure,
    "accounting": cost.measure_accounting,
    "latency": latency.measure,
    "operating": operating.measure,
    "overview": overview.measure,
}
ROUNDS, POLICY_ROUNDS = 5, 1


def say(text):
    print(f"  {time.monotonic():.0f} s: {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", action="append", choices=policy.SECTIONS, default=[])
    parser.add_argument("what", nargs="*")
    args = parser.parse_args()

    measured = []
    benches = BENCHES | {"policy": functools.partial(policy.measure, only=args.only)}
    for name in args.what or BENCHES:
        print(f"{name}:", flush=True)
        measured += benches[name](args.rounds or (POLICY_ROUNDS if name == "policy" else ROUNDS), say)
    release = machine.output("uname", "-r")
    results = {measure.name: measure.result() for measure in measured} | {"kernel": release}
    pathlib.Path(os.environ["OUT"], "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nLinux {release}, medians\n{measures.render(measured)}")
    broken = sum(not measure.kept() for measure in measured)
    print(f"\n{broken} of {len(measured)} figures out of bounds" if broken else "\nevery bound kept")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
