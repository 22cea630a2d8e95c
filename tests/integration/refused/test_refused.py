# SPDX-License-Identifier: GPL-2.0-only
"""Machines on which the scheduler cannot run: one sentence says why and what helps, and the units are observed.

Each test is about a machine of its own; tests/run boots it and picks the test by name.
"""

import os
import pathlib

import machine
import pytest

WORK = "/usr/local/bin/deadline_jobs --exec 1ms --period 10ms --limit 100ms --seconds 3600"
CONFIG = pathlib.Path("/etc/scx-slo/scx-slo.conf.d/50-test.conf")


@pytest.fixture(autouse=True)
def a_unit_with_a_budget(units):
    units.service("seen.service", WORK, budget="20ms")
    machine.daemon_reload()
    machine.start("seen.service")
    yield
    machine.stop("scx-slo")
    machine.reset_failed("scx-slo")


@pytest.fixture
def mode_enforce():
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text("[Scheduler]\nMode=enforce\n")
    yield
    CONFIG.unlink()


def lines_with(lines, words):
    return [line for line in lines if all(word in line for word in words)]


def check_that_it_observes(words):
    mark = machine.journal_mark()
    machine.start("scx-slo")
    assert machine.bus_property("State") == "observing"
    reason = machine.bus_property("StateReason")
    assert lines_with([reason], words), reason
    assert lines_with([machine.show("scx-slo", "StatusText")], words)
    assert len(lines_with(machine.journal(mark), words)) == 1, "one line of the journal says why"
    assert not (machine.SCHED_EXT / "root").exists()
    machine.wait_for("jobs are counted", lambda: machine.get_stats("seen.service")["Jobs"] > 10)

    result = machine.run("scx-slo", "attach", check=False)
    assert result.returncode == 1
    assert lines_with([result.stderr], words), result.stderr
    assert machine.bus_property("State") == "observing"


def check_that_it_does_not_start(words):
    mark = machine.journal_mark()
    assert machine.run("systemctl", "start", "scx-slo", check=False).returncode != 0
    assert machine.show("scx-slo", "ExecMainStatus") == "78"
    assert machine.show("scx-slo", "ActiveState") == "failed"
    assert machine.show("scx-slo", "NRestarts") == "0"
    assert len(lines_with(machine.journal(mark), words)) == 1, "one line of the journal says why"


TYPE_INFORMATION = ("incomplete type information", os.uname().release, "scx_bpf_", "boot 7.0")
NO_SCHED_EXT = ("no sched_ext", "CONFIG_SCHED_CLASS_EXT=y")
ISOLCPUS = ("isolcpus=1", "kernel command line")


def test_type_information():
    check_that_it_observes(TYPE_INFORMATION)


def test_type_information_with_mode_enforce(mode_enforce):
    check_that_it_does_not_start(TYPE_INFORMATION)


def test_no_sched_ext():
    check_that_it_observes(NO_SCHED_EXT)


def test_no_sched_ext_with_mode_enforce(mode_enforce):
    check_that_it_does_not_start(NO_SCHED_EXT)


def test_isolcpus():
    check_that_it_observes(ISOLCPUS)


def test_no_jit():
    machine.run("sysctl", "-w", "net.core.bpf_jit_enable=0")
    check_that_it_does_not_start(("does not compile", "sysctl net.core.bpf_jit_enable=1"))
    machine.run("sysctl", "-w", "net.core.bpf_jit_enable=1")
    machine.start("scx-slo")
    assert machine.enforcing()
