# SPDX-License-Identifier: GPL-2.0-only
"""Loads that schedulers were ejected for: it must stay, and the machine must stay usable."""

import contextlib
import os
import signal
import subprocess
import time

import answers
import machine
import pytest
from figures import figures

BRIEF = 4
LONG = 35
# For all answers once, on a host that is busy itself.
ANSWERS = 300

LOADS = {
    "cpu": ["stress-ng", "--cpu", "8"],
    "schedmix": ["stress-ng", "--schedmix", "4"],
    "affinity": ["stress-ng", "--affinity", "4"],
    "fork": ["stress-ng", "--fork", "4"],
    # Tasks that come and go before one of little weight, for longer than the kernel lets anybody wait.
    "nice": ["sh", "-c", "nice -n 19 stress-ng --cpu 1 & exec stress-ng --fork 4"],
    "cyclic": ["stress-ng", "--cyclic", "2"],
    "yield": ["stress-ng", "--yield", "4"],
    "prio-inv": ["stress-ng", "--prio-inv", "2"],
    # Ten tasks. Each best-effort task has the same share, whatever its cgroup: beside hundreds a login takes minutes.
    "hackbench": ["hackbench", "-l", "1000000", "-g", "1", "-f", "5"],
}


@pytest.fixture(scope="module", autouse=True)
def budget(module_units):
    module_units.service("beside.service", machine.WORK, budget="10ms")
    machine.daemon_reload()
    machine.run("systemctl", "start", "beside.service")


def end_all(process):
    """The load and what it forked, which has its process group."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def ended_in_any_case(process, seconds):
    """Real-time tasks that nothing holds back would keep this test, too, from ending them: one above them does."""
    guard = subprocess.Popen(
        ["chrt", "--fifo", "99", "sh", "-c", f"sleep {seconds}; kill -KILL -{process.pid}"], start_new_session=True
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()


def under(load, seconds, look):
    """Runs the load and asks for answers all the while; returns how long the slowest of each took."""
    # It runs for at least `seconds`, and until everything was asked for once.
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(LOADS[load], start_new_session=True, **quiet)
    end = time.monotonic() + seconds
    slowest = dict.fromkeys(answers.ALL, 0.0)
    try:
        with ended_in_any_case(process, seconds + ANSWERS):
            while process.poll() is None:
                for name in slowest:
                    slowest[name] = max(slowest[name], answers.seconds(name))
                    look()
                if time.monotonic() > end:
                    break
        assert process.poll() is None, f"{load} did not go on: status {process.returncode}; slowest answers {slowest}"
    finally:
        end_all(process)
    return slowest


def endures(load, seconds):
    if load == "prio-inv" and not machine.guards_against_real_time():
        pytest.skip("real-time tasks that never sleep stop this machine, with any sched_ext scheduler")
    machine.ensure_enforcing()
    pid, enabled = machine.main_pid(), machine.enable_seq()

    def look():
        assert machine.enforcing(), machine.journal("")[-20:]

    slowest = under(load, seconds, look)
    assert machine.enforcing()
    assert machine.enable_seq() == enabled, "it was ejected and came back"
    assert machine.main_pid() == pid
    assert machine.state() == "enforcing"
    machine.counting("beside.service")
    figures.append(f"slowest answers under {load}: {answers.describe(slowest)}")


@pytest.mark.parametrize("load", LOADS)
def test_it_stays_and_the_machine_answers(load):
    endures(load, BRIEF)


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
def test_it_stays_for_long_and_the_machine_answers(load):
    endures(load, LONG)
