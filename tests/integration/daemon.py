# SPDX-License-Identifier: GPL-2.0-only
"""scx-slo's daemon: what it says on the bus, and what it is told to do."""

import json
import os
import pathlib
import signal

from bus import SYSTEM, Refused, Subscription, plain
from commands import run, wait_for
from kernel import enforcing
from systemd import cgroup_of, is_active, reset_failed, run_jobs, show, start

BUS = ("org.scxslo", "/org/scxslo", "org.scxslo.Manager1")
CONFIG_DIR = pathlib.Path("/etc/scx-slo/scx-slo.conf.d")
# A light load for a service: so light that it keeps up on a machine that is emulated on a busy host.
WORK = "/usr/local/bin/deadline_jobs --exec 100us --period 50ms --limit 100ms --seconds 3600"


def bus_call(method, signature="", *values):
    """The values of the answer; bus.Refused where it is an error."""
    return SYSTEM.call(BUS, method, signature, *values)


def refusal(method, signature="", *values):
    """What the answer says where it is an error; empty where it is none."""
    try:
        bus_call(method, signature, *values)
    except Refused as refused:
        return str(refused)
    return ""


def bus_call_as(user, method, *words, check=True):
    """A call by somebody else, who needs a process: the words as busctl takes them."""
    return run("busctl", "--json=short", "call", *BUS, method, *words, user=user, check=check)


def bus_property(name, path=BUS[1], interface=BUS[2]):
    return SYSTEM.property((BUS[0], path, interface), name)


def list_units():
    """The paths of their objects, by name."""
    return dict(bus_call("ListUnits")[0])


def get_unit(name):
    return bus_call("GetUnit", "s", name)[0]


def get_stats(unit):
    return bus_call("GetStats", "s", unit)[0]


def get_stats_as(user, unit):
    entries = json.loads(bus_call_as(user, "GetStats", "s", unit).stdout)["data"][0]
    return {key: value["data"] for key, value in entries.items()}


def budget_usec(unit):
    """The budget on the unit's object, or None when it has no settings of its own."""
    path = list_units().get(unit)
    return bus_property("SloBudgetUSec", path, "org.scxslo.Unit1") if path else None


def state():
    return bus_property("State")


def wait_for_state(name, limit=60):
    wait_for(f"the state is {name}", lambda: state() == name, limit)


def counting(unit, limit=20):
    """Waits until more jobs of the unit are counted than now."""
    before = get_stats(unit)["Jobs"]
    wait_for(f"jobs of {unit} are counted", lambda: get_stats(unit)["Jobs"] > before + 5, limit)


class Listener:
    """Collects the arguments of one signal of the manager until stopped; listens when the constructor returns."""

    def __init__(self, name):
        self._subscription = Subscription(interface=BUS[2], member=name)

    def received(self):
        self._subscription.read()
        return [plain(heard.body) for heard in self._subscription.signals]

    def stop(self):
        self._subscription.close()


def main_pid():
    return int(show("scx-slo", "MainPID"))


def charged_kib():
    """Memory that is the daemon's own: not the kernel's, which the maps and tasks' storage are, nor files'."""
    stat = (cgroup_of("scx-slo.service") / "memory.stat").read_text()
    fields = dict(line.split() for line in stat.splitlines())
    return (int(fields["anon"]) + int(fields["shmem"])) // 1024


def memory_kib():
    """What the daemon occupies, libraries included, and beside it the kernel's maps that it has in sight."""
    own = maps = 0
    mapping = ""
    for line in pathlib.Path(f"/proc/{main_pid()}/smaps").read_text().splitlines():
        key, *words = line.split()
        if not key.endswith(":"):
            mapping = line
        elif key == "Rss:" and "bpf-map" in mapping:
            maps += int(words[0])
        elif key == "Rss:":
            own += int(words[0])
    return own, maps


def kill_daemon(limit=60):
    """kill -9, and systemd brings it back."""
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for("systemd restarted it", lambda: main_pid() not in (0, pid) and is_active("scx-slo"), limit)


def configure(text):
    """Daemon-wide settings from a drop-in, read at once by a daemon that runs; None removes them."""
    path = CONFIG_DIR / "90-test.conf"
    if text is None:
        path.unlink(missing_ok=True)
        if CONFIG_DIR.is_dir() and not any(CONFIG_DIR.iterdir()):
            CONFIG_DIR.rmdir()
    else:
        CONFIG_DIR.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run_jobs("ReloadOrTryRestartUnit", "scx-slo")


def ensure_enforcing(limit=60):
    if not is_active("scx-slo"):
        reset_failed("scx-slo")
        start("scx-slo")
    # Also where it enforces: what an earlier test let fail is forgotten by this.
    # It is refused until the daemon has heard of a unit with a budget that a test has just started.
    wait_for("it attaches", lambda: not refusal("Attach"), limit)
    wait_for("scx-slo enforces", lambda: enforcing() and state() == "enforcing", limit)


def fault(*arguments, limit=60):
    """Gives the scheduler that runs a fault; see tests/workloads/scheduler_faults.cpp."""
    run("/usr/local/bin/scheduler_faults", *arguments, limit=limit)
