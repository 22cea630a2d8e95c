# SPDX-License-Identifier: GPL-2.0-only
"""What an operator asks of a machine that is busy, and has to get an answer to."""

import itertools
import time

import machine

# Seconds within which the machine answers, however slowly it is emulated, and also when real-time tasks leave others a
# twentieth of it. How fast it is is for a benchmark to say.
LIMIT = 400
USER = "operator"
TAG = "slo-test"

numbers = itertools.count()


def systemd():
    machine.run("systemctl", "status", "systemd-journald", limit=LIMIT)


def login():
    machine.run("su", "--login", USER, "--command", "true", limit=LIMIT)


def journal():
    word = f"still here {next(numbers)}"
    machine.run("logger", "--tag", TAG, word, limit=LIMIT)
    machine.wait_for(
        "the journal has it",
        lambda: word in machine.output("journalctl", "-q", "-o", "cat", "-t", TAG, "-n", "5", limit=LIMIT),
        LIMIT,
    )


ALL = {"systemctl": systemd, "login": login, "journal": journal}


def seconds(name):
    """Asks, and returns how long the answer took."""
    begin = time.monotonic()
    ALL[name]()
    return time.monotonic() - begin


def describe(times):
    return ", ".join(f"{name} {took:.1f} s" for name, took in times.items())
