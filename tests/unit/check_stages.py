#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds what tests/run decides: what a change makes stale, what is remembered, who is next, what is refused."""

import dataclasses
import unittest

from stages_tree import FILES, TreeTest, top

# stages_tree.py has put tests/stages on the path.
import catalog
import junit
import memory
import options
import place
import plan
import schedule
import shards
import summary
from inputs import Inputs
from mistake import Mistake
from schedule import Job, Queue
from scripts import Gone, Scripts

EVERY = {stage.name for stage in catalog.stages()}
BOOTED = {stage.name for stage in catalog.stages() if stage.boots}
ON_THE_NEWEST = {stage.name for stage in catalog.stages() if stage.boots and "--kernel" not in stage.boot}
OF_THE_HOST = {"unit", "sanitizers"}
# They need no more than the sources: neither programs for machines nor what integration tests share.
OF_THE_SOURCES = {"package", "planted"}
OTHER = ("7.0", "6.18", "6.12")


def suite_with(shard, *more):
    group = next(name for name, of in shards.OTHER_KERNELS.items() if shard in of)
    return {f"suite-{shard}", *(f"{group}-{series}" for series in OTHER), *more}


# One file of each kind of input, and all that depends on it.
DEPENDS = {
    "bpf/policy.h": EVERY,
    "packaging/build-root.packages": EVERY,
    "machine/qemu": BOOTED,
    "machine/root": BOOTED,
    "kernels/newest": ON_THE_NEWEST,
    "kernels/oldest": {"oldest"},
    "kernels/7.1": {"type-information"},
    "kernels/7.0": {"interface-7.0", "load-7.0"},
    "kernels/6.18": {"interface-6.18", "load-6.18", "known-6.18"},
    "kernels/6.12": {"interface-6.12", "load-6.12", "no-jit"},
    "kernels/6.12-stock": {"stock-6.12"},
    "tests/workloads/jobs.cpp": EVERY - OF_THE_SOURCES,
    "tests/CMakeLists.txt": EVERY - {"package"},
    "tests/unit/some_test.cpp": OF_THE_HOST,
    "tests/sim/engine.cpp": OF_THE_HOST | {"planted"},
    "tests/stages/main.py": OF_THE_HOST,
    "tests/stages/build": OF_THE_HOST | {"planted"},
    "tests/run": OF_THE_HOST,
    "tests/bench/bench.d/bench.py": OF_THE_HOST,
    "tests/bench/run": set(),
    "README.md": set(),  # for this tree's package is made of bpf/ alone
    "tests/witness/jobs.py": OF_THE_HOST | {"witness"},
    "tests/vm/demo.d/table.py": OF_THE_HOST | {"witness"},
    "tests/integration/machine.py": EVERY - OF_THE_SOURCES,
    "tests/integration/pytest.ini": EVERY - OF_THE_SOURCES,
    "tests/integration/figures.tsv": EVERY - OF_THE_SOURCES,
    "tests/integration/test_21_watch.py": suite_with("service"),
    "tests/integration/test_20_service.py": suite_with("service", "oldest"),
    "tests/integration/test_60_load.py": suite_with("load", "long-load"),
    "tests/integration/clock/test_crowd.py": {"clock-crowd", "known-6.18", "stock-6.12"},
    "tests/integration/clock/test_three_units.py": {"clock-units", "long-clock-units", "known-6.18", "stock-6.12"},
    "tests/integration/caches/test_two_caches.py": {"caches"},
    "tests/integration/quotas/test_two_cpus.py": {"quotas", "long-quotas"},
    "tests/integration/refused/test_refused.py": {"isolcpus", "no-jit", "type-information", "stock-6.12"},
}


