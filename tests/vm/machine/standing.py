# SPDX-License-Identifier: GPL-2.0-only
"""tests/vm/up, exec, push, reset, down and list: machines that stay up between commands."""

import contextlib
import json
import os
import signal
import stat
import sys
import threading
import time

import base
import keeper
import once
import place
import pushing
import session
from base import MachineError, UsageError, say
from link import BLOCK


def up(asked):
    name = asked.name
    lock = place.try_lock(name)
    if lock is None:
        raise UsageError(f"the machine '{name}' is up already: tests/vm/down ends it; or give this one another name.")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os._exit(keep(name, asked, lock, reading, writing))
    os.close(writing)
    lock.close()
    # Ctrl-C reaches the keeper, too, until it has left this terminal's group.
    with os.fdopen(reading) as word, contextlib.suppress(KeyboardInterrupt):
        if word.readline() == "up\n":
            print(name)
            return 0
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else base.MACHINE_FAILED


def keep(name, asked, lock, reading, writing):
    """The keeper's process; returns its status."""
    os.close(reading)
    os.dup2(writing, 1)
    os.close(writing)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        keeper.run(name, asked, lock)
    except MachineError as failure:
        say(failure)
        return base.MACHINE_FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as end:
        return end.code
    return 0


def is_given(file):
    """Whether somebody means this to be read: a pipe or a file, and no terminal."""
    mode = os.fstat(file).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


class Interrupts:
    """Ctrl-C ends the command; pressed again, without asking it."""

    def __init__(self, connection):
        self._connection = connection
        self._count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number, frame):
        self._count += 1
        self._connection.send(b"S", str(signal.SIGKILL if self._count > 1 else int(number)).encode())


def execute(asked):
    name = asked.name
    if not asked.command:
        raise UsageError("there is no command; it comes after --, see exec --help.")
    connection = place.Keeper(name)
    with contextlib.ExitStack() as stack:
        terminal = None
        if "--terminal" in asked.flags:
            terminal = list(os.get_terminal_size() if sys.stdout.isatty() else (80, 24))[::-1]
            stack.enter_context(once.raw_terminal())
        else:
            Interrupts(connection)
        has_input = terminal is None and is_given(0)
        request = session.request(asked.command, terminal, has_input)
        connection.send(b"Q", json.dumps({"operation": "execute", "request": request}).encode())
        if terminal or has_input:
            threading.Thread(target=feed, args=(connection,), daemon=True).start()
        return follow(connection, asked.timeout)


def feed(connection):
    while block := os.read(0, BLOCK):
        connection.send(b"I", block)
    connection.send(b"E")


def follow(connection, limit):
    """What the command says, and its status."""
    over = threading.Event()

    def expire():
        for number in (b"15", b"9"):
            over.set()
            connection.send(b"S", number)
            time.sleep(session.GRACE_SECONDS)

    if limit:
        timer = threading.Timer(limit, expire)
        timer.daemon = True
        timer.start()
    sinks = {b"O": once.writer(sys.stdout), b"R": once.writer(sys.stderr)}
    while True:
        kind, payload = connection.receive()
        if kind == b"C":
            return base.TIMED_OUT if over.is_set() else int(payload)
        if kind in (b"G", b"F"):
            raise MachineError(payload.decode() or "the machine ended while the command ran")
        sinks[kind](payload)


def push(asked):
    return pushing.push(asked.name)


def reset(asked):
    place.Keeper(asked.name).ask("reset")
    return 0


def down(asked):
    for name in place.names() if "--all" in asked.flags else [asked.name]:
        place.Keeper(name).ask("down")
        while name in place.names():
            time.sleep(0.05)
    return 0


COLUMNS = ("NAME", "KERNEL", "CPUS", "CLOCK", "SINCE", "IDLE", "CHECKOUT")


def show(asked):
    if asked.words:
        raise UsageError(f"'{asked.words[0]}' is one word too many; see list --help.")
    rows = [COLUMNS]
    for name in place.names():
        with contextlib.suppress(MachineError, UsageError):
            told = place.Keeper(name).ask("describe")
            since = time.strftime("%H:%M", time.localtime(told["since"]))
            idle = "busy" if told["idle_seconds"] == 0 else f"{told['idle_seconds'] / 60:.0f}min"
            rows.append((name, told["kernel"], told["cpus"], told["clock"], since, idle, told["checkout"]))
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    return 0
