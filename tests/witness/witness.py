#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Computes jobs from the scheduling events that record.py left in DIRECTORY, and prints what scx-slo counted beside it.

The status is 0 only if they agree in all.
"""

import argparse
import collections
import itertools
import json
import pathlib
import sys

import compare
import ring
from jobs import Witness

SHOWN = 5


class Miss(collections.namedtuple("Miss", "time_ns tid cause wait_ns exec_ns")):
    """A miss as record.py read it."""


def events(directory):
    """One stream in the order of time."""
    formats = [ring.parse_format(path.read_text()) for path in directory.glob("*.format")]
    by_number = {form.number: form for form in formats}
    whole = []
    for path in sorted(directory.glob("cpu*.raw")):
        whole += ring.events_of_cpu(int(path.stem[3:]), path.read_bytes(), by_number)
    # Each CPU's are in order already, which sort() makes use of.
    whole.sort(key=lambda event: event.time_ns)
    return whole


def judge(directory):
    """Prints the table of one driver; returns whether all of it agrees."""
    seen = json.loads((directory / "seen.json").read_text())
    witness = Witness({int(tid): unit for tid, unit in seen["tids"].items()})
    number = 0
    for event in events(directory):
        witness.feed(event)
        number += 1
    told = [Miss(*miss) for miss in seen["misses"]]
    agree = True
    for unit, settings in seen["settings"].items():
        settings = compare.Settings(*settings)
        counter = compare.counted(seen["after"][unit]).since(compare.counted(seen["before"][unit]))
        lines, singles = compare.compare(witness.jobs[unit], counter, told, settings)
        about = f"{settings.metric}, {settings.budget_ns / 1e6:g} ms"
        print(compare.render(f"{directory.name}: {unit.removesuffix('.service')} ({about})", lines))
        for line in itertools.islice(compare.describe(singles, settings), SHOWN):
            print(f"    {line}")
        # Nothing on either side would agree as well.
        agree &= bool(witness.jobs[unit]) and all(line.agrees for line in lines)
    if seen["overwritten"]:
        print(f"{directory.name}: misses came faster than they could be read; some were not told one by one")
    print(f"{directory.name}: {number} events, {len(told)} misses told, {witness.unseen} jobs not seen to begin\n")
    return agree


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    directory = parser.parse_args().directory
    agreements = [judge(path.parent) for path in sorted(directory.glob("*/seen.json"), reverse=True)]
    print((directory / "about").read_text(), end="")
    sys.exit(0 if agreements and all(agreements) else 1)


if __name__ == "__main__":
    main()
