# SPDX-License-Identifier: GPL-2.0-only
"""Each state an operator can meet, with its reason: on the bus, in `status` and in systemd's status line."""

import json
import pathlib
import time

import machine
import pytest

UNIT = "subject.service"


@pytest.fixture(scope="module", autouse=True)
def subject(module_units):
    module_units.service(UNIT, machine.WORK)
    machine.daemon_reload()
    machine.start(UNIT)
    yield module_units
    machine.configure(None)


def set_budget(subject, value):
    if value is None:
        machine.remove_drop_in(UNIT)
    else:
        subject.budget(UNIT, value)
    machine.daemon_reload()


@pytest.fixture
def enforced(subject):
    set_budget(subject, "10ms")
    machine.start("scx-slo")
    machine.wait_for("the unit is known", lambda: UNIT in machine.list_units(), limit=30)
    machine.ensure_enforcing()


def tells_everywhere(state, *words):
    """The state and one and the same reason, wherever an operator looks; the kernel agrees."""
    machine.wait_for_state(state)
    reason = machine.bus_property("StateReason")
    for word in words:
        assert word in reason, reason
    assert (machine.kernel_ops().startswith("scx_slo")) == (state == "enforcing")
    # Each of them is as wanted, or it would not end with 0.
    for text in (machine.output("scx-slo", "status"), machine.show("scx-slo", "StatusText")):
        assert state in text.lower() and reason in text, text
    assert state in json.dumps(json.loads(machine.output("scx-slo", "status", "--json")))


def test_idle_until_a_unit_has_a_budget_and_again_after_the_last_one(subject):
    set_budget(subject, None)
    machine.restart("scx-slo")
    tells_everywhere("idle", "no unit has a budget")

    set_budget(subject, "10ms")
    tells_everywhere("enforcing", "1 unit")
    machine.counting(UNIT)

    set_budget(subject, None)
    tells_everywhere("idle", "no unit has a budget")


def test_observing_where_the_configuration_says_so(enforced):
    machine.configure("[Scheduler]\nMode=observe\n")
    try:
        tells_everywhere("observing", "Mode=observe")
        assert machine.bus_property("Mode") == "observe"
        machine.counting(UNIT)
        assert machine.run("scx-slo", "attach", check=False).returncode != 0
        assert machine.kernel_state() == "disabled"
    finally:
        machine.configure(None)
    tells_everywhere("enforcing", "1 unit")
    machine.counting(UNIT)


def test_observing_where_an_operator_detached_it_even_over_a_kill_and_a_restart(enforced):
    machine.run("scx-slo", "detach")
    tells_everywhere("observing", "detached by an operator", "scx-slo attach")
    machine.counting(UNIT)
    machine.kill_daemon()
    tells_everywhere("observing", "detached by an operator", "scx-slo attach")
    machine.restart("scx-slo")
    tells_everywhere("observing", "detached by an operator", "scx-slo attach")
    machine.run("scx-slo", "attach")
    tells_everywhere("enforcing", "1 unit")


def test_a_trial_that_nobody_confirms_ends_by_itself(enforced):
    machine.run("scx-slo", "attach", "--for", "8s")
    tells_everywhere("observing", "trial", "scx-slo attach")


def test_a_trial_does_not_outlive_the_daemon(enforced):
    machine.run("scx-slo", "attach", "--for", "1h")
    tells_everywhere("enforcing", "trial", "scx-slo confirm")
    machine.kill_daemon()
    tells_everywhere("observing", "trial", "scx-slo attach")


def test_a_confirmed_trial_stays_after_its_time_and_over_a_kill(enforced):
    machine.run("scx-slo", "attach", "--for", "30s")
    over = time.monotonic() + 31
    machine.run("scx-slo", "confirm")
    machine.sleep_until(over)
    tells_everywhere("enforcing", "1 unit")
    machine.kill_daemon()
    tells_everywhere("enforcing", "1 unit")


@pytest.mark.kernel_independent("words of the command line")
def test_there_is_nothing_to_confirm_without_a_trial(enforced):
    result = machine.run("scx-slo", "confirm", check=False)
    assert result.returncode != 0 and result.stderr
    assert machine.enforcing()


@pytest.fixture
def command_line():
    """The kernel's command line as systemd sees it, with a word more."""
    real = pathlib.Path("/proc/cmdline")
    longer = pathlib.Path("/run/slo-test-cmdline")
    longer.write_text(f"{real.read_text().strip()} scx_slo.disable\n")
    machine.run("mount", "--bind", longer, real)
    yield
    machine.run("umount", real)


@pytest.mark.kernel_independent("a condition of the unit, for systemd to see")
def test_a_word_on_the_kernels_command_line_keeps_the_service_from_starting(enforced, command_line):
    machine.stop("scx-slo")
    machine.start("scx-slo")
    assert not machine.is_active("scx-slo")
    assert machine.show("scx-slo", "ConditionResult") == "no"
    assert machine.kernel_state() == "disabled"
