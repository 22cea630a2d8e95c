# SPDX-License-Identifier: GPL-2.0-only
"""A daemon that dies takes its scheduler along at once, and comes back by itself."""

import os
import signal
import time

import machine
import pytest

pytestmark = pytest.mark.usefixtures("full_load", "enforcing")


@pytest.fixture
def short_watchdog():
    machine.write_drop_in("scx-slo.service", "[Service]\nWatchdogSec=10s\n", name="90-test.conf")
    machine.daemon_reload()
    machine.restart("scx-slo")
    machine.ensure_enforcing()
    yield
    machine.remove_files("scx-slo.service")
    machine.daemon_reload()
    machine.restart("scx-slo")


def test_killed_under_full_load_the_machine_is_back_within_a_second_and_so_is_it_soon():
    restarts = int(machine.show("scx-slo", "NRestarts"))
    jobs = machine.get_stats("loaded.service")["Jobs"]
    pid = machine.main_pid()

    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while machine.kernel_state() != "disabled" and time.monotonic() < killed + 30:
        time.sleep(0.005)
    back = time.monotonic() - killed
    assert machine.kernel_state() == "disabled" or machine.enforcing()
    assert back < 1, f"the kernel's scheduler was back after {back:.2f} s"

    machine.wait_for("systemd restarted it", lambda: machine.main_pid() not in (0, pid), limit=60)
    machine.wait_for("it enforces again", machine.enforcing, limit=60)
    machine.wait_for("it is on the bus", lambda: machine.is_active("scx-slo"), limit=60)
    assert int(machine.show("scx-slo", "NRestarts")) == restarts + 1
    assert machine.state() == "enforcing"
    machine.wait_for("jobs are counted again", lambda: machine.get_stats("loaded.service")["Jobs"] > 5, limit=20)
    assert jobs > 0


def test_a_daemon_that_hangs_is_replaced_and_its_scheduler_serves_the_machine_until_then(short_watchdog):
    pid = machine.main_pid()
    enabled = machine.enable_seq()
    os.kill(pid, signal.SIGSTOP)
    machine.start("loaded.service")
    # With the daemon stopped nobody but the scheduler itself can have kept the machine going.
    assert machine.enforcing() and machine.enable_seq() == enabled
    machine.wait_for("the watchdog bit", lambda: machine.main_pid() not in (0, pid), limit=120)
    machine.wait_for("it enforces again", lambda: machine.is_active("scx-slo") and machine.enforcing(), limit=120)
    assert machine.state() == "enforcing"
    assert "watchdog" in "\n".join(machine.journal("")).lower()


def test_a_second_scheduler_is_refused_and_the_first_stays():
    # By hand, beside the service, the daemon must refuse and touch nothing.
    result = machine.run("/usr/libexec/scx-slo/scx-slod", check=False, limit=60)
    assert result.returncode not in (0, None)
    assert result.stderr.strip()
    assert machine.enforcing()
    assert machine.state() == "enforcing"
