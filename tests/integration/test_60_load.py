# SPDX-License-Identifier: GPL-2.0-only
"""Loads that schedulers were ejected for: it must stay, and the machine must stay usable."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

import answers
import machine
import pytest
from figures import figures

# Of each load; the long one is there with --long.
BRIEF = 4
LONG = 35
# For all answers once, on a host that is busy itself.
ANSWERS = 300
# For a test: its load and the answers, and then everything has to end.
LIMIT = LONG + ANSWERS + 600

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
    # A hundred tasks, of one session: they share what one session gets.
    "hackbench": ["hackbench", "-l", "1000000", "-g", "10", "-f", "5"],
}
# Real-time tasks that never sleep. They leave all others a twentieth, and keep PID 1 waiting uninterruptibly for psimon,
# which is below them (SCHED_FIFO 1), when it closes a pressure file of a cgroup: under any scheduler. So the machine has
# to go on beside them, and to answer after them.
REAL_TIME = {"prio-inv"}


@pytest.fixture(scope="module", autouse=True)
def budget(module_units):
    module_units.service("beside.service", machine.WORK, budget="10ms")
    machine.daemon_reload()
    machine.start("beside.service")


class Guard:
    """Ends a load from above, after some time or when the kernel complains of an RCU stall.

    Real-time tasks that nothing holds back would keep this test, too, from ending them. And one of them that others
    keep from running while it is inside an RCU reader stalls RCU, whoever schedules: for that the kernel ends any
    sched_ext scheduler, but not before they let its helper run, which has a real-time priority of 50.
    """

    SCRIPT = """
        end=$(($(date +%s) + $2))
        while pgrep -g "$1" >"$3.new" && mv "$3.new" "$3" && [ "$(date +%s)" -lt "$end" ]; do
            [ "$(dmesg | grep -cE "detected (expedited )?stalls")" -le "$4" ] || break
            sleep 5
        done
        kill -KILL "-$1"
    """

    def __init__(self, group, seconds):
        self.pids = pathlib.Path(f"/run/load-{group}")
        self.stalls_before = len(self.stalls())
        arguments = [str(group), str(seconds), str(self.pids), str(self.stalls_before)]
        self.process = subprocess.Popen(
            ["chrt", "--fifo", "99", "sh", "-c", self.SCRIPT, "sh", *arguments], start_new_session=True
        )

    @staticmethod
    def stalls():
        """Of each stall that the kernel told of: the tasks because of which."""
        told = re.split("detected (?:expedited )?stalls", machine.output("dmesg", "--notime"))[1:]
        return [set(re.findall(r"\bP(\d+)\b", "".join(part.splitlines()[:2]))) for part in told]

    def saw_a_stall(self):
        """The load's own: a stall because of anybody else is an error."""
        stalls = self.stalls()[self.stalls_before :]
        load = set(self.pids.read_text().split()) if stalls else set()
        for blamed in stalls:
            assert blamed and blamed <= load, f"RCU was stalled by {blamed}, which are not all of the load: {load}"
        return bool(stalls)

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def end_all(process):
    """The load and what it forked, which has its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def answers_under(process, seconds, look, ask):
    """Asks for answers while the load runs; returns how long the slowest of each took.

    Without any to ask for it looks alone: as a task without priority, which gets on only if such tasks run.
    """
    # It runs for at least `seconds`, and until everything was asked for once.
    end = time.monotonic() + seconds
    slowest = dict.fromkeys(ask, 0.0)
    while process.poll() is None:
        look()
        for name in slowest:
            slowest[name] = max(slowest[name], answers.seconds(name))
            look()
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    assert process.poll() is None, f"it did not go on: status {process.returncode}; slowest answers {slowest}"
    return slowest


def is_back_after_a_stall(load, enabled, mark):
    machine.wait_for("it enforces", lambda: machine.enforcing() and machine.state() == "enforcing", limit=120)
    ended = machine.enable_seq() != enabled
    assert not ended or any("RCU CPU stall" in line for line in machine.journal(mark))
    figures.append(f"{load} stalled RCU itself, and the kernel {'ended' if ended else 'left'} the scheduler")


def endures(load, seconds):
    real_time = load in REAL_TIME
    if real_time and not machine.guards_against_real_time():
        pytest.skip("real-time tasks that never sleep stop this machine, with any sched_ext scheduler")
    machine.ensure_enforcing()
    pid, enabled, mark = machine.main_pid(), machine.enable_seq(), machine.journal_mark()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def look():
        assert machine.enforcing(), machine.journal("")[-20:]

    process = subprocess.Popen(LOADS[load], start_new_session=True, **quiet)
    guard = Guard(process.pid, seconds + ANSWERS)
    try:
        slowest = answers_under(process, seconds, look, () if real_time else answers.ALL)
    except (AssertionError, subprocess.SubprocessError):
        if not guard.saw_a_stall():
            raise
    finally:
        guard.stop()
        end_all(process)
    if guard.saw_a_stall():
        is_back_after_a_stall(load, enabled, mark)
        return
    assert machine.enforcing()
    assert machine.enable_seq() == enabled, "it was ejected and came back"
    assert machine.main_pid() == pid
    assert machine.state() == "enforcing"
    machine.counting("beside.service")
    if real_time:
        slowest = {name: answers.seconds(name) for name in answers.ALL}
    figures.append(f"slowest answers {'after' if real_time else 'under'} {load}: {answers.describe(slowest)}")


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("load", LOADS)
def test_it_stays_and_the_machine_answers(load, pytestconfig):
    endures(load, LONG if pytestconfig.getoption("--long") else BRIEF)