class Stale(TreeTest):
    def keys(self):
        inputs = Inputs(self.tree.place, Scripts(self.tree.top))
        return {stage.name: inputs.key(stage) for stage in catalog.stages()}

    def test_one_byte_makes_exactly_what_depends_on_it_stale(self):
        before = self.keys()
        for name, expected in DEPENDS.items():
            with self.subTest(name):
                self.tree.add_a_byte(name)
                after = self.keys()
                self.assertEqual({stage for stage in EVERY if before[stage] != after[stage]}, expected)
                before = after

    def test_each_kind_of_file_of_the_tree_is_held(self):
        rooms = {name.rpartition("/")[0] for name in DEPENDS}
        self.assertEqual({name for name in FILES if name.rpartition("/")[0] not in rooms}, set())

    def test_the_same_tree_elsewhere_has_the_same_keys(self):
        before = self.keys()
        moved = self.tree.base / "moved"
        self.tree.top.rename(moved)
        for script in moved.rglob("*"):
            if script.is_file():
                script.write_text(script.read_text().replace(str(self.tree.top), str(moved)))
        here = place.Place(moved, self.tree.place.cache, self.tree.place.builds)
        inputs = Inputs(here, Scripts(moved))
        # This tree's scripts name their place, and what is built here to be run here depends on tests/stages.
        held = [stage for stage in catalog.stages() if stage.name not in OF_THE_HOST | {"planted"}]
        self.assertEqual({stage.name: inputs.key(stage) for stage in held}, {s.name: before[s.name] for s in held})

    def test_what_no_compiler_and_no_python_reads_counts_for_nothing(self):
        before = self.keys()
        for name in ("tests/integration/.machine.py.swp", "tests/unit/a.cpp~", "tests/stages/__pycache__/main.pyc"):
            self.tree.write(name, "x")
        self.assertEqual(self.keys(), before)

    def test_the_names_of_the_test_files_are_what_the_unit_tests_hold_against_the_shards(self):
        before = self.keys()
        self.tree.write("tests/integration/test_99_new.py", "")
        self.assertEqual({name for name, key in self.keys().items() if key != before[name]}, OF_THE_HOST)

    def test_options_a_new_file_and_the_right_to_execute_count(self):
        stage = next(stage for stage in catalog.stages() if stage.name == "suite-load")
        inputs = Inputs(self.tree.place, Scripts(self.tree.top))
        changed = [
            dataclasses.replace(stage, options=("-m", "slow")),
            dataclasses.replace(stage, boot=("--smp", "4")),
            dataclasses.replace(stage, tests=stage.tests[:1]),
        ]
        keys = {inputs.key(one) for one in (stage, *changed)}
        self.assertEqual(len(keys), 4)
        before = self.keys()
        self.tree.write("tests/integration/helper.py", "")
        new = self.keys()
        (self.tree.top / "tests/integration/helper.py").chmod(0o755)
        self.assertEqual(len({keys["suite-load"] for keys in (before, new, self.keys())}), 3)

    def test_a_kernel_that_is_gone_is_told_in_the_words_of_the_script(self):
        self.tree.write("kernels/6.18.gone", "")
        with self.assertRaisesRegex(Gone, "^the archive has no kernel 6.18; it has 7.3.$"):
            Inputs(self.tree.place, Scripts(self.tree.top)).key(catalog.named(["known-6.18"])[0])


