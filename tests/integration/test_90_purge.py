# SPDX-License-Identifier: GPL-2.0-only
"""Removing the package; runs last, nothing works after it."""

import pathlib
import pwd

import machine
import pytest

pytestmark = [
    pytest.mark.last,
    pytest.mark.kernel_independent("the package's scripts; test_20_service.py stops it on every kernel"),
    pytest.mark.timeout(600),
]


def test_purge_while_enforcing_leaves_nothing_but_the_user(enforcing):
    listed = [pathlib.Path(line) for line in machine.output("dpkg", "-L", "scx-slo").splitlines()]
    files = [path for path in listed if path.is_file() or path.is_symlink()]
    assert files

    machine.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "purge", "scx-slo", limit=300)

    assert machine.kernel_state() == "disabled"
    assert not machine.is_active("scx-slo")
    assert [path for path in files if path.exists()] == []
    for directory in ("/etc/scx-slo", "/usr/libexec/scx-slo", "/run/scx-slo", "/run/scx-slod", "/var/lib/scx-slo", "/var/log/scx-slo"):
        assert not pathlib.Path(directory).exists(), directory
    assert machine.output("find", "/etc", "/usr", "/var", "-xdev", "-iname", "*scx*slo*", "-not", "-path",
                          "/var/lib/dpkg/*", "-not", "-path", "/usr/local/*") == ""  # fmt: skip
    assert machine.run("dpkg-query", "-W", "scx-slo", check=False).returncode != 0
    assert pwd.getpwnam("scx-slo")
