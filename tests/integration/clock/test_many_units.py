# SPDX-License-Identifier: GPL-2.0-only
"""Five hundred units: what PID 1 is asked, and what the daemon needs for it, at rest too. Ten thousand are tested
against a faked PID 1."""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import threading
import time

import machine
import pytest
from bus import SYSTEM
from figures import figures

UNITS = 500
# Slices have cgroups and budgets like any unit, and no process has to be started for one.
NAMES = tuple(f"many{number}.slice" for number in range(UNITS))
CALLS_PER_UNIT = 4
RELOAD_CPU_S = 0.2
# With ten thousand it is to be 64 MiB, of which it needs 4 without units.
MOST_KIB = 4 * 1024 + UNITS * 60 * 1024 // 10_000
REST_S, WAKEUPS_PER_S = 20, 2
BESIDES = 20  # questions that come once: the list itself, the version, whose the name is


@pytest.fixture(scope="module", autouse=True)
def many(module_units):
    for name in NAMES:
        module_units.names.append(name)
        machine.write_unit(name, "[X-Slo]\nSloBudget=20ms\n")
    machine.stop("scx-slo")
    machine.daemon_reload()
    machine.start(*NAMES)
    machine.configure("[Scheduler]\nMode=observe\n")
    yield
    machine.stop("scx-slo")
    machine.configure(None)


def cpu_s():
    return int(machine.show("scx-slo", "CPUUsageNSec")) / 1e9


def connections(pid):
    return {name["name"] for name in json.loads(machine.output("busctl", "--json=short", "list")) if name["pid"] == pid}


@contextlib.contextmanager
def messages_to_systemd(into):
    """The messages to PID 1 that anybody sends meanwhile."""
    command = [
        "busctl", "monitor", "--json=short", "--match=type='method_call',destination='org.freedesktop.systemd1'",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        reader = threading.Thread(target=into.extend, args=(monitor.stdout,))
        reader.start()
        try:
            machine.wait_for("the monitor hears", lambda: machine.is_loaded("init.scope") and into)
            yield
        finally:
            monitor.send_signal(signal.SIGTERM)
            reader.join()


def calls_of_daemon(messages):
    ours = connections(machine.main_pid())
    heard = [json.loads(message) for message in messages]
    return [message for message in heard if message["sender"] in ours]


def is_per_unit(call):
    return call["path"].startswith("/org/freedesktop/systemd1/unit/")


def names_of(path):
    return SYSTEM.property(("org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit"), "Names")


def knows_all():
    return set(NAMES) <= set(machine.list_units())


def turn_usec():
    return json.loads(machine.run("scx-slo", "status", "--json", check=False).stdout)["longest_turn_usec"]


def test_the_first_list():
    messages, begun = [], time.monotonic()
    with messages_to_systemd(messages):
        machine.start("scx-slo")
        machine.wait_for("all units are known", knows_all, limit=60)
    calls = calls_of_daemon(messages)
    seen = [call for call in calls if is_per_unit(call)]
    units = len({call["path"] for call in seen})
    figures.append(
        f"first list: {len(calls)} calls for {units} units, known {time.monotonic() - begun:.2f} s after the start,"
        f" CPU time with loading {cpu_s():.2f} s, longest turn {turn_usec() / 1000:.1f} ms"
    )
    assert units >= UNITS
    assert len(calls) <= CALLS_PER_UNIT * units + BESIDES


def test_a_reload_that_changed_no_file():
    machine.run("scx-slo", "reload")
    before, messages = cpu_s(), []
    with messages_to_systemd(messages):
        machine.daemon_reload(force=True)
        machine.run("scx-slo", "reload")  # ends when the list is in
    calls, needed = calls_of_daemon(messages), cpu_s() - before
    figures.append(f"two lists without a change: {len(calls)} calls, CPU time {needed:.3f} s")
    # A search of the unit directories does not tell whether one with another name has drop-ins under that.
    asked = {call["path"] for call in calls if is_per_unit(call)}
    assert [path for path in asked if len(names_of(path)) == 1] == []
    assert needed <= 2 * RELOAD_CPU_S


def test_a_reload_that_changed_one_drop_in():
    name = NAMES[7]
    machine.remove_drop_in(name)
    machine.daemon_reload(force=True)
    machine.wait_for("it has the unit file's", lambda: machine.budget_usec(name) == 20000, limit=60)
    machine.write_drop_in(name, "[X-Slo]\nSloBudget=7ms\n")
    messages = []
    with messages_to_systemd(messages):
        machine.daemon_reload()
        machine.wait_for("it holds", lambda: machine.budget_usec(name) == 7000, limit=60)
    asked = {call["path"] for call in calls_of_daemon(messages) if is_per_unit(call)}
    assert {path for path in asked if len(names_of(path)) == 1} == {machine.object_path(name)}


def switches():
    status = pathlib.Path(f"/proc/{machine.main_pid()}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", status, re.MULTILINE).group(1))


def test_at_rest():
    machine.configure(None)
    machine.ensure_enforcing()
    time.sleep(2)  # what the change left to be done is done
    before = switches()
    time.sleep(REST_S)
    woken = switches() - before
    figures.append(f"at rest with {UNITS} budgets: {woken / REST_S:.2f} wakeups/s; {machine.charged_kib()} KiB")
    assert woken <= WAKEUPS_PER_S * REST_S
    assert machine.charged_kib() <= MOST_KIB
