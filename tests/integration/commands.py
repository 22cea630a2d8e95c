# SPDX-License-Identifier: GPL-2.0-only
"""Commands, and waiting for what they or others bring about."""

import subprocess
import time


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


def wait_for(what, condition, limit=10.0, pause=0.05):
    """Waits until condition() is true and returns its value; after `limit` seconds it is an error that names `what`."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what} (last: {value!r})")
        time.sleep(pause)


def sleep_until(instant):
    """Until that time.monotonic()."""
    time.sleep(max(0, instant - time.monotonic()))
