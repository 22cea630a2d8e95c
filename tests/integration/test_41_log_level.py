# SPDX-License-Identifier: GPL-2.0-only
"""How much the daemon says, changed while it runs by systemctl service-log-level."""

import pathlib

import machine
import pytest

USER = "operator"
CONTROL = ("org.scxslo", "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1")
LEVEL = ("systemctl", "service-log-level", "scx-slo.service")
POLICY = pathlib.Path("/etc/dbus-1/system.d/zz-lifted.conf")

pytestmark = pytest.mark.kernel_independent("words between systemd, the bus and the journal")


@pytest.fixture(autouse=True)
def as_before(enforcing):
    before = machine.output(*LEVEL)
    yield
    machine.run(*LEVEL, before)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "err", "crit", "emerg"])
def test_the_level_that_is_set_is_the_level(level):
    machine.run(*LEVEL, level)
    assert machine.output(*LEVEL) == level


def lines_of_priority(number, since):
    machine.synchronize()
    return machine.output(
        "journalctl", "-q", "-o", "cat", "-u", "scx-slo", "-p", f"{number}..{number}", "--after-cursor", since
    ).splitlines()


def test_more_is_said_at_once_and_no_more_than_before_afterwards(units):
    # What earlier tests left goes first: as many units as before are nothing to tell.
    machine.daemon_reload(force=True)
    machine.wait_for("they are gone", lambda: set(machine.list_units()) == {"anchor.service"}, limit=60)
    machine.run(*LEVEL, "debug")
    mark = machine.journal_mark()
    units.service("counted.service", "/bin/sleep infinity", budget="30ms")
    machine.daemon_reload()
    machine.start("counted.service")
    # The number of units is part of the reason for enforcing, and changes too often for the usual level.
    machine.wait_for("it says so", lambda: any("enforcing" in line for line in lines_of_priority(7, mark)), limit=60)
    machine.run(*LEVEL, "info")
    assert machine.is_active("scx-slo")


def test_a_word_that_is_no_level_is_refused_and_changes_nothing():
    result = machine.run("busctl", "set-property", *CONTROL, "LogLevel", "s", "loud", check=False)
    assert result.returncode != 0
    assert "accepted" in result.stderr
    assert machine.output(*LEVEL) == "info"


def test_a_user_may_look_and_not_touch():
    get = ("busctl", "get-property", *CONTROL, "LogLevel")
    assert machine.output(*get, user=USER) == 's "info"'
    for command in ((*LEVEL, "debug"), ("busctl", "set-property", *CONTROL, "LogLevel", "s", "debug")):
        assert machine.run(*command, user=USER, check=False).returncode != 0
    assert machine.output(*LEVEL) == "info"


@pytest.fixture
def lifted_policy():
    """The bus lets all pass, as a careless administrator may have it."""
    POLICY.write_text(
        '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"'
        ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">'
        f'<busconfig><policy user="{USER}"><allow send_destination="org.scxslo"/></policy></busconfig>'
    )
    machine.run("systemctl", "reload", "dbus")
    yield
    POLICY.unlink()
    machine.run("systemctl", "reload", "dbus")


def test_the_daemon_itself_keeps_others_from_setting_it(lifted_policy):
    # busctl has words of its own for all that is refused.
    result = machine.run(
        "dbus-send", "--system", "--print-reply", f"--dest={CONTROL[0]}", CONTROL[1],
        "org.freedesktop.DBus.Properties.Set", f"string:{CONTROL[2]}", "string:LogLevel", "variant:string:debug",
        user=USER, check=False,
    )  # fmt: skip
    assert result.returncode != 0
    assert "only root may set a property" in result.stderr
    assert machine.output(*LEVEL) == "info"


def test_where_the_words_go_is_told():
    assert machine.bus_property("LogTarget", *CONTROL[1:]) == "journal"
    assert machine.bus_property("SyslogIdentifier", *CONTROL[1:]) == "scx-slod"
    words = machine.output("journalctl", "-q", "-o", "cat", "-t", "scx-slod", "-n", "1")
    assert words
