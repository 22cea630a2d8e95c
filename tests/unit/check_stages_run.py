#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests/run's stages with scripts that only pretend: what runs, what does not, and what is said of it."""

import io
import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

from stages_tree import TreeTest, top

# stages_tree.py has put tests/stages on the path.
import catalog
import main
import memory
import schedule

ALL = {stage.name for stage in catalog.of_set("all")}
JUNIT = """<testsuite><testcase classname="test_60_load" name="test_it_stays[cpu]"/>
<testcase classname="test_60_load" name="test_it_stays[fork]"><failure message="too few"/></testcase></testsuite>"""


class RunTest(TreeTest):
    def run_stages(self, line="", **environment):
        """Status and lines of `tests/run LINE`."""
        stream = io.StringIO()
        with mock.patch("sys.stderr", stream):
            status = main.main(line.split(), self.tree.place, environment, stream)
        return status, stream.getvalue().splitlines()

    def line_with(self, lines, words):
        found = [line for line in lines if words in line]
        self.assertEqual(len(found), 1, f"{words!r} in\n" + "\n".join(lines))
        return found[0]


class Sets(RunTest):
    def test_all_runs_once_and_is_remembered(self):
        status, lines = self.run_stages()
        self.assertEqual(status, 0, lines)
        self.assertRegex(lines[-2], r"^tests/run all: everything passed in 0 min \d+ s$")
        self.assertEqual(lines[-1], f"{len(ALL)} passed, 0 failed")
        self.assertIn("[suite-load] a line of suite-load", lines)
        ran = self.tree.ran()
        self.assertEqual((set(ran), len(ran)), (ALL, len(ALL)))
        self.assertEqual(ran[0], "unit")

        status, lines = self.run_stages()
        self.assertEqual((status, self.tree.ran()), (0, []))
        told = self.line_with(lines, "passed before with the same inputs, not run (--fresh runs them): ")
        self.assertTrue(all(name in told for name in ALL))
        self.assertEqual(lines[-1], f"{len(ALL)} passed, 0 failed")

    def test_fresh_and_ci_run_everything(self):
        self.run_stages("unit")
        for line, environment in (("unit --fresh", {}), ("unit", {"CI": "true"})):
            self.tree.ran()
            self.run_stages(line, **environment)
            self.assertEqual(self.tree.ran(), ["unit"])

    def test_a_changed_test_runs_its_shard_alone(self):
        self.run_stages()
        self.tree.ran()
        self.tree.add_a_byte("tests/integration/test_21_watch.py")
        self.assertEqual(self.run_stages()[0], 0)
        self.assertEqual(self.tree.ran(), ["workloads", "suite-service"])

    def test_no_machine_is_booted_after_unit_tests_that_failed(self):
        self.tree.lets("unit", "exit 8")
        status, lines = self.run_stages()
        self.assertEqual((status, self.tree.ran()), (1, ["unit"]))
        self.assertIn("suite-load", self.line_with(lines, "not run because unit failed: "))
        self.assertRegex(lines[-2], "^tests/run all: FAILED after .*: unit$")
        self.assertEqual(lines[-1], "0 passed, 1 failed")

    def test_without_their_programs_or_a_package_machines_are_not_booted(self):
        self.tree.lets("workloads", "exit 1")
        status, lines = self.run_stages("--stage suite-load")
        self.assertEqual((status, self.tree.ran()), (1, ["workloads"]))
        self.line_with(lines, "not run because workloads failed: suite-load")

    def test_tests_that_failed_are_named_and_found_again(self):
        self.tree.lets("suite-load", "exit 1")
        self.tree.write("control/junit", JUNIT)
        status, lines = self.run_stages("--stage suite-load")
        self.assertEqual(status, 1)
        at = lines.index("  test_60_load.py::test_it_stays[fork]")
        self.assertEqual(lines[at + 1], "      too few")
        self.assertIn("status 1; its log is", self.line_with(lines, "suite-load: failed"))
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.tree.ran()
        self.run_stages("--failed")
        self.assertEqual(self.tree.ran(), ["workloads", "suite-load"])

    def test_two_outcomes_of_the_same_inputs_are_flaky_and_red_under_ci(self):
        self.tree.lets("unit", "exit 1")
        self.assertEqual(self.run_stages("unit")[0], 1)
        self.tree.lets("unit", "exit 0")
        for _ in range(2):
            status, lines = self.run_stages("unit")
            self.assertEqual(status, 0)
            self.line_with(lines, "unit: flaky: with these very inputs it passed")
        self.assertEqual(self.tree.ran(), ["unit"] * 3, "it is never remembered")
        status, lines = self.run_stages("unit", CI="true")
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))
        self.tree.add_a_byte("tests/unit/some_test.cpp")
        self.assertEqual(self.run_stages("unit", CI="true")[0], 0)

    def test_a_machine_that_never_came_up_is_neither_passed_nor_failed(self):
        self.tree.lets("oldest", "exit 125")
        status, lines = self.run_stages("--stage oldest")
        self.assertEqual(status, 1)
        self.line_with(lines, "oldest: the machine did not come up, or died; its log is")
        self.tree.lets("oldest", "exit 0")
        self.assertEqual(self.run_stages("--failed", CI="true")[0], 0)
        self.tree.ran()
        self.run_stages("--stage oldest")
        self.assertEqual(self.tree.ran(), [])

    def test_a_stage_that_cannot_be_run_is_a_failure(self):
        self.tree.lets("unit", "rm packaging/build-package")
        status, lines = self.run_stages("--stage unit package")
        self.assertEqual(status, 1)
        self.line_with(lines, "package: failed with status none ([Errno 2] No such file or directory")
        self.assertRegex(lines[-2], "FAILED after .*: package$")

    def test_what_changes_while_it_runs_is_not_remembered(self):
        self.tree.lets("unit", "echo x >>tests/sim/engine.cpp")
        status, lines = self.run_stages("unit")
        self.assertEqual(status, 0)
        self.line_with(lines, "changed while it ran: not remembered")
        self.assertEqual(memory.Memory(self.tree.place).records("unit"), {})

    def test_kernels_that_are_gone_end_the_summary(self):
        self.tree.write("kernels/oldest.gone", "")
        self.tree.write("kernels/7.1.verdict", "healthy")
        status, lines = self.run_stages("--stage oldest type-information package")
        self.assertEqual(status, 0)
        self.assertEqual(self.tree.ran(), ["package"])
        self.assertEqual(lines[-4], "NOT TESTED: oldest: the archive has no kernel oldest; it has 7.3.")
        self.assertEqual(lines[-3], "NOT TESTED: type-information: of 7.1 the archive has 7.1.5 healthy")
        self.assertEqual(lines[-1], "1 passed, 0 failed, 2 skipped")

    def test_where_inputs_cannot_be_told_it_runs_each_time(self):
        self.tree.write("packaging/build-package", "#!/bin/sh\necho 'build-package: no git' >&2\nexit 1\n")
        for _ in range(2):
            status, lines = self.run_stages("unit")
            self.assertEqual(status, 0)
            told = self.line_with(lines, "unit: cannot be remembered, as nothing tells what it depends on")
            self.assertIn("(build-package: no git)", told)
        self.assertEqual(self.tree.ran(), ["unit"] * 2)

    def test_the_list_tells_of_each_stage(self):
        self.run_stages("--stage package unit")
        self.tree.add_a_byte("tests/sim/engine.cpp")
        self.tree.write("kernels/6.18.gone", "")
        status, lines = self.run_stages("list")
        self.assertEqual((status, len(lines)), (0, 1 + len(catalog.stages())))
        self.assertRegex(self.line_with(lines, "package  "), r"^package +all full +\d+ s  passed for these inputs$")
        self.assertRegex(self.line_with(lines, "unit  "), r"^unit +all unit full witness +\d+ s  stale: its inputs")
        self.assertRegex(self.line_with(lines, "sanitizers"), "-  never run$")
        self.assertRegex(self.line_with(lines, "known-6.18"), "not to be had: the archive has no kernel 6.18")


