# SPDX-License-Identifier: GPL-2.0-only
"""What happens to the system around it: systemd and the bus anew, and units and cgroups that come and go in masses."""

import concurrent.futures
import json
import subprocess

import machine
import pytest
from side_by_side import is_known

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


@pytest.mark.timeout(900)
def test_starts_and_stops_of_a_unit_leave_nothing_behind(units, pytestconfig):
    """systemd starts a service anew each time it ends, so this is as fast as it can be."""
    name, times = "brief.service", 100 if pytestconfig.getoption("--long") else 60
    before = {key: entries(key) for key in ID_KEYED}
    units.service(name, "/bin/true", settings="Restart=always\nRestartSec=0\n", budget="5ms")
    machine.write_drop_in(name, "[Unit]\nStartLimitIntervalSec=0\n", name="40-limit.conf")
    machine.daemon_reload()
    machine.start(name)
    machine.wait_for(f"{times} starts", lambda: int(machine.show(name, "NRestarts")) >= times, limit=3 * times)
    machine.stop(name)
    for key, count in before.items():
        machine.wait_for(f"{key} is as it was", lambda key=key, count=count: entries(key) == count, limit=30)


class Residents:
    """Processes that live for a moment each, in a cgroup where they are forked: those of a shell, which forks fast."""

    SCRIPT = 'while read -r group; do (echo 0 >"$group/cgroup.procs" && (:) && echo lived) || echo failed; done'

    def __init__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._shell = subprocess.Popen(["sh", "-c", self.SCRIPT], text=True, **pipes)

    def live_in(self, group):
        print(group, file=self._shell.stdin, flush=True)
        assert self._shell.stdout.readline() == "lived\n"
        machine.wait_for(f"{group} is empty", lambda: "populated 0" in (group / "cgroup.events").read_text())

    def end(self):
        self._shell.communicate(timeout=60)


def cgroups_come_and_go(parent, count, lived_in):
    """That many below the parent, one after the other; one of `lived_in` is lived in."""
    before = {key: entries(key) for key in ID_KEYED}
    residents = Residents()
    try:
        for number in range(count):
            group = parent / str(number)
            group.mkdir()
            if number % lived_in == 0:
                residents.live_in(group)
            group.rmdir()
    finally:
        residents.end()
    machine.counting("loaded.service")
    assert {key: entries(key) for key in ID_KEYED} == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_cgroups_of_a_unit_with_a_fork_in_each_leave_nothing_behind(units):
    units.service("crowded.service", "/bin/sleep infinity", settings="Delegate=yes\n", budget="5ms")
    machine.daemon_reload()
    machine.start("crowded.service")
    machine.wait_for("it has its budget", lambda: machine.budget_usec("crowded.service") == 5000, limit=60)
    machine.wait_for("its cgroup is known", lambda: is_known("crowded.service"), limit=60)
    cgroups_come_and_go(machine.cgroup_of("crowded.service"), 1000, lived_in=1)


@pytest.mark.timeout(900)
def test_two_thousand_bare_cgroups_under_load(units):
    units.start_hogs()
    parent = machine.CGROUP / "churn"
    parent.mkdir()
    try:
        cgroups_come_and_go(parent, 2000, lived_in=100)
    finally:
        parent.rmdir()
