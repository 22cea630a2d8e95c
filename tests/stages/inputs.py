# SPDX-License-Identifier: GPL-2.0-only
"""What a stage depends on, as one hash: while it is the same, what passed would pass again."""

import hashlib
import os

import catalog
import shards

# What the unit tests read beside the sources of the package.
TESTS_OF_THE_HOST = ("tests/unit", "tests/sim", "tests/stages", "tests/run", "tests/bench/bench.d", "tests/witness",
                     "tests/vm/demo.d")  # fmt: skip
# What the programs are built from that run in machines; the package's sources are part of it.
PROGRAMS = ("tests/workloads", "tests/CMakeLists.txt")
# The simulator, and the faults; the scheduler that they are put into is part of the package's sources.
PLANTED = ("tests/sim", "tests/CMakeLists.txt", "tests/stages/build")
WITNESS = ("tests/witness", "tests/vm/demo.d")


def is_source(path):
    return not path.name.startswith(".") and not path.name.endswith("~") and path.suffix != ".pyc"


class Inputs:
    """Of one moment: each file is read once, each script asked once."""

    def __init__(self, place, scripts):
        self.place = place
        self.scripts = scripts
        self.digests = {}

    def digest(self, path):
        """Of one file below the checkout."""
        if path not in self.digests:
            whole = self.place.top / path
            executable = "x" if os.access(whole, os.X_OK) else "-"
            self.digests[path] = f"{path} {executable} {hashlib.sha256(whole.read_bytes()).hexdigest()}"
        return self.digests[path]

    def files(self, *paths):
        """Digests of files, and of all files below directories."""
        for path in paths:
            whole = self.place.top / path
            found = [whole] if whole.is_file() else [file for file in whole.rglob("*") if file.is_file()]
            for file in sorted(filter(is_source, found)):
                yield self.digest(file.relative_to(self.place.top).as_posix())

    def helpers(self):
        """What the integration tests share: all but the test files."""
        for line in self.files("tests/integration"):
            if not line.split(" ", 1)[0].rpartition("/")[2].startswith("test_"):
                yield line

    def programs(self):
        yield self.scripts.package_key()
        yield from self.files(*PROGRAMS)

    def lines(self, stage):
        yield stage.kind
        if stage.kind == catalog.PACKAGE:
            yield self.scripts.package_key()
            return
        if stage.kind == catalog.PLANTED:
            yield self.scripts.package_key()
            yield from self.files(*PLANTED)
            return
        yield from self.programs()
        yield from self.helpers()
        if stage.kind == catalog.UNIT:
            yield stage.preset
            yield from self.files(*TESTS_OF_THE_HOST)
            # One of them holds the table of shards against the files that there are.
            yield from shards.files(self.place.integration)
            return
        yield self.scripts.machine_key(stage.boot)
        yield from ("boot", *stage.boot, "pytest", *stage.options)
        yield from self.files(*(f"tests/integration/{test}" for test in stage.tests))
        if stage.kind == catalog.WITNESS:
            yield from self.files(*WITNESS)

    def key(self, stage):
        """Raises Gone for a machine whose kernel is not to be had, and Unknown."""
        return hashlib.sha256("\0".join(self.lines(stage)).encode()).hexdigest()[:24]
