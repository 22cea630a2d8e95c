# SPDX-License-Identifier: GPL-2.0-only
"""Tests that somebody names one by one: in one machine, or of the unit tests. Nothing is remembered of these."""

import ast
import dataclasses
import re
import subprocess

import catalog
import commands
import shards
from mistake import Mistake, listed
from options import INTEGRATION, UNIT_TESTS
from scripts import Gone, Scripts, Unknown

# Of pytest: the expression left nothing to run.
NO_TESTS = 5


def machine(request):
    """The stage that `tests/run integration` is."""
    boot = (*(("--kernel", request.kernel) if request.kernel else ()), *(catalog.CLOCK if request.clock else ()),
            *(catalog.TWO_CACHES if request.caches else ()),
            *(catalog.CLOCK_OF_TWO_CPUS if request.quotas else ()))  # fmt: skip
    # What is named runs, however slow it is.
    options = ("-k", request.expression) if request.expression else () if request.files else catalog.BRIEF
    everything = shards.clock(*shards.CLOCK) if request.clock else shards.suite(*shards.SUITE)
    tests = tuple(sorted(set(request.files))) or everything
    return catalog.machine(INTEGRATION, (), 0, tests, options, boot, limit=catalog.LONG_LIMIT)


def check_kernel(place, stage):
    try:
        Scripts(place.top).machine_key(stage.boot)
    except Gone as gone:
        raise Mistake(str(gone)) from gone
    except Unknown:
        pass  # the boot itself will say so


def test_functions(place, tests):
    for test in tests:
        tree = ast.parse((place.integration / test).read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def integration(request, place, runner):
    stage = machine(request)
    if request.kernel:
        check_kernel(place, stage)
    run = commands.workloads() + commands.machine(stage, place, runner.output.colour)
    result = runner.run(stage.name, run, boots=True)
    if result.status == NO_TESTS and request.expression:
        names = listed(dict.fromkeys(test_functions(place, stage.tests)))
        raise Mistake(f"no test goes with -k '{request.expression}'; there are {names}.")
    return result


def groups_of_unit_tests(place):
    told = subprocess.run(
        [commands.BUILD, "names"], cwd=place.top, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout
    names = re.findall(r"^ *Test +#\d+: (.*)$", told, re.MULTILINE)
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def unit_tests(request, place, runner):
    [unit] = catalog.named(["unit"])
    stage = dataclasses.replace(unit, name=UNIT_TESTS)
    result = runner.run(stage.name, commands.unit(stage, ("-R", request.regex)))
    if result.status != 0 and "No tests were found" in result.log.read_text(encoding="utf-8"):
        raise Mistake(f"no unit test goes with -R '{request.regex}'; there are those of"
                      f" {listed(groups_of_unit_tests(place))}.")  # fmt: skip
    return result