class Remembered(TreeTest):
    def add(self, *outcomes, key="key"):
        known = memory.Memory(self.tree.place)
        for number, outcome in enumerate(outcomes):
            known.add("stage", key, outcome, 10 + number, {"passed": 3}, now=1000 + number)
        return known.record("stage", key)

    def test_one_outcome_is_the_verdict_and_two_are_flaky(self):
        self.assertEqual(self.add("passed").verdict, memory.PASSED)
        self.assertEqual(self.add("failed", "failed", key="red").verdict, memory.FAILED)
        self.assertEqual(self.add("passed", key="red").verdict, memory.FLAKY)
        self.assertEqual(self.add("passed", "passed", key="red").verdict, memory.FLAKY)
        self.assertEqual(self.add().verdict, memory.PASSED)

    def test_no_machine_and_an_interruption_count_as_neither(self):
        self.assertIsNone(self.add("interrupted"))
        self.assertEqual(self.add("broken", "passed", "broken", "interrupted").verdict, memory.PASSED)
        self.assertEqual(self.add("broken", "failed", key="red").verdict, memory.FAILED)
        self.assertEqual(self.add("broken", key="no machine").verdict, memory.BROKEN)

    def test_the_duration_is_of_the_newest_that_passed(self):
        known = memory.Memory(self.tree.place)
        self.assertIsNone(known.seconds("stage"))
        seen = (("a", "passed", 100), ("b", "passed", 120), ("c", "failed", 3), ("d", "broken", 300))
        for key, outcome, seconds in seen:
            known.add("stage", key, outcome, seconds, {}, now=ord(key))
        self.assertEqual(known.seconds("stage"), 120)
        known.add("stage", "b", "broken", 300, {}, now=1000)
        self.assertEqual((known.seconds("stage"), known.record("stage", "b").last), (120, "broken"))

    def test_what_is_known_is_expected_but_of_a_build_no_less_than_is_usual(self):
        known = memory.Memory(self.tree.place)
        for name in ("sanitizers", "package"):
            known.add(name, "key", "passed", 7, {}, now=1)
        stages = catalog.named(["sanitizers", "package", "oldest"])
        seconds = {stage.name: plan.expected(stage, known) for stage in stages}
        self.assertEqual(seconds["package"], 7)
        for name in ("sanitizers", "oldest"):
            self.assertEqual(seconds[name], catalog.named([name])[0].seconds)

    def test_what_is_old_is_forgotten_and_what_is_torn_is_empty(self):
        known = memory.Memory(self.tree.place)
        for number in range(memory.KEEP + 5):
            known.add("stage", f"key{number}", "passed", 1, {}, now=number)
        self.assertEqual(len(known.records("stage")), memory.KEEP)
        self.assertIsNone(known.record("stage", "key4"))
        self.assertEqual(known.record("stage", "key5").verdict, memory.PASSED)
        (self.tree.place.memory / "stage.json").write_text('{"key9": {"pass', encoding="utf-8")
        self.assertEqual(known.records("stage"), {})

    def test_what_failed_last_is_found_whatever_its_inputs(self):
        known = memory.Memory(self.tree.place)
        for key, stage, outcome in (("a", "unit", "failed"), ("b", "unit", "passed"), ("a", "oldest", "passed"),
                                    ("b", "oldest", "failed"), ("a", "caches", "broken")):  # fmt: skip
            known.add(stage, key, outcome, 1, {}, now=ord(key))
        self.assertEqual([stage.name for stage in plan.failed_last(catalog.stages(), known)], ["oldest", "caches"])


class Order(unittest.TestCase):
    def drain(self, queue, failing=()):
        """The order in which one worker takes what there is."""
        order = []
        while job := queue.take():
            order.append(job.name)
            queue.finish(job.name, job.name not in failing)
        return order

    def test_the_longest_is_first_and_what_holds_others_up_before_it(self):
        needs = frozenset(["package"])
        jobs = [Job("short", 10, needs), Job("sanitizers", 200), Job("long", 300, needs), Job("package", 60)]
        self.assertEqual(self.drain(Queue(jobs)), ["package", "long", "sanitizers", "short"])

    def test_one_that_is_alone_has_nobody_beside_it(self):
        queue = Queue([Job("alone", 5, alone=True), Job("other", 9), Job("third", 1)])
        self.assertEqual(queue.take().name, "other")
        self.assertEqual(queue.take().name, "third")
        self.assertIsNone(queue.take())
        queue.finish("other", True)
        queue.finish("third", True)
        self.assertEqual(queue.take().name, "alone")
        self.assertIsNone(queue.take())

    def test_what_needs_something_that_failed_is_never_run(self):
        after_both = frozenset(["package", "unit"])
        queue = Queue([Job("unit", 9), Job("package", 5, frozenset(["unit"])), Job("machine", 5, after_both)])
        self.assertEqual(self.drain(queue, failing=["unit"]), ["unit"])
        self.assertTrue(queue.over())
        blocked = {job.name: because for job, because in queue.blocked()}
        self.assertEqual(blocked, {"package": "unit", "machine": "unit"})

    def test_what_was_waited_for_comes_when_it_is_ready(self):
        queue = Queue([Job("package", 5), Job("machine", 50, frozenset(["package"]))])
        self.assertEqual(queue.take().name, "package")
        self.assertIsNone(queue.take())
        self.assertFalse(queue.over())
        queue.finish("package", True)
        self.assertEqual(queue.take().name, "machine")

    def test_each_worker_has_cpus_of_its_own(self):
        self.assertEqual(schedule.shares({0, 1}), [{0}, {1}])
        self.assertEqual(schedule.shares({3}), [{3}])
        self.assertEqual(schedule.shares(range(9)), [{0, 1}, {2, 3}, {4, 5}, {6, 7}])

    def test_machines_wait_for_unit_tests_and_the_package_or_for_their_programs(self):
        tasks = [plan.Task(stage, "", stage.seconds) for stage in catalog.of_set("all")]
        needs = {job.name: job.needs for job in plan.jobs(plan.Plan(run=tasks))}
        self.assertEqual(needs["unit"], set())
        self.assertNotIn("workloads", needs)
        for stage in catalog.of_set("all"):
            self.assertLessEqual({"unit", "package"} if stage.boots else set(), needs[stage.name])
        order = self.drain(Queue(plan.jobs(plan.Plan(run=tasks[3:]))))
        self.assertEqual(order[0], "workloads")


