# SPDX-License-Identifier: GPL-2.0-only
"""Settings in unit files, and the way from a unit to its cgroup while units come and go."""

import json

import machine
import pytest

UNBOUNDED = 2**64 - 1

SETTINGS = pytest.mark.kernel_independent("what is read of settings, and when")

pytestmark = pytest.mark.usefixtures("enforcing")


def budget_becomes(unit, usec):
    machine.wait_for(f"{unit} has {usec} us", lambda: machine.budget_usec(unit) == usec, limit=20)


@pytest.fixture(scope="module")
def worker(module_units):
    """A service that works, with a budget, and a slice with one."""
    module_units.service("worker.service", machine.WORK, budget="5ms")
    module_units.service("plain.service", machine.WORK)
    module_units.budget("team.slice", "30ms")
    machine.daemon_reload()
    return module_units


def test_a_drop_in_is_all_it_takes(worker):
    machine.start("worker.service")
    budget_becomes("worker.service", 5000)
    machine.counting("worker.service")
    assert machine.get_stats("worker.service")["SloBudgetUSec"] == 5000


def test_a_restarted_unit_counts_on(worker):
    machine.start("worker.service")
    machine.counting("worker.service")
    before = machine.get_stats("worker.service")["Jobs"]
    old = machine.cgroup_of("worker.service").stat().st_ino
    machine.restart("worker.service")
    assert machine.cgroup_of("worker.service").stat().st_ino != old
    machine.counting("worker.service")
    assert machine.get_stats("worker.service")["Jobs"] > before


def test_a_unit_that_was_away_has_its_budget_again(worker):
    machine.stop("worker.service")
    assert machine.enforcing()
    machine.start("worker.service")
    budget_becomes("worker.service", 5000)
    machine.counting("worker.service")


def test_a_unit_has_its_budget_whether_systemd_has_loaded_it_or_not(units):
    """One that a timer starts is loaded for a moment at a time."""
    units.service("rare.service", "/bin/true", settings="Type=oneshot\n", budget="4ms")
    machine.daemon_reload()
    budget_becomes("rare.service", 4000)
    machine.start("rare.service")
    machine.get_stats("rare.service")
    machine.wait_for("systemd drops it", lambda: not machine.is_loaded("rare.service"))
    assert machine.budget_usec("rare.service") == 4000
    assert machine.get_stats("rare.service")["Jobs"] > 0


def test_a_unit_without_budget_is_not_listed_and_has_no_figures(worker):
    machine.start("plain.service")
    assert "plain.service" not in machine.list_units()
    assert machine.refusal("GetStats", "s", "plain.service")


def test_a_transient_unit_inherits_from_its_slice(worker):
    machine.run("systemd-run", "--slice=team.slice", "--unit=member", *machine.WORK.split())
    try:
        budget_becomes("team.slice", 30000)
        machine.wait_for("the member inherits", lambda: not machine.refusal("GetUnit", "s", "member.service"))
        assert machine.get_unit("member.service") == machine.list_units()["team.slice"]
        assert machine.get_stats("member.service")["Unit"] == "team.slice"
        machine.counting("member.service")
    finally:
        machine.stop("member.service", or_unloaded=True)


def test_a_transient_unit_may_have_left_before_anyone_looks(worker):
    machine.run("systemd-run", "--wait", "--slice=team.slice", "--unit=brief", "/bin/true")
    assert machine.enforcing()
    assert machine.is_active("scx-slo")


def test_an_edited_drop_in_takes_effect_with_daemon_reload_and_not_before(worker):
    machine.start("worker.service")
    budget_becomes("worker.service", 5000)
    worker.budget("worker.service", "7ms")
    machine.restart("worker.service")
    machine.counting("worker.service")
    assert machine.budget_usec("worker.service") == 5000
    machine.daemon_reload()
    budget_becomes("worker.service", 7000)
    machine.counting("worker.service")


@SETTINGS
def test_a_reload_of_ours_does_not_run_ahead_of_systemd(worker):
    before = machine.budget_usec("worker.service")
    worker.budget("worker.service", "8ms")
    machine.run("scx-slo", "reload")
    assert machine.budget_usec("worker.service") == before
    told = machine.output("scx-slo", "cat", "worker.service")
    assert "systemctl daemon-reload" in told
    machine.daemon_reload()
    budget_becomes("worker.service", 8000)
    assert "daemon-reload" not in machine.output("scx-slo", "cat", "worker.service")


