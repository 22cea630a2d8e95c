#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Inside the machine: measures what was asked for, prints the table, and judges the bounds."""

import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, "/opt/integration")

import arms  # noqa: E402
import cost  # noqa: E402
import latency  # noqa: E402
import machine  # noqa: E402
import operating  # noqa: E402
import overview  # noqa: E402

BENCHES = {
    "cost": cost.measure,
    "accounting": cost.measure_accounting,
    "latency": latency.measure,
    "operating": operating.measure,
    "overview": overview.measure,
}


def say(text):
    print(f"  {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("what", nargs="*")
    args = parser.parse_args()

    measures = []
    for name in args.what or BENCHES:
        print(f"{name}:", flush=True)
        measures += BENCHES[name](args.rounds, say)
    release = machine.output("uname", "-r")
    results = {measure.name: measure.result() for measure in measures} | {"kernel": release, "rounds": args.rounds}
    pathlib.Path(os.environ["OUT"], "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nLinux {release}, medians of {args.rounds}\n{arms.render(measures)}")
    sys.exit(0 if all(measure.kept() for measure in measures) else 1)


if __name__ == "__main__":
    main()
