# SPDX-License-Identifier: GPL-2.0-only
"""What is said at the end, for a person and for a program that reads the last line."""

import dataclasses

import memory
from mistake import listed
from plan import WORKLOADS

LONGEST = 4


@dataclasses.dataclass
class Report:
    what: str  # as it was asked for
    results: list
    seconds: float
    strict: bool  # inputs that both passed and failed are an error
    remembered: list = dataclasses.field(default_factory=list)
    untested: list = dataclasses.field(default_factory=list)
    blocked: list = dataclasses.field(default_factory=list)  # (name, what failed before)
    interrupted: bool = False

    def flaky(self):
        return [one for one in self.results if one.record and one.record.verdict == memory.FLAKY]

    def wrong(self):
        """Names of the stages because of which this run failed."""
        names = [one.name for one in self.results if one.outcome in (memory.FAILED, memory.BROKEN)]
        if self.strict:
            names += [one.name for one in self.flaky() if one.name not in names]
        return names

    def status(self):
        return 1 if self.interrupted or self.wrong() or self.blocked else 0


def duration(seconds):
    return f"{int(seconds) // 60} min {int(seconds) % 60} s" if seconds >= 60 else f"{round(seconds)} s"


def counted(report):
    """Tests that passed, failed and were skipped; a stage that has none, or failed beside them, counts as one."""
    passed = failed = skipped = 0
    wrong = report.wrong()
    for one in report.results:
        if one.name == WORKLOADS and one.name not in wrong or one.outcome == memory.INTERRUPTED:
            continue
        passed += one.tests.passed or (one.name not in wrong and not one.tests.skipped)
        failed += len(one.tests.failed) or (one.name in wrong)
        skipped += one.tests.skipped
    for _, record in report.remembered:
        passed += record.tests.get("passed", 0) or 1
        skipped += record.tests.get("skipped", 0)
    return passed, failed, skipped + len(report.untested)


def last_line(report):
    passed, failed, skipped = counted(report)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")


def closing(report):
    after = f"{int(report.seconds) // 60} min {int(report.seconds) % 60} s"
    if report.interrupted:
        return f"tests/run {report.what}: INTERRUPTED after {after}; what ended before is remembered"
    if report.status() == 0:
        return f"tests/run {report.what}: everything passed in {after}"
    return f"tests/run {report.what}: FAILED after {after}: {listed(report.wrong())}"


def failures(report):
    for one in report.results:
        if one.outcome == memory.BROKEN:
            yield f"{one.name}: the machine did not come up, or died; its log is {one.log}"
        elif one.outcome == memory.FAILED:
            yield f"{one.name}: failed with status {one.status}; its log is {one.log}"
        for test in one.tests.failed:
            yield f"  {test.name}"
            yield from (f"      {line}" for line in test.why)
    for one in report.flaky():
        known = one.record
        yield (f"{one.name}: flaky: with these very inputs it passed {known.passed} and failed {known.failed} times;"
               " it is not remembered until they change")  # fmt: skip


def lines(report):
    yield ""
    ran = sorted(report.results, key=lambda one: -one.seconds)
    if report.remembered:
        names = listed(stage.name for stage, _ in report.remembered)
        yield f"passed before with the same inputs, not run (--fresh runs them): {names}"
    ended = [one.name for one in report.results if one.outcome == memory.INTERRUPTED]
    if len(ran) > len(ended):
        yield f"ran: {listed(one.name for one in report.results if one.name not in ended)}"
    if ended:
        yield f"ended before they were done, not counted: {listed(ended)}"
    if len(ran) > 1 and not report.interrupted:
        yield f"longest: {listed(f'{one.name} {duration(one.seconds)}' for one in ran[:LONGEST])}"
    for failed in dict.fromkeys(because for _, because in report.blocked):
        names = listed(name for name, because in report.blocked if because == failed)
        yield f"not run because {failed} failed: {names}"
    yield from failures(report)
    for name, why in report.untested:
        yield f"NOT TESTED: {name}: {why}"
    yield closing(report)
    yield last_line(report)
