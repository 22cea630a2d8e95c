# SPDX-License-Identifier: GPL-2.0-only
"""A scheduler that the kernel ends: why is known, the machine goes on, and it comes back, but not for ever."""

import pathlib

import debug_dump
import machine
import pytest

RETRIES = 3


@pytest.fixture(autouse=True)
def attached(full_load):
    machine.ensure_enforcing()
    yield
    machine.ensure_enforcing()


@pytest.fixture
def changes():
    listener = machine.Listener("StateChanged")
    yield listener
    listener.stop()


def came_back(enabled):
    return machine.enable_seq() > enabled and machine.enforcing() and machine.state() == "enforcing"


def test_an_error_is_reported_and_the_scheduler_comes_back(changes):
    mark = machine.journal_mark()
    enabled = machine.enable_seq()
    pid = machine.main_pid()
    machine.fault("error")
    machine.wait_for("it enforces again", lambda: came_back(enabled), limit=60)

    machine.wait_for("both changes are signalled", lambda: len(changes.received()) >= 2)
    (down, why), (up, _) = changes.received()[:2]
    assert (down, up) == ("recovering", "enforcing")
    assert "scx_bpf_error (an error made by a test)" in why
    assert any("an error made by a test" in line for line in machine.journal(mark))
    (end,) = machine.ends_told(mark)
    assert (end["SCX_SLO_EXIT_KIND"], end["PRIORITY"]) == ("1025", "3")
    debug_dump.check(end["SCX_SLO_DUMP"], machine.cgroup_of("hogs.service"))
    assert machine.main_pid() == pid
    machine.counting("loaded.service")


def test_after_three_failures_it_stays_away_until_an_operator_attaches_it_even_over_a_kill():
    for strike in range(1, RETRIES):
        enabled = machine.enable_seq()
        machine.fault("error")
        machine.wait_for(f"it is back after failure {strike}", lambda enabled=enabled: came_back(enabled), limit=60)
    machine.fault("error")
    machine.wait_for_state("observing")
    assert machine.kernel_state() == "disabled"
    reason = machine.bus_property("StateReason")
    assert "an error made by a test" in reason and "scx-slo attach" in reason
    machine.counting("loaded.service")

    machine.kill_daemon()
    machine.wait_for_state("observing")
    assert machine.kernel_state() == "disabled"
    assert "scx-slo attach" in machine.bus_property("StateReason")
    assert machine.run("scx-slo", "status", check=False).returncode == 4

    machine.run("scx-slo", "attach")
    assert machine.enforcing() and machine.state() == "enforcing"


def test_sysrq_s_is_final_until_an_operator_attaches_even_over_a_kill():
    mark = machine.journal_mark()
    pathlib.Path("/proc/sysrq-trigger").write_text("S")
    machine.wait_for("the kernel's scheduler is back", lambda: machine.kernel_state() == "disabled")
    machine.wait_for_state("observing")
    reason = machine.bus_property("StateReason")
    assert "sysrq" in reason.lower() and "scx-slo attach" in reason
    assert machine.is_active("scx-slo")
    assert any("sysrq" in line.lower() for line in machine.journal(mark))
    assert reason in machine.output("scx-slo", "status")
    assert reason in machine.show("scx-slo", "StatusText")
    machine.counting("loaded.service")

    machine.kill_daemon()
    machine.wait_for_state("observing")
    assert machine.kernel_state() == "disabled"
    machine.run("scx-slo", "attach")
    assert machine.enforcing()


def test_sysrq_d_shows_our_state_while_it_goes_on():
    enabled = machine.enable_seq()
    tracing = pathlib.Path("/sys/kernel/tracing")
    switch = tracing / "events/sched_ext/sched_ext_dump/enable"
    switch.write_text("1")
    try:
        pathlib.Path("/proc/sysrq-trigger").write_text("D")
        hogs = machine.cgroup_of("hogs.service")
        text = machine.wait_for(
            "the dump is written", lambda: debug_dump.complete(debug_dump.traced(tracing / "trace"), hogs)
        )
    finally:
        switch.write_text("0")
        (tracing / "trace").write_text("")
    debug_dump.check(text, hogs)
    assert machine.enforcing() and machine.enable_seq() == enabled


@pytest.mark.timeout(900)
def test_a_task_that_is_never_found_ends_the_scheduler_and_it_comes_back():
    """The longest of all: the kernel looks for stalled tasks after 30 seconds, and then every 15."""
    mark = machine.journal_mark()
    enabled = machine.enable_seq()
    hogs = [pid for pid in (machine.cgroup_of("hogs.service") / "cgroup.procs").read_text().split()
            if pid != machine.show("hogs.service", "MainPID")]  # fmt: skip
    machine.fault("hide", hogs[0])
    # All others run as ever.
    machine.counting("loaded.service")
    machine.wait_for("the kernel gives up on it and it comes back", lambda: came_back(enabled), limit=180)
    (end,) = machine.ends_told(mark)
    assert end["SCX_SLO_EXIT_KIND"] == "1026" and "runnable task stall" in end["MESSAGE"]
    assert machine.running_hogs("hogs.service") >= len(hogs)
