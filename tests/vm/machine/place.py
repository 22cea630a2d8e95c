# SPDX-License-Identifier: GPL-2.0-only
"""Where the machines that stay up are to be found: a directory of each, with its keeper's socket, in the cache."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import threading

from base import CACHE, MachineError, UsageError
from link import read_frame, send_frame

DIRECTORY = CACHE / "up"


def directory(name):
    return DIRECTORY / name


def socket_address(folder):
    """Addresses of sockets are short, paths need not be: by way of a descriptor of the folder."""
    return f"/proc/self/fd/{folder}/socket"


def try_lock(name):
    """The open file while it is locked, or None where a keeper has it: it is kept as long as that lives."""
    directory(name).mkdir(parents=True, exist_ok=True)
    file = open(directory(name) / "lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def names():
    """Machines that are up; what is left of others goes."""
    found = []
    for entry in sorted(DIRECTORY.glob("*")):
        lock = try_lock(entry.name)
        if lock is None:
            found.append(entry.name)
        else:
            shutil.rmtree(entry, ignore_errors=True)
            lock.close()
    return found


def there_is():
    up = names()
    return f"there is {', '.join(up)}" if up else "none is up; tests/vm/up makes one"


class Keeper:
    """A connection to the keeper of a machine, for one request."""

    def __init__(self, name):
        self.name = name
        # A signal's handler may send while what it interrupts does.
        self._lock = threading.RLock()
        if name not in names():
            raise UsageError(f"there is no machine '{name}': {there_is()}.")
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder = os.open(directory(name), os.O_PATH)
        try:
            self._connection.connect(socket_address(folder))
        except OSError as error:
            raise MachineError(f"the machine '{name}' does not answer: {error.strerror}") from None
        finally:
            os.close(folder)

    def send(self, kind, payload=b""):
        with contextlib.suppress(OSError):
            send_frame(self._connection, self._lock, 0, kind, payload)

    def receive(self):
        frame = read_frame(self._connection)
        if frame is None:
            raise MachineError(f"the machine '{self.name}' has ended")
        return frame[1:]

    def close(self):
        self._connection.close()

    def ask(self, operation, **arguments):
        """The answer to a request that has one."""
        self.send(b"Q", json.dumps({"operation": operation, **arguments}).encode())
        kind, payload = self.receive()
        if kind == b"F":
            raise MachineError(payload.decode())
        return json.loads(payload)
