# SPDX-License-Identifier: GPL-2.0-only
"""What the journal has."""

import json
import socket

from commands import output

SOCKET = "/run/systemd/journal/io.systemd.journal"
LIMIT = 120


def synchronize():
    """As journalctl --sync: whatever was said by now is in it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(LIMIT)
        connection.connect(SOCKET)
        connection.sendall(b'{"method":"io.systemd.Journal.Synchronize"}\0')
        answer = b""
        while not answer.endswith(b"\0"):
            part = connection.recv(4096)
            assert part, f"the journal answers with {answer!r}"
            answer += part
    assert "error" not in json.loads(answer[:-1]), answer


def journal(since, unit="scx-slo.service"):
    """Messages of the unit since a cursor got by journal_mark()."""
    synchronize()
    args = ["--after-cursor", since] if since else []
    return output("journalctl", "-q", "-o", "cat", "-u", unit, *args).splitlines()


def journal_mark():
    synchronize()
    last = output("journalctl", "-q", "-n", "1", "-o", "json", "--output-fields=MESSAGE")
    return json.loads(last)["__CURSOR"] if last else ""


def misses_told(unit):
    """The journal's lines about missed jobs of the unit, as fields."""
    synchronize()
    lines = output("journalctl", "-q", "-o", "json", f"SCX_SLO_UNIT={unit}").splitlines()
    return [fields for fields in map(json.loads, lines) if "SCX_SLO_CAUSE" in fields]


def ends_told(since):
    """The journal's entries about ends of the scheduler since a cursor got by journal_mark(), as fields."""
    synchronize()
    lines = output(
        "journalctl", "-q", "--all", "-o", "json", "--after-cursor", since,
        "MESSAGE_ID=3e6c8403b1104f5882254ba6f4bb0a46",
    ).splitlines()  # fmt: skip
    return [json.loads(line) for line in lines]
