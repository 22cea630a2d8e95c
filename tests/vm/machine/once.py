# SPDX-License-Identifier: GPL-2.0-only
"""tests/vm/run and tests/vm/shell: a machine for one command."""

import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import termios
import threading
import time
import tty

import base
import files
import parts
import session
from base import CACHE, MachineError, UsageError, say
from machine import Machine

DEFAULT_TIMEOUT = 600


class Interrupted(BaseException):
    pass


def on_signal(number, frame):
    raise Interrupted(number)


def run(asked):
    if base.program == "shell":
        asked.command = ["bash", "-l"]
    elif asked.words:
        raise UsageError(f"'{asked.words[0]}' is no option; the command comes after --, see run --help.")
    if "--key" in asked.flags:
        print(parts.machine_key(parts.find("key", asked.boot), asked.boot))
        return 0
    if not asked.command:
        raise UsageError("there is no command; it comes after --, see run --help.")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    try:
        return with_machine(asked)
    except Interrupted as interrupted:
        return 128 + interrupted.args[0]


def with_machine(asked):
    found = parts.find("make", asked.boot)
    work = tempfile.mkdtemp(prefix="vm.", dir=CACHE)
    machine = Machine(found, asked.boot, parts.machine_key(found, asked.boot), pathlib.Path(work))
    try:
        with parts.hold(found.held):
            machine.start()
            return command_in(machine, asked)
    except MachineError as failure:
        if machine.console:
            machine.tell_console()
            raise MachineError(f"{failure}; the console's log is {machine.console}") from None
        raise
    finally:
        machine.end()
        shutil.rmtree(work, ignore_errors=True)


def command_in(machine, asked):
    limit = asked.timeout or (None if base.program == "shell" else DEFAULT_TIMEOUT)
    end = limit and time.monotonic() + limit
    status = files.put(machine, asked.added, end)
    if status == 0:
        status = (in_terminal if base.program == "shell" else piped)(machine, asked.command, end)
    if asked.out:
        files.get(machine, asked.out)
    if status == base.TIMED_OUT and end and time.monotonic() >= end:
        machine.tell_console()
        say(f"the machine was ended after {limit} s (--timeout); its console's log is {machine.console}")
    elif status != 0 and base.program != "shell":
        say(f"the command ended with status {status}; the console's log is {machine.console}")
    return status


def writer(file):
    def write(block):
        file.buffer.write(block)
        file.flush()

    return write


def piped(machine, command, end):
    with machine.clock.runs():
        one = session.Session(machine, session.request(command), writer(sys.stdout), writer(sys.stderr))
        return one.wait(end)


def in_terminal(machine, command, end):
    with machine.clock.runs(), raw_terminal():
        size = list(os.get_terminal_size()) if sys.stdout.isatty() else [80, 24]
        one = session.Session(machine, session.request(command, terminal=size[::-1]), writer(sys.stdout), None)
        threading.Thread(target=one.feed, args=(lambda count: os.read(0, count),), daemon=True).start()
        return one.wait(end)


@contextlib.contextmanager
def raw_terminal():
    """Each key goes to the machine, Ctrl-C too."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
