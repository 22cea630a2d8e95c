# SPDX-License-Identifier: GPL-2.0-only
"""Starting, stopping, attaching and detaching, as an operator does it."""

import json
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import machine
import pytest
from figures import figures

# daemon/systemd/journal.h
RENEWED = "caf03ef714634756a9aafc4cc2c9dfce"


@pytest.fixture(scope="module", autouse=True)
def started(module_units):
    module_units.service("seen.service", machine.WORK, budget="20ms")
    machine.daemon_reload()
    machine.start("seen.service")
    machine.run("systemctl", "start", "scx-slo")


@pytest.fixture
def conf():
    yield
    machine.configure(None)


def words(text):
    return " ".join(text.split()).lower()


def test_once_started_it_enforces():
    # No waiting here: a start that returned means that the scheduler runs.
    assert machine.kernel_state() == "enabled"
    assert machine.kernel_ops().startswith("scx_slo")
    assert machine.bus_property("State") == "enforcing"


def test_it_is_real_time_only_while_it_attaches():
    assert os.sched_getscheduler(machine.main_pid()) & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER
    limits = pathlib.Path(f"/proc/{machine.main_pid()}/limits").read_text()
    assert re.search(r"^Max realtime priority +1 +1 ", limits, re.MULTILINE), "it could not be so again"


def test_every_task_of_the_system_is_scheduled_by_it():
    assert (machine.SCHED_EXT / "switch_all").read_text().strip() == "1"
    assert (machine.SCHED_EXT / "nr_rejected").read_text().strip() == "0"


def test_it_warns_where_the_kernel_does_not_guard_against_real_time_tasks():
    lines = machine.output("journalctl", "-q", "-o", "cat", "-u", "scx-slo", "-p", "warning").splitlines()
    assert any("real-time" in line for line in lines) == (not machine.guards_against_real_time())


def test_systemctl_status_shows_what_it_does():
    assert "enforcing" in machine.show("scx-slo", "StatusText").lower()


@pytest.mark.kernel_independent("what systemd shows of the unit")
def test_the_watchdog_watches():
    # systemd shows it of a running service only.
    shown = machine.output("systemctl", "show", "--value", "-p", "WatchdogUSec", "scx-slo")
    assert shown not in ("0", "infinity", "")


def test_status_says_what_it_enforces():
    machine.wait_for("seen.service is known", lambda: "seen.service" in machine.list_units())
    text = machine.output("scx-slo", "status")
    assert "enforcing" in words(text)
    assert "seen.service" in text
    assert "20ms" in text


def test_the_command_alone_is_status():
    assert "enforcing" in words(machine.output("scx-slo"))


@pytest.mark.kernel_independent("settings and where they were read")
def test_list_shows_the_unit_its_budget_and_where_it_was_set():
    text = machine.output("scx-slo", "list")
    assert "seen.service" in text
    assert "20ms" in text
    assert "/run/systemd/system/seen.service.d/50-slo.conf:2" in text


@pytest.mark.parametrize("name", ["seen.service", "seen"])
def test_stats_shows_jobs_and_their_waits(name):
    machine.wait_for("jobs are counted", lambda: machine.get_stats("seen.service")["Jobs"] > 10)
    text = words(machine.output("scx-slo", "stats", name))
    for word in ("jobs", "misses", "wait for cpu", "p99.9"):
        assert word in text


def test_everything_is_there_as_json_too():
    status = json.loads(machine.output("scx-slo", "status", "--json"))
    assert "enforcing" in json.dumps(status)
    assert "seen.service" in json.dumps(json.loads(machine.output("scx-slo", "list", "--json")))
    assert "seen.service" in json.dumps(json.loads(machine.output("scx-slo", "stats", "seen", "--json")))


@pytest.mark.kernel_independent("words of the command line")
def test_stats_of_a_unit_nobody_knows_is_one_clear_error():
    result = machine.run("scx-slo", "stats", "no-such.service", check=False)
    assert result.returncode == 1
    assert "no-such.service" in result.stderr


