# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the checkout, the cache, and this checkout's build trees in it."""

import contextlib
import dataclasses
import fcntl
import pathlib
import shutil

INTEGRATION = pathlib.PurePath("tests/integration")


@dataclasses.dataclass(frozen=True)
class Place:
    top: pathlib.Path
    cache: pathlib.Path
    builds: pathlib.Path

    @property
    def memory(self):
        """Of all checkouts: what passed is known by its content, not by where it was."""
        return self.cache / "stages"

    @property
    def integration(self):
        return self.top / INTEGRATION

    def results(self, stage):
        """What the last run of a stage left: log, junit.xml, and what the stage itself keeps."""
        return self.builds / "stages" / stage

    def clear_results(self, stage):
        shutil.rmtree(self.results(stage), ignore_errors=True)
        self.results(stage).mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def locked(self, name, say):
        """No two at a time under the same name; `say` is told if there is somebody to wait for."""
        lock = self.cache / "lock" / name
        lock.parent.mkdir(parents=True, exist_ok=True)
        with open(lock, "w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another tests/run that holds {name}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def orphaned_builds(cache):
    """Build trees of checkouts that are gone: of no use to anybody."""
    for mark in sorted(cache.glob("build/*/checkout")):
        if not pathlib.Path(mark.read_text(encoding="utf-8").rstrip("\n")).is_dir():
            yield mark.parent