def status():
    return json.loads(machine.output("scx-slo", "status", "--json"))


@SETTINGS
def test_an_edit_that_systemd_has_not_read_is_seen_soon(worker):
    worker.budget("worker.service", "9ms")
    worker.budget("plain.service", "9ms")
    machine.wait_for("plain.service waits", lambda: status()["waiting"] == ["plain.service"], limit=30)
    told = machine.output("scx-slo", "status")
    assert "plain.service; nothing of [X-Slo] holds for it until: systemctl daemon-reload" in told
    machine.wait_for(
        "worker.service is named", lambda: "Changed    worker.service;" in machine.output("scx-slo", "status"), limit=30
    )
    machine.daemon_reload()
    budget_becomes("plain.service", 9000)
    assert status()["waiting"] == []
    assert "daemon-reload" not in machine.output("scx-slo", "status")
    machine.remove_drop_in("plain.service")
    worker.budget("worker.service", "8ms")
    machine.daemon_reload()


@SETTINGS
def test_settings_are_inherited_one_by_one_and_cat_says_from_where(units, worker):
    machine.write_drop_in("team.slice", "[X-Slo]\nSloObjective=95%\n", name="60-objective.conf")
    units.service("partial.service", machine.WORK, settings="Slice=team.slice\n", budget="6ms")
    machine.daemon_reload()
    machine.start("partial.service")
    budget_becomes("partial.service", 6000)
    rows = json.loads(machine.output("scx-slo", "cat", "--json", "partial.service"))["settings"]
    settings = {row["key"]: row for row in rows}
    assert settings["SloBudget"]["value"] == "6ms"
    assert settings["SloBudget"]["file"].endswith("/partial.service.d/50-slo.conf")
    assert settings["SloObjective"]["value"] == "95%"
    assert settings["SloObjective"]["file"].endswith("/team.slice.d/60-objective.conf")
    assert settings["SloMetric"] == {"key": "SloMetric", "value": "wait", "file": None, "line": None}


def test_infinity_is_no_budget_even_below_a_slice_with_one(units, worker):
    units.service("free.service", machine.WORK, settings="Slice=team.slice\n", budget="infinity")
    machine.daemon_reload()
    machine.start("free.service")
    budget_becomes("free.service", UNBOUNDED)
    assert machine.get_unit("free.service") != machine.list_units()["team.slice"]
    assert machine.get_stats("free.service")["Misses"] == 0


def test_a_unit_whose_drop_in_is_gone_has_no_budget_any_more(units):
    units.service("fleeting.service", machine.WORK, budget="5ms")
    machine.daemon_reload()
    machine.start("fleeting.service")
    budget_becomes("fleeting.service", 5000)
    machine.remove_drop_in("fleeting.service")
    machine.daemon_reload()
    assert machine.is_active("fleeting.service")
    machine.wait_for("the unit is forgotten", lambda: "fleeting.service" not in machine.list_units(), limit=20)


def test_importance_and_reserve_are_on_the_bus_in_json_and_in_the_list(units):
    units.service("weighty.service", machine.WORK, budget="5ms")
    machine.write_drop_in("weighty.service", "[X-Slo]\nSloImportance=250\nSloReserve=50%\n", name="60-weight.conf")
    machine.daemon_reload()
    machine.run("systemctl", "start", "weighty.service")
    budget_becomes("weighty.service", 5000)
    path = machine.list_units()["weighty.service"]
    shown = {
        name: machine.bus_property(name, path, "org.scxslo.Unit1")
        for name in ("SloImportance", "SloReservePerSecUSec", "SloImportanceOrigin", "SloReserveOrigin")
    }
    assert shown["SloImportance"] == 250
    assert shown["SloReservePerSecUSec"] == 500_000
    assert shown["SloImportanceOrigin"].endswith("/weighty.service.d/60-weight.conf:2")
    assert shown["SloReserveOrigin"].endswith("/weighty.service.d/60-weight.conf:3")
    units_in_json = json.loads(machine.output("scx-slo", "list", "--json"))["units"]
    (unit,) = (unit for unit in units_in_json if unit["unit"] == "weighty.service")
    assert (unit["importance"], unit["reserve_per_sec_usec"]) == (250, 500_000)
    (line,) = (line for line in machine.output("scx-slo", "list").splitlines() if line.startswith("weighty.service"))
    assert line.split()[1:4] == ["5ms", "250", "50%"]