class Chosen(RunTest):
    def test_one_machine_runs_what_is_named_and_remembers_nothing(self):
        status, lines = self.run_stages("integration test_21_watch -k watch --kernel 6.18")
        self.assertEqual((status, self.tree.ran()), (0, ["workloads", "integration"]), lines)
        self.assertEqual(list(self.tree.place.memory.glob("*")) if self.tree.place.memory.exists() else [], [])
        self.assertEqual(self.run_stages("integration test_21_watch")[0], 0)
        self.assertEqual(self.tree.ran(), ["workloads", "integration"])

    def test_what_is_not_there_is_status_2_and_a_sentence(self):
        self.tree.write("kernels/6.16.gone", "")
        self.tree.write("tests/integration/test_21_watch.py", "def test_a_signal():\n    pass\n")
        self.tree.lets("integration", "exit 5")
        self.tree.lets("unit-tests", "echo No tests were found!!!; exit 8")
        for line, sentence in {
            "quick": "tests/run: 'quick' is not known; there are all,",
            "--stage quick": "tests/run: there is no stage 'quick'; there are unit,",
            "integration test_99": "tests/run: there is no integration test 'test_99'; there are ",
            "integration --kernel 6.16": "tests/run: the archive has no kernel 6.16; it has 7.3.",
            "integration test_21_watch -k x": "tests/run: no test goes with -k 'x'; there are test_a_signal.",
            "unit -R Slits": "tests/run: no unit test goes with -R 'Slits'; there are those of Slots and witness.",
        }.items():
            with self.subTest(line):
                status, lines = self.run_stages(line)
                self.assertEqual(status, 2)
                self.line_with(lines, sentence)

    def test_a_test_file_in_no_shard_is_named_at_the_start(self):
        self.tree.write("tests/integration/test_99_new.py", "")
        status, lines = self.run_stages("unit")
        self.assertEqual((status, self.tree.ran()), (2, []))
        self.line_with(lines, "test_99_new.py of tests/integration is in no shard")

    def test_unit_tests_by_name_are_not_those_of_the_stage(self):
        status, lines = self.run_stages("unit -R Slots")
        self.assertEqual((status, self.tree.ran()), (0, ["unit-tests"]))
        self.assertRegex(self.run_stages("list")[1][1], "^unit .*never run")


