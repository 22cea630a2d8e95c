# SPDX-License-Identifier: GPL-2.0-only
"""What a JUnit file of ctest or pytest says: how many passed, which failed."""

import dataclasses
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass(frozen=True)
class Results:
    passed: int = 0
    failed: tuple = ()  # their names
    skipped: int = 0

    def counts(self):
        return {"passed": self.passed, "failed": len(self.failed), "skipped": self.skipped}


def name_of(case):
    """As one would type it: file::test for pytest, the plain name for ctest."""
    group, name = case.get("classname", ""), case.get("name", "")
    return name if not group or group == name else f"{group.replace('.', '/')}.py::{name}"


def read(file):
    """The results in the file, none if there is no such file or it was cut short."""
    try:
        cases = list(ElementTree.parse(file).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return Results()
    # A test whose clean-up failed as well is there twice.
    failed = [name_of(case) for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Results(len(cases) - len(failed) - skipped, tuple(dict.fromkeys(failed)), skipped)
