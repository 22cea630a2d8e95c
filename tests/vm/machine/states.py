# SPDX-License-Identifier: GPL-2.0-only
"""States of machines just after their boot, in the cache: each is all of a machine's memory and devices."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil

from base import CACHE

DIRECTORY = CACHE / "states"
# A state is about a gigabyte.
KEPT = 6
FREE_BYTES = 6 << 30


def place(key):
    return DIRECTORY / hashlib.sha256(key.encode()).hexdigest()[:16]


@contextlib.contextmanager
def locked(key):
    """One makes a state, others wait for it."""
    (CACHE / "lock").mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock" / f"state-{place(key).name}", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find(key):
    """The state's file, or None. It may be removed at any time: open it to keep it."""
    path = place(key) / "state"
    with contextlib.suppress(OSError):
        os.utime(place(key))
        return path if path.exists() else None
    return None


def forget(key):
    shutil.rmtree(place(key), ignore_errors=True)


def is_worth_it():
    """Whether there is room for one more."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(DIRECTORY).free > FREE_BYTES


def keep(key, path: pathlib.Path):
    """Takes the file over; of the others the most recently used stay."""
    place(key).mkdir(parents=True, exist_ok=True)
    (place(key) / "key").write_text(f"{key}\n")
    path.rename(place(key) / "state")
    entries = sorted(DIRECTORY.glob("*/state"), key=lambda state: state.parent.stat().st_mtime, reverse=True)
    for state in entries[KEPT:]:
        shutil.rmtree(state.parent, ignore_errors=True)