class Interrupted(TreeTest):
    def end(self, stage, *arguments):
        """What is said when the run is ended in the middle of the stage, all of which has to be gone then."""
        # A shell that waits for a child of its own.
        self.tree.lets(stage, "sleep 600 & echo $! >control/child; wait")
        place = self.tree.place
        command = [sys.executable, "-B", top / "tests/stages/main.py", place.top, place.cache, place.builds]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        try:
            child = self.tree.top / "control/child"
            self.wait_for(lambda: child.exists() and child.read_text())
            process.send_signal(signal.SIGTERM)
            told = process.communicate(timeout=30)[0].splitlines()
        finally:
            process.kill()
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.wait_for(lambda: not self.runs(int(child.read_text())))
        return told

    def test_a_stage_is_ended_whole_and_counts_as_nothing(self):
        told = self.end("suite-load", "--stage", "suite-load")
        self.assertEqual(told[-3], "ended before they were done, not counted: suite-load")
        self.assertRegex(told[-2], "^tests/run --stage suite-load: INTERRUPTED after")
        self.assertEqual(told[-1], "0 passed, 0 failed")
        self.assertIsNone(memory.Memory(self.tree.place).newest("suite-load"))

    def test_a_machine_for_tests_by_name_is_ended_too(self):
        told = self.end("integration", "integration", "test_21_watch")
        self.assertRegex(told[-2], "^tests/run integration: INTERRUPTED after")

    def wait_for(self, condition):
        until = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def runs(self, pid):
        """One that ended and that nobody asked for its status does not run."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                return file.read().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False


class Pinned(TreeTest):
    def test_each_stage_has_a_cpu_and_the_unit_tests_have_all(self):
        for stage in ("unit", "suite-load"):
            self.tree.lets(stage, f"nproc >control/{stage}.cpus")
        main.main(["--stage", "unit", "suite-load", "package"], self.tree.place, {}, io.StringIO())
        mine = os.sched_getaffinity(0)
        for stage, cpus in (("unit", mine), ("suite-load", schedule.shares(mine)[0])):
            self.assertEqual(int((self.tree.top / f"control/{stage}.cpus").read_text()), len(cpus), stage)


if __name__ == "__main__":
    unittest.main()