# What is typed, and what the sentence has to say.
REFUSED = {
    "fast": "'fast' is not known; there are all, unit, full, witness, list and integration",
    "--quick": "'--quick' is no option of tests/run; there are --stage NAME…, --failed and --fresh",
    "unit --quick": "'--quick' is no option of tests/run unit; there are .* and -R REGEX",
    "all unit": "'unit' is one word too many",
    "all -R x": "'-R' is no option of tests/run all",
    "--stage": "--stage takes the names of stages",
    "--stage --failed": "--stage takes the names of stages",
    "--stage unit suite-7": "there is no stage 'suite-7'; there are unit, sanitizers, package, .* and witness",
    "full --stage unit": "--stage says all that is to run; it does not go with full",
    "unit -R": "-R takes a regular expression",
    "unit -R x --failed": "-R says all that is to run",
    "list all": "tests/run list takes nothing more, not 'all'",
    "integration test_99": "there is no integration test 'test_99'; there are .*test_10_package.* and test_90_purge",
    "integration -k": "-k takes an expression",
    "integration --kernel": "--kernel takes a series such as 6.18",
    "integration -x": "'-x' is no option of tests/run integration; there are -k EXPR, --kernel SERIES and --clock",
    "integration test_refused": "wants a machine of its own; .* isolcpus",
    "integration test_crowd test_20_service": "want different machines",
}


class Options(unittest.TestCase):
    there = shards.files(top / "tests/integration")

    def parse(self, line):
        return options.parse(line.split(), self.there)

    def test_what_is_not_there_is_refused_with_what_is(self):
        for line, sentence in REFUSED.items():
            with self.subTest(line), self.assertRaisesRegex(Mistake, sentence):
                self.parse(line)

    def test_sets(self):
        self.assertEqual(self.parse("").stages, catalog.of_set("all"))
        self.assertEqual([stage.name for stage in self.parse("witness").stages], ["unit", "witness"])
        request = self.parse("--stage package unit --fresh")
        self.assertEqual(([stage.name for stage in request.stages], request.fresh), (["unit", "package"], True))
        self.assertEqual(len(self.parse("--failed").stages), len(EVERY))
        self.assertEqual(self.parse("all --failed").stages, catalog.of_set("all"))

    def test_integration_tests_go_by_their_names(self):
        for name in ("test_crowd", "test_crowd.py", "clock/test_crowd.py", "tests/integration/clock/test_crowd.py"):
            request = self.parse(f"integration {name} -k abuser")
            self.assertEqual((request.files, request.expression), (["clock/test_crowd.py"], "abuser"))
            self.assertTrue(request.clock)

    def test_unit_tests_go_by_an_expression(self):
        request = self.parse("unit -R ^Slots")
        self.assertEqual((request.command, request.regex), (options.UNIT_TESTS, "^Slots"))


