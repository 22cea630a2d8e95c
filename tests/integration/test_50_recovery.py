# SPDX-License-Identifier: GPL-2.0-only
"""A daemon that dies takes its scheduler along at once, and comes back by itself."""

import os
import signal
import time

import machine
import pytest

WORK = "/usr/local/bin/deadline_jobs --exec 1ms --period 10ms --limit 100ms --seconds 3600"

pytestmark = pytest.mark.usefixtures("enforcing")


@pytest.fixture(scope="module", autouse=True)
def full_load(module_units):
    hogs = 2 * os.cpu_count()
    module_units.service("loaded.service", WORK, budget="10ms")
    module_units.service("hogs.service", f"/usr/bin/stress-ng --cpu {hogs}", settings="Slice=batch.slice\n")
    machine.daemon_reload()
    machine.run("systemctl", "start", "loaded.service", "hogs.service")
    machine.wait_for("all hogs run", lambda: machine.running_hogs("hogs.service") >= hogs, limit=60)


def main_pid():
    return int(machine.show("scx-slo", "MainPID"))


def test_killed_under_full_load_the_machine_is_back_within_a_second_and_so_is_it_soon():
    restarts = int(machine.show("scx-slo", "NRestarts"))
    jobs = machine.get_stats("loaded.service")["Jobs"]
    pid = main_pid()

    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while machine.kernel_state() != "disabled" and time.monotonic() < killed + 30:
        time.sleep(0.005)
    back = time.monotonic() - killed
    assert machine.kernel_state() == "disabled" or machine.enforcing()
    assert back < 1, f"the kernel's scheduler was back after {back:.2f} s"

    machine.wait_for("systemd restarted it", lambda: main_pid() not in (0, pid), limit=60)
    machine.wait_for("it enforces again", machine.enforcing, limit=60)
    machine.wait_for("it is on the bus", lambda: machine.is_active("scx-slo"), limit=60)
    assert int(machine.show("scx-slo", "NRestarts")) == restarts + 1
    machine.wait_for("jobs are counted again", lambda: machine.get_stats("loaded.service")["Jobs"] > 5, limit=20)
    assert jobs > 0


def test_a_scheduler_ended_by_the_kernel_is_reported_and_attach_brings_it_back():
    # The kernel's own way out for an administrator: sysrq-S.
    mark = machine.journal_mark()
    with open("/proc/sysrq-trigger", "w") as trigger:
        trigger.write("S")
    machine.wait_for("the kernel's scheduler is back", lambda: machine.kernel_state() == "disabled")
    machine.wait_for("the daemon says so", lambda: machine.bus_property("State") == "failed", limit=20)
    assert machine.bus_property("StateReason")
    assert machine.is_active("scx-slo")
    assert machine.journal(mark), "the journal says why"
    assert machine.run("scx-slo", "status", check=False).returncode != 0

    machine.run("scx-slo", "attach")
    assert machine.enforcing()


def test_a_second_scheduler_is_refused_and_the_first_stays():
    # The daemon itself is the only other scheduler here; by hand it must refuse and touch nothing.
    result = machine.run("/usr/libexec/scx-slo/scx-slod", check=False, limit=60)
    assert result.returncode not in (0, None)
    assert result.stderr.strip()
    assert machine.enforcing()
    assert machine.bus_property("State") == "enforcing"
