# SPDX-License-Identifier: GPL-2.0-only
"""Settings in unit files, and the way from a unit to its cgroup while units come and go."""

import machine
import pytest

WORK = "/usr/local/bin/deadline_jobs --exec 1ms --period 10ms --limit 100ms --seconds 3600"
UNBOUNDED = 2**64 - 1

pytestmark = pytest.mark.usefixtures("enforcing")


def counts(unit):
    """Waits until the unit's jobs are counted: that needs both its settings and its cgroup."""
    before = machine.get_stats(unit)["Jobs"]
    machine.wait_for(f"jobs of {unit} are counted", lambda: machine.get_stats(unit)["Jobs"] > before + 5)


def budget_becomes(unit, usec):
    machine.wait_for(f"{unit} has {usec} us", lambda: machine.budget_usec(unit) == usec, limit=20)


@pytest.fixture(scope="module")
def worker(module_units):
    """A service that works, with a budget, and a slice with one."""
    module_units.service("worker.service", WORK, budget="5ms")
    module_units.service("plain.service", WORK)
    module_units.budget("team.slice", "30ms")
    machine.daemon_reload()
    return module_units


def test_a_drop_in_is_all_it_takes(worker):
    machine.run("systemctl", "start", "worker.service")
    budget_becomes("worker.service", 5000)
    counts("worker.service")
    assert machine.get_stats("worker.service")["SloBudgetUSec"] == 5000


def test_a_restarted_unit_counts_on(worker):
    machine.run("systemctl", "start", "worker.service")
    counts("worker.service")
    before = machine.get_stats("worker.service")["Jobs"]
    old = machine.cgroup_of("worker.service").stat().st_ino
    machine.run("systemctl", "restart", "worker.service")
    assert machine.cgroup_of("worker.service").stat().st_ino != old
    counts("worker.service")
    assert machine.get_stats("worker.service")["Jobs"] > before


def test_a_unit_that_was_away_has_its_budget_again(worker):
    machine.run("systemctl", "stop", "worker.service")
    assert machine.enforcing()
    machine.run("systemctl", "start", "worker.service")
    budget_becomes("worker.service", 5000)
    counts("worker.service")


def test_a_unit_without_budget_is_not_listed_and_has_no_figures(worker):
    machine.run("systemctl", "start", "plain.service")
    assert "plain.service" not in machine.list_units()
    assert machine.bus_call("GetStats", "s", "plain.service", check=False).returncode != 0


def test_a_transient_unit_inherits_from_its_slice(worker):
    machine.run("systemd-run", "--slice=team.slice", "--unit=member", *WORK.split())
    try:
        budget_becomes("team.slice", 30000)
        machine.wait_for(
            "the member inherits",
            lambda: machine.bus_call("GetUnit", "s", "member.service", check=False).returncode == 0,
        )
        assert machine.get_unit("member.service") == machine.list_units()["team.slice"]
        assert machine.get_stats("member.service")["Unit"] == "team.slice"
        counts("member.service")
    finally:
        machine.run("systemctl", "stop", "member.service", check=False)


def test_a_transient_unit_may_have_left_before_anyone_looks(worker):
    machine.run("systemd-run", "--wait", "--slice=team.slice", "--unit=brief", "/bin/true")
    assert machine.enforcing()
    assert machine.is_active("scx-slo")


def test_an_edited_drop_in_takes_effect_with_daemon_reload_and_not_before(worker):
    machine.run("systemctl", "start", "worker.service")
    budget_becomes("worker.service", 5000)
    worker.budget("worker.service", "7ms")
    machine.run("systemctl", "restart", "worker.service")
    counts("worker.service")
    assert machine.budget_usec("worker.service") == 5000
    machine.daemon_reload()
    budget_becomes("worker.service", 7000)
    counts("worker.service")


def test_reload_reads_the_files_again(worker):
    worker.budget("worker.service", "8ms")
    machine.run("scx-slo", "reload")
    budget_becomes("worker.service", 8000)


def test_infinity_is_no_budget_even_below_a_slice_with_one(units, worker):
    units.service("free.service", WORK, settings="Slice=team.slice\n", budget="infinity")
    machine.daemon_reload()
    machine.run("systemctl", "start", "free.service")
    budget_becomes("free.service", UNBOUNDED)
    assert machine.get_unit("free.service") != machine.list_units()["team.slice"]
    assert machine.get_stats("free.service")["Misses"] == 0


def test_a_unit_whose_drop_in_is_gone_has_no_budget_any_more(units):
    units.service("fleeting.service", WORK, budget="5ms")
    machine.daemon_reload()
    machine.run("systemctl", "start", "fleeting.service")
    budget_becomes("fleeting.service", 5000)
    (machine.UNIT_DIR / "fleeting.service.d" / "50-slo.conf").unlink()
    machine.daemon_reload()
    assert machine.is_active("fleeting.service")
    machine.wait_for("the unit is forgotten", lambda: "fleeting.service" not in machine.list_units(), limit=20)


@pytest.mark.parametrize("value", ["5", "banana"])
def test_a_bad_value_is_one_line_that_says_what_is_wrong_and_what_is_accepted(units, value):
    mark = machine.journal_mark()
    errors = machine.bus_property("ConfigErrors")
    units.service("mistaken.service", WORK, budget=value)
    machine.daemon_reload()
    machine.run("systemctl", "start", "mistaken.service")
    machine.wait_for("the mistake is counted", lambda: machine.bus_property("ConfigErrors") > errors, limit=20)

    lines = [line for line in machine.journal(mark) if "mistaken.service" in line]
    assert len(lines) == 1, lines
    assert "/run/systemd/system/mistaken.service.d/50-slo.conf:2" in lines[0]
    assert "SloBudget" in lines[0]
    assert value in lines[0].replace("50-slo", "")
    assert "5ms" in lines[0] and "infinity" in lines[0], "what is accepted"

    assert machine.is_active("mistaken.service")
    assert machine.is_active("scx-slo") and machine.enforcing()
    assert "mistaken.service" not in machine.list_units()


def test_a_bad_value_leaves_what_earlier_files_say(units):
    units.service("layered.service", WORK, budget="5ms")
    machine.write_drop_in("layered.service", "[X-Slo]\nSloBudget=banana\n", name="60-mistake.conf")
    machine.daemon_reload()
    machine.run("systemctl", "start", "layered.service")
    budget_becomes("layered.service", 5000)


def test_look_alike_sections_and_unknown_keys_are_warned_about(units):
    mark = machine.journal_mark()
    units.service("careless.service", WORK)
    machine.write_drop_in("careless.service", "[X-SLO]\nSloBudget=5ms\n[X-Slo]\nSloBugdet=5ms\n")
    machine.daemon_reload()
    machine.run("systemctl", "start", "careless.service")

    def warned():
        text = "\n".join(line for line in machine.journal(mark) if "careless.service" in line)
        return "X-SLO" in text and "SloBugdet" in text

    machine.wait_for("both are warned about", warned, limit=20)
    assert "careless.service" not in machine.list_units()