class Shards(TreeTest):
    def test_every_test_file_is_in_one_shard(self):
        shards.check(top / "tests/integration")
        shards.check(self.tree.place.integration)

    def test_one_in_none_and_one_that_is_gone_are_named(self):
        self.tree.write("tests/integration/test_99_new.py", "")
        with self.assertRaisesRegex(Mistake, "^test_99_new.py of tests/integration is in no shard; mend"):
            shards.check(self.tree.place.integration)
        (self.tree.top / "tests/integration/test_99_new.py").rename(self.tree.top / "moved")
        (self.tree.top / "tests/integration/test_21_watch.py").unlink()
        with self.assertRaisesRegex(Mistake, "^test_21_watch.py of .* is in a shard, and not there"):
            shards.check(self.tree.place.integration)

    def test_the_first_wants_a_fresh_machine_and_the_last_purges_it(self):
        for stage in catalog.stages():
            names = [test for test in stage.tests if "/" not in test]
            self.assertEqual(names, sorted(names))
            self.assertNotIn("test_10_package.py", names[1:])
            self.assertNotIn("test_90_purge.py", names[:-1])

    def test_slow_tests_where_full_would_not_run_them_are_named(self):
        slow = "@pytest.mark.slow\ndef test_it():\n    pass\n"
        for test in ("test_60_load.py", "clock/test_three_units.py"):
            self.tree.write(f"tests/integration/{test}", slow)
        shards.check(self.tree.place.integration)
        self.tree.write("tests/integration/test_21_watch.py", slow)
        with self.assertRaisesRegex(Mistake, "^test_21_watch.py of tests/integration is with slow tests"):
            shards.check(self.tree.place.integration)

    def test_full_leaves_out_nothing_that_all_runs(self):
        full = {test for stage in catalog.of_set("full") for test in stage.tests}
        self.assertEqual(full, set(shards.files(top / "tests/integration")))


class Told(TreeTest):
    def test_orphaned_build_trees_are_those_whose_checkout_is_gone(self):
        cache = self.tree.place.cache
        for name, checkout in (("here", self.tree.top), ("gone", self.tree.base / "gone")):
            (cache / "build" / name).mkdir(parents=True)
            (cache / "build" / name / "checkout").write_text(f"{checkout}\n", encoding="utf-8")
        (cache / "build/unmarked").mkdir()
        self.assertEqual(list(place.orphaned_builds(cache)), [cache / "build/gone"])

    def test_junit_files_of_both_kinds_are_read(self):
        file = self.tree.base / "junit.xml"
        text = """<testsuites><testsuite name="pytest">
            <testcase classname="clock.test_crowd" name="test_a[x]"/>
            <testcase classname="clock.test_crowd" name="test_b"><failure message="m"/></testcase>
            <testcase classname="clock.test_crowd" name="test_b"><error message="in its clean-up"/></testcase>
            <testcase classname="Slots.AreGiven" name="Slots.AreGiven" status="fail"><failure message=""/>
            <system-out>[ RUN ] Slots.AreGiven
/a/slots_test.cpp:7: Failure
Expected: 1

  Actual: 2
</system-out></testcase>
            <testcase classname="test_x" name="test_c"><skipped/></testcase></testsuite></testsuites>"""
        file.write_text(text, encoding="utf-8")
        failed = (
            junit.Failure("clock/test_crowd.py::test_b", ("m",)),
            junit.Failure("Slots.AreGiven", ("/a/slots_test.cpp:7: Failure", "Expected: 1", "  Actual: 2")),
        )
        self.assertEqual(junit.read(file), junit.Results(1, failed, 1))
        file.write_text("<testsuites><testsui", encoding="utf-8")
        self.assertEqual(junit.read(file), junit.Results())
        self.assertEqual(junit.read(self.tree.base / "none"), junit.Results())

    def test_durations_are_as_one_says_them(self):
        said = [summary.duration(seconds) for seconds in (3.4, 59, 60, 754.9)]
        self.assertEqual(said, ["3 s", "59 s", "1 min 0 s", "12 min 34 s"])


if __name__ == "__main__":
    unittest.main()
