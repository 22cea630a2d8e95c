#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Lets the fuzzer look for each planted fault, from the seed on that found it.

search.py PROGRAMS [RESULTS]   PROGRAMS: NAME/sim for each NAME.patch beside this file, as CMake's target planted makes
                               them; RESULTS: a JUnit file to write

Prints name, seed, seconds and the kind of complaint. Status 1 when one is not found within its time.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 60
# A story may take some seconds, and is played to its end.
LIMIT = SECONDS + 30
SEED = re.compile(r"^Seed: (\d+)$", re.MULTILINE)
FOUND = re.compile(r"^seed (\d+): ([\w-]+),", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Search:
    name: str
    seconds: float
    seed: str = ""  # empty: it was not found
    kind: str = ""
    said: str = ""


def search(patch, programs):
    seed = SEED.search(patch.read_text(encoding="utf-8"))
    if not seed:
        return Search(patch.stem, 0, said=f"{patch.name} has no line 'Seed: NUMBER'")
    command = [programs / patch.stem / "sim", "--fuzz", str(SECONDS), "--seed", seed[1], "--brief"]
    begin = time.monotonic()
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
        said = result.stdout + result.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    found = FOUND.search(said)
    return Search(patch.stem, time.monotonic() - begin, *(found.groups() if found else ("", "")), said=said)


def write_junit(results, file):
    suite = ElementTree.Element("testsuite", name="planted", tests=str(len(results)))
    for result in results:
        case = ElementTree.SubElement(suite, "testcase", classname=result.name, name=result.name,
                                      time=f"{result.seconds:.3f}")  # fmt: skip
        if not result.seed:
            ElementTree.SubElement(case, "failure", message=f"not found: {result.said}")
    ElementTree.ElementTree(suite).write(file, encoding="unicode")


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    programs, results = pathlib.Path(arguments[0]), []
    patches = sorted(HERE.glob("*.patch"))
    width = max((len(patch.stem) for patch in patches), default=0)
    for patch in patches:
        result = search(patch, programs)
        results.append(result)
        told = f"seed {result.seed:>6}  {result.seconds:5.1f} s  {result.kind}" if result.seed else "NOT FOUND"
        print(f"{result.name:{width}}  {told}", flush=True)
        if not result.seed:
            print(result.said, flush=True)
    if len(arguments) == 2:
        write_junit(results, arguments[1])
    missing = [result.name for result in results if not result.seed]
    print(f"{len(results) - len(missing)} of {len(results)} planted faults found")
    return 1 if missing or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
