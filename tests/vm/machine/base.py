# SPDX-License-Identifier: GPL-2.0-only
"""Messages, statuses and places that all parts share."""

import os
import pathlib
import sys
import time

TOP = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "scx-slo"
# As timeout(1) and container tools have them.
TIMED_OUT, MACHINE_FAILED, USAGE, NO_SUCH_KERNEL = 124, 125, 2, 3

program = "machine"


class UsageError(Exception):
    """What was typed cannot be done, whatever the machine does."""


class MachineError(Exception):
    """The machine failed, not what runs in it."""


def say(text):
    print(f"{program}: {text}", file=sys.stderr, flush=True)


def log_file(kind):
    """A new file for the log of one machine; those of last week go."""
    directory = CACHE / "log"
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("vm-*.log"):
        if old.stat().st_mtime < time.time() - 7 * 86400:
            old.unlink(missing_ok=True)
    path = directory / f"vm-{time.strftime('%m%d-%H%M%S')}-{os.getpid()}{kind}.log"
    path.touch()
    return path
