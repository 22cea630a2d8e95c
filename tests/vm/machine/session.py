# SPDX-License-Identifier: GPL-2.0-only
"""One command in a machine, from its start to its status."""

import contextlib
import os
import queue
import threading
import time

from base import TIMED_OUT, MachineError
from link import BLOCK

# What a command that was told to end has before it is killed, and then before it is given up.
GRACE_SECONDS = 5
PASSED_ON = ("NO_COLOR", "CI")


def request(command, terminal=None, has_input=False):
    environment = {name: os.environ[name] for name in PASSED_ON if os.environ.get(name)}
    environment["TERM"] = os.environ.get("TERM", "linux") if terminal else "dumb"
    return {"command": command, "terminal": terminal, "input": has_input, "environment": environment}


class Session:
    """`out` and `err` get the bytes as they come."""

    def __init__(self, machine, wanted, out, err):
        self._machine = machine
        self._events = queue.SimpleQueue()
        self._sinks = {b"O": out, b"R": err}
        self._number = machine.link.begin(wanted, lambda kind, payload: self._events.put((kind, payload)))

    def send(self, kind, payload=b""):
        self._machine.link.send(self._number, kind, payload)

    def signal(self, number):
        self.send(b"S", str(number).encode())

    def feed(self, read):
        """Gives the command what `read` returns until that is empty."""
        with contextlib.suppress(MachineError):
            while block := read(BLOCK):
                self.send(b"I", block)
            self.send(b"E")

    def wait(self, end=None):
        """The command's status; at the instant `end` (of time.monotonic()) it is ended, which is TIMED_OUT."""
        signals = [] if end is None else [(end, 15), (end + GRACE_SECONDS, 9), (end + 2 * GRACE_SECONDS, None)]
        timed_out = False
        while True:
            left = signals[0][0] - time.monotonic() if signals else None
            try:
                kind, payload = self._events.get(timeout=None if left is None else max(0, left))
            except queue.Empty:
                timed_out = True
                _, number = signals.pop(0)
                if number is None:
                    return TIMED_OUT
                self.signal(number)
                continue
            if kind == b"C":
                return TIMED_OUT if timed_out else int(payload)
            if kind == b"G":
                raise MachineError("the machine ended while the command ran")
            self._sinks[kind](payload)


def run(machine, command, out=None, err=None, read=None, end=None):
    """A command of our own: what it says goes to functions, what it reads comes from one."""
    said = []
    with machine.clock.runs():
        session = Session(machine, request(command, has_input=read is not None), out or said.append, err or said.append)
        if read:
            threading.Thread(target=session.feed, args=(read,), daemon=True).start()
        status = session.wait(end)
    if status not in (0, TIMED_OUT):
        raise MachineError(f"{command[0]} failed in the machine: {b''.join(said).decode(errors='replace').strip()}")
    return status
