# SPDX-License-Identifier: GPL-2.0-only
"""More units with a budget than Capacity= has counters for: they keep it, and it is said where their jobs are counted."""

import json

import all_stats
import machine
import pytest

SLICE = "crowd.slice"
OWN = "crowd-own.service"
# Each of its jobs is a miss, whatever the scheduler does: it takes longer than its budget.
FOLDED = "crowd-rest.service"
# There is no unit above it that is counted.
ALONE = "outside.service"
OVERRUN = "/usr/local/bin/deadline_jobs --exec 1ms --period 50ms --limit 100ms --seconds 3600"


@pytest.fixture(scope="module", autouse=True)
def crowd(module_units):
    module_units.budget(SLICE, "50ms")
    module_units.service(OWN, machine.WORK, settings=f"Slice={SLICE}\n", budget="20ms")
    module_units.service(FOLDED, OVERRUN, settings=f"Slice={SLICE}\n")
    machine.write_drop_in(FOLDED, "[X-Slo]\nSloBudget=200us\nSloMetric=response\n")
    module_units.service(ALONE, machine.WORK, budget="20ms")
    machine.daemon_reload()
    machine.start(OWN, FOLDED, ALONE)
    machine.configure("[Scheduler]\nCapacity=2\n")
    machine.restart("scx-slo")  # the capacity is that of the start
    machine.ensure_enforcing()
    yield
    machine.configure(None)
    machine.restart("scx-slo")


def listed():
    return {unit["unit"]: unit for unit in json.loads(machine.output("scx-slo", "list", "--json"))["units"]}


def test_status_and_list_say_who_is_counted_with_whom():
    units = listed()
    assert {name: units[name]["counted_with"] for name in (SLICE, OWN, FOLDED, ALONE)} == {
        SLICE: None,
        OWN: None,
        FOLDED: SLICE,
        ALONE: "",
    }
    assert units[FOLDED]["budget_usec"] == 200 and units[FOLDED]["jobs"] is None
    status = machine.output("scx-slo", "status")
    assert "2 of 2 units, 1 counted with a unit above them, 1 not counted" in status
    assert f"in {SLICE}" in status
    told = json.loads(machine.output("scx-slo", "status", "--json"))
    assert (told["capacity"], told["folded"]) == (2, 2)
    assert f"with {SLICE}" in machine.output("scx-slo", "stats", FOLDED)


def test_their_jobs_are_among_those_of_the_unit_above_and_nobody_elses():
    machine.counting(SLICE)  # no task is in the slice itself
    stats = machine.get_stats(FOLDED)
    assert set(stats) == {"Unit", "SloBudgetUSec", "CountedWith"}
    assert stats == {"Unit": FOLDED, "SloBudgetUSec": 200, "CountedWith": SLICE}
    machine.counting(OWN)
    assert machine.get_stats(OWN)["MissesOverrun"] == 0
    assert machine.get_stats(SLICE)["MissesOverrun"] > 0
    units = all_stats.units()
    assert units[FOLDED]["CountedWith"] == SLICE and units[FOLDED]["Jobs"] is None
    assert units[ALONE]["CountedWith"] == "" and units[OWN]["CountedWith"] is None


def test_a_miss_is_told_by_the_name_of_the_unit_that_had_it():
    def told():  # not those of a daemon that ran before, which had counters enough
        return [line for line in machine.misses_told(FOLDED) if SLICE in line["SCX_SLO_UNIT"]]

    line = machine.wait_for("a miss is told", told, limit=120)[0]
    assert sorted(line["SCX_SLO_UNIT"]) == sorted([FOLDED, SLICE])
    assert f"{SLICE} and units counted with it" in line["MESSAGE"]
    assert f"one of {FOLDED} over its 200us" in line["MESSAGE"]
    assert line["SCX_SLO_CAUSE"] == "overrun"


def test_the_journal_has_a_line_about_the_setting_that_finds_no_counters():
    machine.synchronize()
    said = machine.output("journalctl", "-q", "-o", "cat", f"SCX_SLO_UNIT={FOLDED}", "SCX_SLO_KEY=SloBudget")
    assert "Capacity=2 is used up" in said


def test_who_waits_gets_counters_once_another_unit_needs_none_any_more():
    machine.remove_drop_in(OWN)
    machine.daemon_reload()
    machine.wait_for("it is counted by itself", lambda: listed()[FOLDED]["counted_with"] is None, limit=60)
    machine.counting(FOLDED)
    assert machine.get_stats(FOLDED)["MissesOverrun"] > 0
    assert machine.bus_property("Folded") == 1
