# SPDX-License-Identifier: GPL-2.0-only
"""Whoever stands still, and whoever asks without end: the daemon goes on, and root is answered."""

import contextlib
import itertools
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import machine
import pytest
from figures import figures

UNIT = "loaded.service"
USER = "nobody"
JOURNAL = "/run/systemd/journal/socket"
FLOOD = pathlib.Path(__file__).parent.parent / "bus_flood.py"
# What the daemon may be busy for at a time, and root may have to wait, on this clock.
TURN_USEC, ORDER_S = 100_000, 1.0
STOPPED_S, FLOODED_S = 8, 5
MOST_KIB = 64 * 1024


@pytest.fixture(scope="module", autouse=True)
def enforced(module_units):
    module_units.service(UNIT, machine.WORK, budget="10ms")
    machine.daemon_reload()
    machine.start("scx-slo", UNIT)
    machine.ensure_enforcing()
    machine.counting(UNIT)


def status():
    # Its exit status says whether all is well.
    return json.loads(machine.run("scx-slo", "status", "--json", check=False).stdout)


@contextlib.contextmanager
def stopped(unit):
    pid = int(machine.show(unit, "MainPID"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def has_gone_on(pid):
    """The daemon is the same one, was never busy for long, and the unit has its budget."""
    machine.wait_for("it answers", lambda: not machine.refusal("ListUnits"), limit=60)
    machine.counting(UNIT)
    now = status()
    figures.append(f"longest turn {now['longest_turn_usec'] / 1000:.1f} ms; {now['log_lines_lost']} lines lost")
    assert machine.main_pid() == pid
    assert now["state"] == "enforcing"
    assert now["longest_turn_usec"] <= TURN_USEC
    return now


def test_a_bus_that_stands_still():
    pid = machine.main_pid()
    with stopped("dbus.service"):
        time.sleep(STOPPED_S)
    has_gone_on(pid)


def send_until_refused():
    """How many messages one sender got rid of."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for sent in itertools.count():
            try:
                sender.sendto(b"MESSAGE=filler\nSYSLOG_IDENTIFIER=filler\n", JOURNAL)
            except BlockingIOError:
                return sent


def fill_journal():
    """Until its socket takes nothing more of anybody, as under somebody's flood of messages."""
    while send_until_refused() > 0:
        pass


def test_a_journal_that_takes_nothing():
    pid, mark, before = machine.main_pid(), machine.journal_mark(), status()["log_lines_lost"]
    with stopped("systemd-journald.service"):
        fill_journal()
        machine.run("scx-slo", "detach")
        machine.run("scx-slo", "attach")
        machine.wait_for_state("enforcing")
        assert status()["log_lines_lost"] >= before + 2
        assert "lines are lost" in machine.output("scx-slo", "status")
    # With the next line it is told how many are missing.
    machine.run("scx-slo", "detach")
    machine.run("scx-slo", "attach")
    now = has_gone_on(pid)
    machine.synchronize()
    told = machine.output("journalctl", "-q", "-o", "cat", "-u", "scx-slo", "--after-cursor", mark)
    assert f"{now['log_lines_lost'] - before} lines are lost: the journal had no room for them" in told


@pytest.fixture
def logind_again():
    """logind does not find back to a bus that was restarted: each login would wait for it in vain."""
    yield
    machine.restart("systemd-logind")


def test_a_bus_that_is_restarted(logind_again):
    pid = machine.main_pid()
    machine.run("systemctl", "restart", "dbus")
    has_gone_on(pid)


def test_a_systemd_that_is_executed_anew():
    pid = machine.main_pid()
    machine.run("systemctl", "daemon-reexec")
    has_gone_on(pid)


def test_without_polkit_nobody_but_root_may_and_root_is_not_asked_about():
    pid = machine.main_pid()
    machine.run("systemctl", "mask", "--runtime", "--now", "polkit")
    try:
        refused = machine.run("scx-slo", "detach", user=USER, check=False)
        assert refused.returncode != 0 and "root" in refused.stderr
        assert machine.state() == "enforcing"
    finally:
        machine.run("systemctl", "unmask", "--runtime", "polkit")
        machine.start("polkit")
    has_gone_on(pid)


@pytest.fixture
def run_full():
    """Not a byte more finds room in /run."""
    path = pathlib.Path("/run/filler")
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    yield path
    path.unlink(missing_ok=True)


def test_a_run_that_is_full(run_full):
    pid = machine.main_pid()
    refused = machine.run("scx-slo", "detach", check=False)
    assert refused.returncode != 0 and "attach" in refused.stderr
    assert not machine.enforcing()
    assert not status()["healthy"]
    run_full.unlink()
    machine.wait_for("it is written down", lambda: status()["healthy"])
    machine.run("scx-slo", "attach")
    has_gone_on(pid)


def test_a_user_who_asks_without_end():
    pid, before = machine.main_pid(), machine.charged_kib()
    command = ["runuser", "-u", USER, "--", "python3", "-B", FLOOD]
    flood = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert flood.stdout.readline() == "ready\n"
        end = time.monotonic() + FLOODED_S
        waits, most_kib = [], 0
        while time.monotonic() < end:
            for order in ("detach", "attach"):
                begin = time.monotonic()
                machine.run("scx-slo", order, limit=120)
                waits.append((order, time.monotonic() - begin))
            most_kib = max(most_kib, machine.charged_kib())
    finally:
        flood.stdin.close()
        said = json.loads(flood.stdout.read())
        flood.wait(60)
    detaches = [seconds for order, seconds in waits if order == "detach"]
    figures.append(f"root's detach: {max(detaches):.2f} s at most of {len(detaches)}; {before} to {most_kib} KiB; {said}")
    assert said["org.freedesktop.DBus.Error.LimitsExceeded"] > 0
    assert said["org.freedesktop.DBus.Error.InvalidArgs"] > 0
    assert max(detaches) <= ORDER_S
    assert most_kib <= MOST_KIB
    machine.ensure_enforcing()
    has_gone_on(pid)
