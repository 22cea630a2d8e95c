# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor (QMP, JSON lines), as far as machines need it. For one thread at a time."""

import json
import time

from base import MachineError


class Monitor:
    def __init__(self, connection):
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._read()  # the greeting
        self.call("qmp_capabilities")

    def _read(self):
        try:
            line = self._lines.readline()
        except OSError:
            line = b""
        if not line:
            raise MachineError("QEMU has ended")
        return json.loads(line)

    def call(self, command, **arguments):
        request = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
        try:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError:
            raise MachineError("QEMU has ended") from None
        while True:
            answer = self._read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise MachineError(f"QEMU refused {command}: {answer['error']['desc']}")

    def _await_migration(self):
        while True:
            told = self.call("query-migrate")
            if told.get("status") == "completed":
                return
            if told.get("status") in ("failed", "cancelled"):
                raise MachineError(f"QEMU could not move the state: {told.get('error-desc', 'no reason given')}")
            time.sleep(0.02)

    def save(self, path):
        """All of the machine into a file; it stands still afterwards."""
        self.call("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        self.call("stop")
        self.call("migrate", uri=f"file:{path}")
        self._await_migration()

    def restore(self, path):
        """Of a machine that was started to wait for it; it stands still afterwards."""
        self.call("migrate-incoming", uri=f"file:{path}")
        self._await_migration()
