# SPDX-License-Identifier: GPL-2.0-only
"""What a JUnit file of ctest or pytest says: how many passed, which failed and why."""

import dataclasses
import xml.etree.ElementTree as ElementTree


# Of what a test said when it failed: enough to know what to look for in the log.
LINES = 6
GTEST_FAILURE = ": Failure"


@dataclasses.dataclass(frozen=True)
class Failure:
    name: str
    why: tuple = ()  # lines


@dataclasses.dataclass(frozen=True)
class Results:
    passed: int = 0
    failed: tuple = ()  # Failures
    skipped: int = 0

    def counts(self):
        return {"passed": self.passed, "failed": len(self.failed), "skipped": self.skipped}


def name_of(case):
    """As one would type it: file::test for pytest, the plain name for ctest."""
    group, name = case.get("classname", ""), case.get("name", "")
    return name if not group or group == name else f"{group.replace('.', '/')}.py::{name}"


def failure_of(case):
    """What failed; None if it did not. pytest says why in an attribute, ctest in what the test printed."""
    failed = case.find("failure")
    failed = case.find("error") if failed is None else failed
    if failed is None:
        return None
    said = failed.get("message", "").strip() or case.findtext("system-out", "")
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    first = next((at for at, line in enumerate(lines) if line.endswith(GTEST_FAILURE)), 0)
    return Failure(name_of(case), tuple(lines[first : first + LINES]))


def read(file):
    """The results in the file, none if there is no such file or it was cut short."""
    try:
        cases = list(ElementTree.parse(file).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return Results()
    failed = [failure for failure in map(failure_of, cases) if failure]
    skipped = sum(case.find("skipped") is not None for case in cases)
    # A test whose clean-up failed as well is there twice: the first is the cause.
    by_name = {failure.name: failure for failure in reversed(failed)}
    return Results(len(cases) - len(failed) - skipped, tuple(reversed(by_name.values())), skipped)
