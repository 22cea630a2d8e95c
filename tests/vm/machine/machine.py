# SPDX-License-Identifier: GPL-2.0-only
"""A machine from its start to its end: booted, or begun with the state of an earlier boot; commands run in it."""

import contextlib
import dataclasses
import pathlib
import queue
import subprocess
import sys
import threading
import time

import base
import states
from base import CACHE, TOP, MachineError, say
from emulator import Emulator
from link import Link

# A machine that is not up after this long will not come up. Emulated on a busy two-core host it takes up to 100 s.
BOOT_LIMIT = 240
AGENT = TOP / "tests/vm/guest/agent.py"


class Clock:
    """On the virtual clock a machine that waits for the host would run days ahead: it stands still between commands."""

    def __init__(self, monitor, stands_still):
        self._monitor = monitor
        self._stands_still = stands_still
        self._lock = threading.Lock()
        self._running = 0

    @contextlib.contextmanager
    def runs(self):
        with self._lock:
            if self._running == 0:
                self._monitor.call("cont")
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                if self._running == 0 and self._stands_still:
                    with contextlib.suppress(MachineError):
                        self._monitor.call("stop")


@dataclasses.dataclass
class Machine:
    """Its parts and options, and what runs of it. `start` has to be called by a thread that lives as long as it does."""

    parts: object
    boot: object
    key: str
    work: pathlib.Path  # a directory of its own
    console: pathlib.Path = None
    emulator: Emulator = None
    link: Link = None
    clock: Clock = None

    def start(self):
        """Up when it returns. What an emulated machine is after its boot is kept, and the next one begins with it."""
        keeps = self.parts.accel == "tcg" and not self.boot.boot
        if not keeps:
            self._boot_twice()
            return
        with states.locked(self.key):
            state = states.find(self.key)
            if state is None:
                self._boot_twice()
                self._keep_state()
                return
        try:
            self.restore(state)
        except MachineError as failure:
            say(f"the state kept from an earlier boot is of no use: {failure}")
            states.forget(self.key)
            self._boot_twice()

    def restore(self, state):
        """Begins anew with the state."""
        begin = time.monotonic()
        self._launch(state)
        say(f"kernel {self.parts.release} goes on from its boot, after {time.monotonic() - begin:.0f} s")

    def end(self):
        if self.emulator:
            self.emulator.end()

    def _initrd(self, is_read):
        """With a state the root is in it, and QEMU is only to be content."""
        path = self.work / "initrd"
        with open(path, "wb") as whole:
            if is_read:
                subprocess.run(["cat", *self.parts.initramfs], stdout=whole, check=True)
            else:
                whole.write(b"none")
        return path

    def _launch(self, state, announced=None):
        self.console = self.console or base.log_file("")
        initrd = self._initrd(state is None)
        self.emulator = Emulator(self.parts, self.boot, str(initrd), self.console, state is not None)
        monitor = self.emulator.monitor
        try:
            if state:
                monitor.restore(state)
            self.link = Link(self.emulator.agent, None if state else AGENT.read_bytes(), announced)
            self.clock = Clock(monitor, self.boot.virtual_clock)
            if state:
                self.link.send(0, b"T", str(time.time()).encode())
            if not (state and self.boot.virtual_clock):
                monitor.call("cont")
        except BaseException:
            self.emulator.end()
            raise
        initrd.unlink()

    def _boot_twice(self):
        try:
            self._boot()
        except MachineError as failure:
            if self.parts.accel != "tcg":
                raise
            self.tell_console()
            say(f"the emulated machine did not come up: {failure} (log: {self.console}); trying once more")
            self.console = base.log_file("-again")
            self._boot()

    def _boot(self):
        begin = time.monotonic()
        told = queue.SimpleQueue()
        self._launch(None, lambda kind, payload: told.put((kind, payload.decode())))
        try:
            kind, what = self._await_word(told, begin + BOOT_LIMIT)
        except MachineError:
            self.emulator.end()
            raise
        if kind != b"U":
            self.emulator.end()
            raise MachineError(what)
        if self.boot.virtual_clock:
            self.emulator.monitor.call("stop")
        say(f"kernel {self.parts.release} is up after {time.monotonic() - begin:.0f} s ({what})")

    def _await_word(self, told, end):
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                return told.get(timeout=0.2)
            if self.link.ended.is_set():
                raise MachineError("it ended while it booted")
        raise MachineError(f"it was not up after {BOOT_LIMIT} s")

    def _keep_state(self):
        if not states.is_worth_it():
            say(f"{CACHE} has little room: the state after the boot is not kept")
            return
        path = self.work / "state"
        self.emulator.monitor.save(path)
        states.keep(self.key, path)
        if not self.boot.virtual_clock:
            self.emulator.monitor.call("cont")

    def tell_console(self, lines=30):
        with open(self.console, errors="replace") as text:
            print("".join(text.readlines()[-lines:]), end="", file=sys.stderr, flush=True)
