# SPDX-License-Identifier: GPL-2.0-only
"""How a stage is run: its commands, one after the other as long as they succeed."""

import catalog

BUILD = "tests/stages/build"
# Where the build root shows this checkout's build trees.
INSIDE = "/scx-slo/build"
IN_THE_MACHINE = "/opt/integration"
# What the machine leaves in $OUT comes back.
PYTEST = f'cd {IN_THE_MACHINE} && exec python3 -B -m pytest --junitxml="$OUT/junit.xml" "$@"'


def workloads():
    return [[BUILD, "workloads"]]


def unit(stage, options=()):
    return [[BUILD, "tests", stage.preset, f"{INSIDE}/stages/{stage.name}/junit.xml", *options]]


def planted(stage):
    return [[BUILD, "planted", f"{INSIDE}/stages/{stage.name}/junit.xml"]]


def boot(stage, out, added):
    options = [option for item in added for option in ("--add", item)]
    return ["tests/vm/run", *stage.boot, "--timeout", str(stage.limit), "--out", str(out), *options, "--"]


def programs(place):
    return f"{place.builds}/release/programs:/usr/local/bin"


def machine(stage, place, colour):
    added = [programs(place), f"{place.integration}:{IN_THE_MACHINE}"]
    # A line for each test, as it ends.
    options = ["-v", f"--color={'yes' if colour else 'no'}", *stage.options]
    return [[*boot(stage, place.results(stage.name), added), "sh", "-c", PYTEST, "sh", *options, *stage.tests]]


def witness(stage, place):
    """The records stay where they are, for whoever has to find out which of the two is right."""
    records = place.results(stage.name) / "records"
    added = [
        f"{place.integration}:{IN_THE_MACHINE}",
        f"{place.top}/tests/vm/demo.d:/opt/demo",
        f"{place.top}/tests/witness:/opt/witness",
        programs(place),
    ]
    record = [*boot(stage, records, added), "python3", "-B", "/opt/witness/record.py"]
    return [record, [BUILD, "witness", f"{INSIDE}/stages/{stage.name}/records"]]


def of(stage, place, colour):
    if stage.kind == catalog.UNIT:
        return unit(stage)
    if stage.kind == catalog.PACKAGE:
        return [["packaging/build-package"]]
    if stage.kind == catalog.PLANTED:
        return planted(stage)
    if stage.kind == catalog.WITNESS:
        return witness(stage, place)
    return machine(stage, place, colour)
