# SPDX-License-Identifier: GPL-2.0-only
"""Commands, and waiting for what they or others bring about."""

import subprocess
import time

# Seconds between two looks: few at first, so that what is soon there is soon seen, and then no more than this, as each
# look takes CPU time from what is waited for.
FIRST_PAUSE, PAUSE = 0.01, 0.25


def run(*command, check=True, limit=120, user=None):
    """Runs a command to its end; with check a failure raises, showing what the command said."""
    command = [str(word) for word in command]
    if user:
        command = ["runuser", "-u", user, "--", *command]
    result = subprocess.run(command, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def output(*command, **options):
    return run(*command, **options).stdout.strip()


def wait_for(what, condition, limit=10.0, pause=PAUSE):
    """Waits until condition() is true and returns its value; after `limit` seconds it is an error that names `what`."""
    end = time.monotonic() + limit
    next_pause = min(FIRST_PAUSE, pause)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what} (last: {value!r})")
        time.sleep(next_pause)
        next_pause = min(2 * next_pause, pause)


def sleep_until(instant):
    """Until that time.monotonic()."""
    time.sleep(max(0, instant - time.monotonic()))