@pytest.mark.kernel_independent("the interfaces of the bus")
@pytest.mark.parametrize("interface", ["Manager1", "Unit1"])
def test_the_bus_offers_what_the_shipped_xml_says(interface):
    name = f"org.scxslo.{interface}"
    path = machine.BUS[1] if interface == "Manager1" else machine.list_units()["seen.service"]
    shipped = pathlib.Path(f"/usr/share/dbus-1/interfaces/{name}.xml").read_text()
    live = machine.output("busctl", "introspect", "--xml-interface", machine.BUS[0], path)
    assert members(live, name) == members(shipped, name)


def members(xml, interface):
    node = ElementTree.fromstring(xml).find(f"interface[@name='{interface}']")
    assert node is not None, f"no {interface}"
    found = set()
    for member in node:
        if member.tag not in ("method", "signal", "property"):
            continue
        arguments = tuple(
            (arg.get("direction", "in" if member.tag == "method" else "out"), arg.get("type"))
            for arg in member.findall("arg")
        )
        found.add((member.tag, member.get("name"), member.get("type"), member.get("access"), arguments))
    assert found
    return found


def test_detach_gives_the_machine_back_and_attach_takes_it_again():
    before = machine.get_stats("seen.service")["Jobs"]
    machine.run("scx-slo", "detach")
    assert machine.kernel_state() == "disabled"
    assert machine.bus_property("State") != "enforcing"
    assert machine.is_active("scx-slo")
    # Counters outlive it, and nothing counts meanwhile.
    assert machine.get_stats("seen.service")["Jobs"] >= before

    machine.run("scx-slo", "attach")
    assert machine.enforcing()
    kept = machine.get_stats("seen.service")["Jobs"]
    assert kept >= before
    machine.wait_for("jobs are counted again", lambda: machine.get_stats("seen.service")["Jobs"] > kept)


def test_attach_and_detach_may_be_repeated():
    for order, enforcing in (("attach", True), ("detach", False), ("detach", False), ("attach", True)):
        machine.run("scx-slo", order)
        assert machine.enforcing() == enforcing


def test_a_change_of_state_is_signalled():
    listener = machine.Listener("StateChanged")
    machine.run("scx-slo", "detach")
    machine.run("scx-slo", "attach")
    machine.wait_for("two signals", lambda: len(listener.received()) >= 2)
    listener.stop()
    assert [signal[0] for signal in listener.received()][-1] == "enforcing"


def test_another_setting_of_the_scheduler_is_loaded_while_the_old_one_runs(conf):
    number, jobs = machine.enable_seq(), machine.get_stats("seen.service")["Jobs"]
    mark = machine.journal_mark()
    machine.configure("[Scheduler]\nMinRun=120us\n")
    machine.wait_for("it is loaded anew", lambda: machine.enable_seq() == number + 1)
    assert machine.enforcing()
    machine.synchronize()
    lines = machine.output("journalctl", "-q", "-o", "json", "--after-cursor", mark, f"MESSAGE_ID={RENEWED}")
    (line,) = map(json.loads, lines.splitlines())
    figures.append(f"other settings: {line['MESSAGE']}")
    assert 0 < int(line["SCX_SLO_GAP_USEC"])
    # Whatever was counted before stays.
    machine.wait_for("jobs are counted on", lambda: machine.get_stats("seen.service")["Jobs"] > jobs)


def test_reload_keeps_enforcing():
    machine.run("scx-slo", "reload")
    assert machine.enforcing()
    machine.wait_for("the unit is still known", lambda: "seen.service" in machine.list_units())


def test_stopping_gives_the_machine_back_and_a_start_takes_it_again():
    machine.run("systemctl", "stop", "scx-slo")
    assert machine.kernel_state() == "disabled"
    assert machine.show("scx-slo", "Result") == "success"
    machine.run("systemctl", "start", "scx-slo")
    assert machine.enforcing()
