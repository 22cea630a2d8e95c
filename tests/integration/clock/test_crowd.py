# SPDX-License-Identifier: GPL-2.0-only
"""A unit that wants more than there is harms neither its neighbours nor best effort; under overload the more
important unit keeps its budget, and the other has its guarantee back once there is room."""

import dataclasses
import json

import crowd
import machine
import pytest
from crowd import Member

FLOOR = 0.05
BACK_WITHIN_S = 5
HONEST = Member("honest", threads=1, exec_us=3000, period_ms=10, settings="SloBudget=10ms")
ABUSER = Member("abuser", threads=8, exec_us=750, period_ms=4, settings="SloBudget=2ms")


@pytest.fixture(scope="module", autouse=True)
def hogs(anchor):
    machine.start("scx-slo")
    crowd.start_hogs()
    yield
    crowd.stop_hogs()
    machine.stop("scx-slo")


def with_reserve(member, reserve):
    return dataclasses.replace(member, settings=f"{member.settings}\nSloReserve={reserve}")


# Without reserves it has to be found out first who is in whose way: what is missed meanwhile is part of it.
@pytest.mark.parametrize(("reserve", "seconds"), [(None, 60), ("50%", 20)])
def test_an_abuser_of_its_budget_harms_nobody(units, reserve, seconds):
    members = [dataclasses.replace(member, seconds=seconds) for member in (HONEST, ABUSER)]
    if reserve is not None:
        members = [with_reserve(member, reserve) for member in members]
    counted, hogs_share = crowd.run(units, members)
    assert counted["honest"]["Jobs"] >= 95 * seconds, "late jobs run into one"
    assert counted["honest"]["Misses"] <= 0.01 * counted["honest"]["Jobs"]
    assert hogs_share >= 0.95 * FLOOR


def test_a_unit_is_kept_to_its_reserve(units):
    # It wants 40% and may have 20% by key; the rest it takes as best effort, beside four hogs.
    limited = Member("limited", 2, 2000, 10, "SloBudget=20ms\nSloReserve=20%\nSloMaxExec=10s")
    counted, _ = crowd.run(units, [HONEST, limited])
    assert counted["honest"]["Misses"] == 0
    assert counted["limited"]["ExecThrottledUSec"] > 0 and counted["limited"]["MissesThrottled"] > 0
    # A tick's run more than the reserve, at most, for what is under way when it is used up.
    assert counted["limited"]["ExecByKeyUSec"] <= (0.20 + 0.04) * limited.seconds * 1_000_000
    assert "20%" in machine.output("scx-slo", "cat", limited.unit)


def shed_changes(mark):
    machine.synchronize()
    lines = machine.output("journalctl", "-q", "-o", "json", "--after-cursor", mark, "-u", "scx-slo").splitlines()
    return [entry for entry in map(json.loads, lines) if "SCX_SLO_SHED" in entry]


def test_under_overload_the_less_important_unit_makes_way_until_there_is_room(units):
    important = Member("important", 1, 6000, 10, "SloBudget=10ms\nSloImportance=1000", seconds=5)
    other = Member("other", 1, 6000, 10, "SloBudget=10ms\nSloImportance=100", seconds=11)
    mark = machine.journal_mark()
    counted, _ = crowd.run(units, [important, other])
    assert counted["important"]["Jobs"] >= 70 * important.seconds, "late jobs run into one"
    assert counted["important"]["Misses"] < 0.1 * counted["important"]["Jobs"]
    changes = shed_changes(mark)
    assert {change["SCX_SLO_UNIT"] for change in changes} == {other.unit}
    # It may be tried again while the overload lasts.
    assert [change["SCX_SLO_SHED"] for change in changes] == ["1", "0"] * (len(changes) // 2)
    lost, back = (int(changes[at]["__MONOTONIC_TIMESTAMP"]) / 1e6 for at in (0, -1))
    assert back - lost <= important.seconds + BACK_WITHIN_S
    assert machine.bus_property("Shed") == []
