# SPDX-License-Identifier: GPL-2.0-only
"""What happens to the system around it: systemd and the bus anew, and units and cgroups that come and go in masses."""

import concurrent.futures
import json
import pathlib

import machine
import pytest

pytestmark = pytest.mark.usefixtures("loaded", "enforcing")


@pytest.fixture(autouse=True)
def undisturbed(enforcing):
    """Whatever happens: the same daemon, and the same scheduler, all the time."""
    pid, enabled = machine.main_pid(), machine.enable_seq()
    yield
    assert machine.enforcing() and machine.enable_seq() == enabled, machine.journal("")[-20:]
    assert machine.main_pid() == pid
    assert machine.state() == "enforcing"


def follows_units(units, name):
    """A unit that comes now gets its budget, and its jobs are counted."""
    units.service(name, machine.WORK, budget="7ms")
    machine.daemon_reload()
    machine.start(name)
    machine.wait_for(f"{name} has its budget", lambda: machine.budget_usec(name) == 7000, limit=60)
    machine.counting(name)


def test_systemd_re_executed(units):
    machine.run("systemctl", "daemon-reexec")
    machine.counting("loaded.service")
    follows_units(units, "after-reexec.service")


@pytest.fixture
def logind_again():
    """logind does not find back to a bus that was restarted: each login would wait for it in vain."""
    yield
    machine.restart("systemd-logind")


def test_the_bus_restarted(units, logind_again):
    machine.run("systemctl", "restart", "dbus")
    machine.wait_for("it is on the bus again", lambda: not machine.refusal("ListUnits"), limit=60)
    machine.counting("loaded.service")
    follows_units(units, "after-bus.service")


def test_a_storm_of_daemon_reloads(units):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for result in [pool.submit(machine.run, "systemctl", "daemon-reload") for _ in range(4)]:
            result.result()
    machine.counting("loaded.service")
    follows_units(units, "after-storm.service")


# The kernel keeps the first 15 characters of a name.
ID_KEYED = ("cfg_map",)


def entries(name):
    """How many entries the daemon's map has."""
    maps = json.loads(machine.output("bpftool", "--json", "map", "show"))
    ids = [item["id"] for item in maps if item.get("name") == name]
    assert ids, f"no map {name} among {[item.get('name') for item in maps]}"
    return sum(len(json.loads(machine.output("bpftool", "--json", "map", "dump", "id", number))) for number in ids)


def restart_often(units, times):
    """systemd starts a service anew each time it ends, so this is as fast as it can be."""
    name = f"brief-{times}.service"
    before = {key: entries(key) for key in ID_KEYED}
    units.service(name, "/bin/true", settings="Restart=always\nRestartSec=0\n", budget="5ms")
    machine.write_drop_in(name, "[Unit]\nStartLimitIntervalSec=0\n", name="40-limit.conf")
    machine.daemon_reload()
    machine.start(name)
    machine.wait_for(f"{times} starts", lambda: int(machine.show(name, "NRestarts")) >= times, limit=3 * times)
    machine.stop(name)
    for key, count in before.items():
        machine.wait_for(f"{key} is as it was", lambda key=key, count=count: entries(key) == count, limit=30)


def test_starts_and_stops_of_a_unit_leave_nothing_behind(units):
    restart_often(units, 60)


@pytest.mark.slow
def test_a_thousand_starts_and_stops_of_a_unit_leave_nothing_behind(units):
    restart_often(units, 1000)


def test_two_thousand_bare_cgroups_under_load(units):
    units.start_hogs()
    before = {key: entries(key) for key in ID_KEYED}
    parent = machine.CGROUP / "churn"
    parent.mkdir()
    try:
        for number in range(2000):
            group = parent / str(number)
            group.mkdir()
            # A few are lived in.
            if number % 100 == 0:
                machine.run("sh", "-c", f"echo $$ >{group}/cgroup.procs && true")
                wait_empty(group)
            group.rmdir()
    finally:
        parent.rmdir()
    machine.counting("loaded.service")
    assert {key: entries(key) for key in ID_KEYED} == before


def wait_empty(group: pathlib.Path):
    machine.wait_for(f"{group} is empty", lambda: "populated 0" in (group / "cgroup.events").read_text())
