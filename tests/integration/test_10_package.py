# SPDX-License-Identifier: GPL-2.0-only
"""What installing the package leaves behind, before anything was started."""

import pathlib
import pwd
import re

import machine
import pytest
from figures import figures

pytestmark = [
    pytest.mark.first,
    pytest.mark.kernel_independent("the package's files, the unit's settings and words of the command line"),
]

INSTALLED = (
    "/usr/bin/scx-slo",
    "/usr/libexec/scx-slo/scx-slod",
    "/usr/lib/systemd/system/scx-slo.service",
    "/usr/share/dbus-1/interfaces/org.scxslo.Manager1.xml",
    "/usr/share/dbus-1/interfaces/org.scxslo.Unit1.xml",
    "/usr/share/dbus-1/system.d/org.scxslo.conf",
    "/usr/share/polkit-1/actions/org.scxslo.policy",
    "/usr/share/man/man1/scx-slo.1.gz",
    "/usr/share/man/man5/scx-slo-trace.5.gz",
    "/usr/share/man/man8/scx-slod.8.gz",
    "/etc/scx-slo/scx-slo.conf",
)


def installed_version():
    return machine.output("dpkg-query", "-W", "-f", "${Version}", "scx-slo")


def test_installing_neither_enables_nor_starts_it():
    assert machine.output("systemctl", "is-enabled", "scx-slo", check=False) == "disabled"
    assert machine.show("scx-slo", "ActiveEnterTimestampMonotonic") == "0"
    assert machine.kernel_state() == "disabled"


@pytest.mark.parametrize("path", INSTALLED)
def test_the_package_brings_the_file(path):
    assert path in machine.output("dpkg", "-L", "scx-slo").splitlines()
    # A machine may leave documentation out (dpkg's path-exclude).
    assert pathlib.Path(path).is_file() or path.startswith("/usr/share/man/")


def test_no_file_lets_the_bus_start_a_daemon_that_was_stopped():
    listed = machine.output("dpkg", "-L", "scx-slo")
    assert "system-services" not in listed


def test_the_daemon_has_a_user_that_nobody_can_log_in_as():
    user = pwd.getpwnam("scx-slo")
    assert user.pw_uid != 0
    assert user.pw_shell.endswith("nologin")


def test_the_unit_has_two_capabilities_a_watchdog_and_a_safety_catch():
    text = machine.output("systemctl", "cat", "scx-slo")
    assert "ConditionKernelCommandLine=!scx_slo.disable" in text
    capabilities = machine.output("systemctl", "show", "--value", "-p", "CapabilityBoundingSet", "scx-slo")
    assert set(capabilities.split()) == {"cap_bpf", "cap_perfmon"}
    assert machine.show("scx-slo", "User") == "scx-slo"
    assert machine.show("scx-slo", "Type") == "notify-reload"
    assert "WatchdogSec=" in text
    assert machine.show("scx-slo", "Restart") == "on-failure"


def test_systemd_finds_no_fault_with_the_unit():
    result = machine.run("systemd-analyze", "verify", "--man=no", "scx-slo.service")
    assert "scx-slo" not in result.stdout + result.stderr


def test_the_sandbox_leaves_little_to_whoever_takes_the_daemon_over():
    told = machine.output("systemd-analyze", "security", "--no-pager", "scx-slo.service").splitlines()[-1]
    figures.append(told)
    assert float(re.search(r"scx-slo\.service: ([0-9.]+) ", told).group(1)) <= 1.0


def test_the_version_is_that_of_the_package():
    assert installed_version().split("-")[0] in machine.output("scx-slo", "--version")
    assert installed_version().split("-")[0] in machine.output("/usr/libexec/scx-slo/scx-slod", "--version")


def test_help_names_every_command():
    text = machine.output("scx-slo", "--help")
    for command in ("status", "list", "stats", "attach", "detach", "reload", "record", "show-trace"):
        assert command in text


def test_status_of_a_daemon_that_does_not_run_says_how_to_start_it():
    result = machine.run("scx-slo", "status", check=False)
    assert result.returncode == 3
    assert "systemctl start scx-slo" in result.stdout + result.stderr


@pytest.mark.parametrize("arguments", [("bogus",), ("cat",), ("stats", "--watch=5"), ("status", "--bogus")])
def test_wrong_usage_is_told_from_failure(arguments):
    result = machine.run("scx-slo", *arguments, check=False)
    assert result.returncode == 2
    assert result.stderr
