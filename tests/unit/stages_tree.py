# SPDX-License-Identifier: GPL-2.0-only
"""A scratch checkout for tests of tests/stages: scripts that only say what they would make, and run nothing."""

import pathlib
import shutil
import sys
import tempfile
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(top / "tests/stages"))

import shards  # noqa: E402
from place import Place  # noqa: E402

KERNELS = ("newest", "oldest", "7.1", "7.0", "6.18", "6.12", "6.12-stock")
FILES = (
    "bpf/policy.h", "packaging/build-root.packages", "machine/qemu", "machine/root", "tests/workloads/jobs.cpp",
    "tests/CMakeLists.txt", "tests/unit/some_test.cpp", "tests/sim/engine.cpp", "tests/run", "tests/stages/main.py",
    "tests/bench/bench.d/bench.py", "tests/bench/run", "tests/witness/jobs.py", "tests/vm/demo.d/table.py", "README.md",
    "tests/integration/machine.py", "tests/integration/pytest.ini", "tests/integration/figures.tsv",
    *(f"kernels/{series}" for series in KERNELS),
    *(f"tests/integration/{test}" for test in (*shards.suite(*shards.SUITE), *shards.clock(*shards.CLOCK))),
    *(f"tests/integration/{test}.py" for test in shards.ROOMS),
)  # fmt: skip

# `control/STAGE` holds what a stage is to do: shell, its end or `exit STATUS`.
BUILD_PACKAGE = """
[ "$1" != --key ] || exec cat bpf/* packaging/build-root.packages
echo package >>ran
"""
KERNEL = """
[ ! -e "kernels/$1.gone" ] || exit 3
echo "$1.5 $(cat "kernels/$1.verdict")"
"""
RUN = """
series=newest key=no
[ "$1" != --key ] || key=yes
while [ $# -gt 0 ]; do
    case $1 in
        --kernel) series=$2 ;;
        --out) out=$2 ;;
    esac
    shift
done
if [ $key = yes ]; then
    [ ! -e "kernels/$series.gone" ] || { echo "run: the archive has no kernel $series; it has 7.3." >&2; exit 3; }
    exec cat machine/* "kernels/$series" bpf/* packaging/build-root.packages
fi
stage=$(basename "$out")
echo "$stage" >>ran
mkdir -p "$out"
[ ! -e control/junit ] || cp control/junit "$out/junit.xml"
echo "a line of $stage"
[ ! -e "control/$stage" ] || . "control/$stage"
"""
BUILD = """
case $1 in
    rights) exit 0 ;;
    names) printf '  Test  #1: Slots.AreGiven\\n  Test #12: Slots.AreTaken\\n  Test #13: witness\\n' && exit ;;
    workloads) stage=workloads ;;
    planted) stage=planted ;;
    tests) stage=$(basename "$(dirname "$3")") ;;
esac
echo "$stage" >>ran
[ ! -e "control/$stage" ] || . "control/$stage"
"""
SCRIPTS = {
    "packaging/build-package": BUILD_PACKAGE,
    "tests/vm/kernel": KERNEL,
    "tests/vm/run": RUN,
    "tests/stages/build": BUILD,
}


class Tree:
    def __init__(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="stages."))
        self.top = self.base / "checkout"
        for name in FILES:
            self.write(name, f"{name}\n")
        for name, script in SCRIPTS.items():
            self.write(name, f"#!/bin/sh\ncd '{self.top}' || exit 99\n{script}")
            (self.top / name).chmod(0o755)
        self.write("kernels/7.1.verdict", "malformed\n")
        (self.top / "control").mkdir()
        cache = self.base / "cache"
        self.place = Place(self.top, cache, cache / "build/this")

    def write(self, name, text):
        file = self.top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def add_a_byte(self, name):
        with open(self.top / name, "a", encoding="utf-8") as file:
            file.write("x")

    def lets(self, stage, script):
        self.write(f"control/{stage}", script + "\n")

    def ran(self):
        """The stages that ran since this was asked, as they began."""
        file = self.top / "ran"
        names = file.read_text(encoding="utf-8").split() if file.exists() else []
        file.unlink(missing_ok=True)
        return names

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.tree = Tree()
        self.addCleanup(self.tree.remove)
