# SPDX-License-Identifier: GPL-2.0-only
"""Thousands of limits that change, with tasks that are killed, frozen and moved, while CPUs go and come: nobody has to
wait for ever, and the scheduler stays."""

import contextlib
import os
import pathlib
import threading

import limit_torture
import machine
import pytest

SECONDS = 60
# For what has to be made before, and to end afterwards.
MORE_SECONDS = 400
# Seconds between a CPU that goes and the same one that comes.
HOTPLUG_S = 2
NEIGHBOUR = "beside-torture.service"


@contextlib.contextmanager
def last_cpu_goes_and_comes():
    cpu = pathlib.Path(f"/sys/devices/system/cpu/cpu{os.cpu_count() - 1}/online")
    over, times = threading.Event(), []

    def toggle():
        while not over.wait(HOTPLUG_S):
            times.append(1)
            cpu.write_text(f"{len(times) % 2 == 0:d}")

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()
        cpu.write_text("1")


@pytest.fixture
def seconds(request):
    return request.config.getoption("--torture-seconds") or SECONDS


@pytest.mark.timeout(36_000)
def test_it_stays_and_keeps_nobody_waiting(units, anchor, seconds):
    units.service(NEIGHBOUR, machine.WORK, settings="CPUQuota=30%\n", budget="10ms")
    limit_torture.write(units, seconds)
    machine.start(NEIGHBOUR)
    machine.ensure_enforcing()
    pid, enabled = machine.main_pid(), machine.enable_seq()
    machine.start(limit_torture.UNIT)
    with last_cpu_goes_and_comes() as times:
        machine.wait_for("the torture ends", limit_torture.has_ended, seconds + MORE_SECONDS, pause=2)
    found = limit_torture.found(f"torture for {seconds} s, {len(times)} times a CPU went or came")
    assert machine.enforcing() and machine.state() == "enforcing"
    assert (machine.main_pid(), machine.enable_seq()) == (pid, enabled), "it was ejected and came back"
    assert len(times) > seconds / 4, "a CPU on its way offline waits for tasks that wait for their limits"
    assert min(found.said[what] for what in ("kills", "freezes", "moves", "quota_changes")) > seconds / 4
    assert found.seconds("kill") <= limit_torture.WAIT_S
    assert found.seconds("freeze") <= limit_torture.WAIT_S
    assert found.seconds("gap") <= limit_torture.WAIT_S + limit_torture.TURN_S
    machine.counting(NEIGHBOUR)
    machine.restart(NEIGHBOUR)
    machine.counting(NEIGHBOUR)
