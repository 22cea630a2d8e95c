# SPDX-License-Identifier: GPL-2.0-only
"""Frames between host and agent (tests/vm/guest/agent.py says which there are), and the sessions they belong to."""

import json
import struct
import threading

from base import MachineError

HEADER = struct.Struct("!IcI")
BLOCK = 1 << 16


def send_frame(connection, lock, session, kind, payload=b""):
    with lock:
        connection.sendall(HEADER.pack(session, kind, len(payload)) + payload)


def read_exactly(connection, count):
    """Empty at the end of the stream."""
    data = bytearray()
    while len(data) < count:
        block = connection.recv(count - len(data))
        if not block:
            return b""
        data += block
    return bytes(data)


def read_frame(connection):
    """(session, kind, payload), or None at the end."""
    header = read_exactly(connection, HEADER.size)
    if not header:
        return None
    session, kind, length = HEADER.unpack(header)
    payload = read_exactly(connection, length) if length else b""
    return (session, kind, payload) if len(payload) == length else None


class Link:
    """The host's side. What the agent says of a session goes to the function that began it, in one thread of its own."""

    def __init__(self, connection, agent_source, announced):
        self._connection = connection
        self._lock = threading.Lock()
        self._sessions = {}
        self._next = 1
        self._announced = announced
        self.ended = threading.Event()
        if agent_source is not None:
            connection.sendall(b"%08x" % len(agent_source) + agent_source)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        try:
            while frame := read_frame(self._connection):
                session, kind, payload = frame
                if session == 0:
                    self._announced(kind, payload)
                    continue
                told = self._sessions.get(session)
                if kind == b"C":
                    self._sessions.pop(session, None)
                if told:
                    told(kind, payload)
        except OSError:
            pass
        self.ended.set()
        for told in list(self._sessions.values()):
            told(b"G", b"")

    def begin(self, request, told):
        """Begins a command; `told` gets kinds O, R, C, and G where the machine is gone. Returns the session's number."""
        with self._lock:
            number = self._next
            self._next += 1
        self._sessions[number] = told
        self.send(number, b"X", json.dumps(request).encode())
        return number

    def send(self, session, kind, payload=b""):
        try:
            send_frame(self._connection, self._lock, session, kind, payload)
        except OSError:
            raise MachineError("the machine has ended") from None
