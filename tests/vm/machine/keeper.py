# SPDX-License-Identifier: GPL-2.0-only
"""The process that keeps a machine of tests/vm/up: starts it, passes commands on, resets it, and ends it when its time
has come. Each client has a connection and a thread; the machine belongs to the main thread."""

import contextlib
import json
import os
import pathlib
import queue
import shutil
import socket
import threading
import time

import base
import files
import parts
import place
import session
import states
from base import CACHE, TOP, MachineError
from link import read_frame, send_frame
from machine import Machine

IDLE_SECONDS = 30 * 60
LOOK_SECONDS = 5


class Client:
    def __init__(self, keeper, connection):
        self._keeper = keeper
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, kind, payload=b""):
        with contextlib.suppress(OSError):
            send_frame(self._connection, self._lock, 0, kind, payload)

    def serve(self):
        with self._connection:
            frame = read_frame(self._connection)
            if frame is None:
                return
            wanted = json.loads(frame[2])
            try:
                if wanted["operation"] == "execute":
                    self._execute(wanted["request"])
                else:
                    self.send(b"A", json.dumps(self._keeper.do(wanted["operation"])).encode())
            except MachineError as failure:
                self.send(b"F", str(failure).encode())

    def _execute(self, request):
        with self._keeper.busy(), self._keeper.machine.clock.runs():
            done = threading.Event()

            def told(kind, payload):
                self.send(kind, payload)
                if kind in (b"C", b"G"):
                    done.set()

            link = self._keeper.machine.link
            number = link.begin(request, told)
            threading.Thread(target=self._pass_on, args=(link, number, done), daemon=True).start()
            done.wait()

    def _pass_on(self, link, number, done):
        """What the client says goes to the command; a client that is gone takes its command along."""
        with contextlib.suppress(OSError, MachineError):
            while frame := read_frame(self._connection):
                link.send(number, *frame[1:])
        if not done.is_set():
            with contextlib.suppress(MachineError):
                for signal_number in (b"15", b"9"):
                    link.send(number, b"S", signal_number)
                    done.wait(session.GRACE_SECONDS)


class Keeper:
    def __init__(self, name, asked, machine):
        self.name = name
        self.machine = machine
        self._asked = asked
        self._orders = queue.SimpleQueue()
        self._since = time.time()
        self._last_use = time.monotonic()
        self._commands = 0
        self._count_lock = threading.Lock()

    @contextlib.contextmanager
    def busy(self):
        with self._count_lock:
            self._commands += 1
        try:
            yield
        finally:
            with self._count_lock:
                self._commands -= 1
                self._last_use = time.monotonic()

    def do(self, operation):
        """In a client's thread: the answer, when it is done."""
        if operation == "describe":
            return self.describe()
        answer = queue.SimpleQueue()
        self._orders.put((operation, answer))
        done = answer.get()
        if isinstance(done, MachineError):
            raise done
        return done

    def describe(self):
        boot = self.machine.boot
        return {
            "name": self.name,
            "kernel": self.machine.parts.release,
            "cpus": boot.smp,
            "clock": "virtual" if boot.virtual_clock else "wall",
            "since": self._since,
            "idle_seconds": 0 if self._commands else time.monotonic() - self._last_use,
            "checkout": str(TOP),
            "package": not boot.bare,
        }

    def prepare(self):
        files.put(self.machine, self._asked.added)

    def _reset(self):
        state = states.find(self.machine.key)
        if state is None:
            raise MachineError("its state after the boot was not kept; end it, and start it anew")
        self.machine.end()
        self.machine.restore(state)
        self.prepare()
        with contextlib.suppress(FileNotFoundError):
            (place.directory(self.name) / "pushed.json").unlink()
        return {}

    def _is_over(self):
        idle = not self._commands and time.monotonic() - self._last_use > IDLE_SECONDS
        return idle or not TOP.is_dir() or self.machine.link.ended.is_set()

    def keep(self):
        """Until the machine's time has come."""
        while not self._is_over():
            with contextlib.suppress(queue.Empty):
                operation, answer = self._orders.get(timeout=LOOK_SECONDS)
                if operation == "down":
                    answer.put({})
                    time.sleep(0.1)  # so that the answer gets out
                    return
                try:
                    answer.put(self._reset())
                except MachineError as failure:
                    answer.put(failure)
                    return
                self._last_use = time.monotonic()


def accept(keeper, listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=Client(keeper, connection).serve, daemon=True).start()


def run(name, asked, lock):
    """In a process of its own, which this ends. Standard output is for one word: that the machine is up."""
    work = pathlib.Path(place.directory(name))
    boot = asked.boot
    found = parts.find("make", boot)
    machine = Machine(found, boot, parts.machine_key(found, boot), work)
    try:
        with parts.hold(found.held):
            machine.start()
            keeper = Keeper(name, asked, machine)
            keeper.prepare()
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            folder = os.open(work, os.O_PATH)
            listener.bind(place.socket_address(folder))
            listener.listen()
            threading.Thread(target=accept, args=(keeper, listener), daemon=True).start()
            print("up", flush=True)
            detach()
            keeper.keep()
    finally:
        machine.end()
        shutil.rmtree(work, ignore_errors=True)
        lock.close()


def detach():
    """From the terminal it was started at: nobody waits for what is said from now on."""
    log = open(base.log_file("-keeper"), "a")  # noqa: SIM115
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
