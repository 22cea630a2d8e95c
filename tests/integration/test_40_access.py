# SPDX-License-Identifier: GPL-2.0-only
"""Who may do what: everybody reads, root changes."""

import machine
import pytest

USER = "operator"

pytestmark = [
    pytest.mark.usefixtures("enforcing"),
    pytest.mark.kernel_independent("the bus and its policy decide"),
]


@pytest.fixture(scope="module", autouse=True)
def watched(module_units):
    module_units.service("watched.service", machine.WORK, budget="20ms")
    machine.daemon_reload()
    machine.start("watched.service")
    machine.ensure_enforcing()
    machine.wait_for("the unit is known", lambda: "watched.service" in machine.list_units(), limit=20)


def test_a_user_may_read():
    assert "watched.service" in machine.bus_call_as(USER, "ListUnits").stdout
    assert machine.get_stats_as(USER, "watched.service")["Unit"] == "watched.service"
    assert "enforcing" in machine.output("scx-slo", "status", user=USER).lower()
    assert "watched.service" in machine.output("scx-slo", "list", user=USER)
    machine.run("scx-slo", "stats", "watched", user=USER)
    machine.run("busctl", "introspect", machine.BUS[0], machine.BUS[1], user=USER)


@pytest.mark.parametrize("method", ["Detach", "Attach", "Reload"])
def test_a_user_may_not_change_anything(method):
    result = machine.bus_call_as(USER, method, check=False)
    assert result.returncode != 0
    assert "denied" in result.stderr.lower() or "not authorized" in result.stderr.lower(), result.stderr
    assert machine.enforcing()


@pytest.mark.parametrize("command", ["detach", "attach", "reload"])
def test_the_command_line_tells_a_user_to_be_root(command):
    result = machine.run("scx-slo", command, user=USER, check=False)
    assert result.returncode == 1
    assert "root" in result.stderr
    assert machine.enforcing()


@pytest.mark.parametrize("user", [USER, None])
def test_nobody_sets_a_property(user):
    result = machine.run(
        "busctl", "set-property", *machine.BUS, "Mode", "s", "observe", user=user, check=False
    )
    assert result.returncode != 0


def test_a_user_may_not_take_the_name():
    machine.stop("scx-slo")
    result = machine.run(
        "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        "su", machine.BUS[0], "0", user=USER, check=False,
    )  # fmt: skip
    assert result.returncode != 0
