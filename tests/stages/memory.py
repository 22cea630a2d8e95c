# SPDX-License-Identifier: GPL-2.0-only
"""What passed and what failed, by the key of its inputs, and how long it took. Kept in the cache for all checkouts."""

import dataclasses
import json
import os

# Of each stage: so many different inputs are remembered.
KEEP = 40

PASSED, FAILED, FLAKY = "passed", "failed", "flaky"
# Neither passed nor failed: the machine never came up, or somebody ended it.
BROKEN, INTERRUPTED = "broken", "interrupted"


@dataclasses.dataclass
class Record:
    """What is known of one stage with one key."""

    passed: int = 0
    failed: int = 0
    last: str = ""
    seconds: float = 0.0  # of the last that passed or failed
    ended: float = 0.0
    tests: dict = dataclasses.field(default_factory=dict)  # how many passed, failed, were skipped

    @property
    def verdict(self):
        """The same inputs with two outcomes tell nothing."""
        if self.passed and self.failed:
            return FLAKY
        return PASSED if self.passed else FAILED if self.failed else BROKEN

    def add(self, outcome, seconds, tests, now):
        self.last, self.ended = outcome, now
        if outcome == BROKEN:
            return
        self.passed += outcome == PASSED
        self.failed += outcome == FAILED
        self.seconds, self.tests = round(seconds, 1), tests


class Memory:
    def __init__(self, place):
        self.place = place

    def records(self, stage):
        """All that is known of a stage, by key."""
        try:
            kept = json.loads((self.place.memory / f"{stage}.json").read_text(encoding="utf-8"))
            return {key: Record(**values) for key, values in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            # What cannot be read was not remembered.
            return {}

    def record(self, stage, key):
        return self.records(stage).get(key)

    def newest(self, stage):
        return max(self.records(stage).values(), key=lambda record: record.ended, default=None)

    def seconds(self, stage):
        """How long it took the last time that it passed, or failed if it never did; None if that is not known."""
        known = [record for record in self.records(stage).values() if record.passed or record.failed]
        newest = max(known, key=lambda record: (record.passed > 0, record.ended), default=None)
        return newest.seconds if newest else None

    def add(self, stage, key, outcome, seconds, tests, now):
        """Returns what is known of the key from now on."""
        if outcome == INTERRUPTED:
            return self.record(stage, key)
        self.place.memory.mkdir(parents=True, exist_ok=True)
        with self.place.locked("stages", lambda _: None):
            records = self.records(stage)
            records.setdefault(key, Record()).add(outcome, seconds, tests, now)
            newest = sorted(records, key=lambda known: records[known].ended, reverse=True)[:KEEP]
            self.write(stage, {known: dataclasses.asdict(records[known]) for known in newest})
        return records[key]

    def write(self, stage, kept):
        file = self.place.memory / f"{stage}.json"
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, file)
