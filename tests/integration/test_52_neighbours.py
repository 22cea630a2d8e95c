# SPDX-License-Identifier: GPL-2.0-only
"""Other schedulers, and CPUs that go and come."""

import os
import pathlib

import machine
import pytest

OTHER = "other-scheduler.service"


@pytest.fixture(scope="module", autouse=True)
def other_scheduler(loaded, module_units):
    module_units.service(OTHER, "/usr/local/bin/other_scheduler")
    machine.daemon_reload()


def other_runs():
    return machine.kernel_state() == "enabled" and machine.kernel_ops().startswith("other_scheduler")


def test_another_scheduler_is_left_alone_and_followed_when_it_leaves():
    machine.stop("scx-slo")
    machine.start(OTHER)
    machine.wait_for("the other scheduler runs", other_runs, limit=60)

    machine.start("scx-slo")
    assert other_runs()
    assert machine.state() == "observing"
    assert "other_scheduler" in machine.bus_property("StateReason")
    status = machine.run("scx-slo", "status", check=False)
    assert "other_scheduler" in status.stdout and status.returncode == 4
    machine.counting("loaded.service")
    result = machine.run("scx-slo", "attach", check=False)
    assert result.returncode != 0 and "other_scheduler" in result.stderr
    assert other_runs()

    machine.stop(OTHER)
    machine.wait_for("it takes over", machine.enforcing, limit=60)
    machine.wait_for_state("enforcing")
    machine.counting("loaded.service")


def test_another_scheduler_that_comes_later_gets_nothing():
    machine.ensure_enforcing()
    enabled = machine.enable_seq()
    result = machine.run("/usr/local/bin/other_scheduler", check=False)
    assert result.returncode == 1 and "attaching failed" in result.stderr
    assert machine.enforcing() and machine.enable_seq() == enabled
    assert machine.state() == "enforcing"


def test_of_two_that_start_together_ours_is_first(units):
    """scx.service is what the schedulers of sched-ext/scx are packaged with; systemd takes it for started as soon as it
    runs, long before it has loaded anything."""
    machine.stop("scx-slo")
    units.service("scx.service", "/usr/local/bin/other_scheduler")
    # As at boot: one transaction.
    units.names.append("both.target")
    machine.write_unit("both.target", "[Unit]\nWants=scx.service scx-slo.service\n")
    machine.daemon_reload()
    machine.start("both.target")
    machine.wait_for("ours has started", lambda: machine.show("scx-slo", "ActiveState") == "active", limit=60)
    assert machine.enforcing() and machine.state() == "enforcing"
    machine.wait_for("theirs gives up", lambda: machine.show("scx.service", "ActiveState") == "failed", limit=60)
    assert machine.enforcing()


@pytest.fixture
def last_cpu():
    cpu = os.cpu_count() - 1
    assert cpu > 0, "one CPU only: none can be taken away"
    online = pathlib.Path(f"/sys/devices/system/cpu/cpu{cpu}/online")
    yield online
    online.write_text("1")


def test_cpus_that_go_and_come_leave_it_enforcing(last_cpu):
    machine.ensure_enforcing()
    reason = machine.bus_property("StateReason")
    for value in ("0", "1"):
        last_cpu.write_text(value)
        machine.wait_for("it enforces", lambda: machine.enforcing() and machine.state() == "enforcing", limit=60)
        machine.counting("loaded.service")
    # Coming and going is no failure.
    assert machine.bus_property("StateReason") == reason


def test_what_was_asked_on_a_cpu_that_goes_is_not_in_the_way_when_it_is_back(last_cpu):
    """A request left undone there would hold up the kernel's SRCU, for which PID 1 waits in a reload."""
    machine.ensure_enforcing()
    for _ in range(5):
        for value in ("0", "1"):
            last_cpu.write_text(value)
            machine.counting("loaded.service")
        machine.daemon_reload(force=True)
    assert machine.enforcing()
