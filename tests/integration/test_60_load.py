# SPDX-License-Identifier: GPL-2.0-only
"""Loads that schedulers were ejected for: it must stay, and the machine must stay usable."""

import subprocess
import time

import machine
import pytest

BRIEF = 4
LONG = 30
# Seconds within which the machine answers, however slowly it is emulated. How fast it is is for a benchmark to say.
ANSWER_LIMIT = 30

LOADS = {
    "cpu": ["stress-ng", "--cpu", "8", "--timeout", "{seconds}"],
    "fork": ["stress-ng", "--fork", "4", "--timeout", "{seconds}"],
    "affinity": ["stress-ng", "--affinity", "4", "--timeout", "{seconds}"],
    "hackbench": ["timeout", "--preserve-status", "-s", "INT", "{seconds}", "hackbench", "-l", "1000000", "-g", "2"],
}


@pytest.fixture(scope="module", autouse=True)
def budget(module_units):
    module_units.service(
        "beside.service",
        "/usr/local/bin/deadline_jobs --exec 1ms --period 20ms --limit 100ms --seconds 3600",
        budget="10ms",
    )
    machine.daemon_reload()
    machine.run("systemctl", "start", "beside.service")


def under(load, seconds, look=lambda: None):
    """Runs the load and asks systemd for a status all the while; returns how long the slowest answer took."""
    command = [word.format(seconds=seconds) for word in LOADS[load]]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    slowest = 0.0
    try:
        while process.poll() is None:
            begin = time.monotonic()
            machine.run("systemctl", "status", "scx-slo", limit=ANSWER_LIMIT)
            slowest = max(slowest, time.monotonic() - begin)
            look()
    finally:
        if process.poll() is None:
            process.terminate()
        said = process.communicate()[0].decode()
    # hackbench is ended by the signal that `timeout` sends.
    assert process.returncode in ((0,) if load != "hackbench" else (0, 1, 130, -2)), said
    assert slowest > 0, "the load was over before it was looked at"
    return slowest


def endures(load, seconds):
    machine.ensure_enforcing()
    restarts = machine.show("scx-slo", "NRestarts")
    pid = machine.show("scx-slo", "MainPID")
    enabled = (machine.SCHED_EXT / "enable_seq").read_text()

    def look():
        assert machine.enforcing(), machine.journal("")

    slowest = under(load, seconds, look)
    assert machine.enforcing()
    assert (machine.SCHED_EXT / "enable_seq").read_text() == enabled, "it was ejected and came back"
    assert machine.show("scx-slo", "NRestarts") == restarts
    assert machine.show("scx-slo", "MainPID") == pid
    assert machine.bus_property("State") == "enforcing"
    print(f"{load}: the slowest answer took {slowest:.1f} s")


@pytest.mark.parametrize("load", LOADS)
def test_it_stays_and_the_machine_answers(load):
    endures(load, BRIEF)


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
def test_it_stays_for_long_and_the_machine_answers(load):
    endures(load, LONG)
