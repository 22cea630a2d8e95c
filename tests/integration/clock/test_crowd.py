# SPDX-License-Identifier: GPL-2.0-only
"""A unit that wants more than there is harms neither its neighbours nor best effort; under overload the more
important unit keeps its budget, and the other is back once there is room."""

import crowd
import machine
import pytest
from crowd import Member

FLOOR = 0.05
HONEST = Member("honest", threads=1, exec_us=3000, period_ms=10, settings="SloBudget=10ms")
ABUSER = Member("abuser", threads=8, exec_us=750, period_ms=4, settings="SloBudget=2ms")


@pytest.fixture(scope="module", autouse=True)
def hogs():
    crowd.start_hogs()
    machine.run("systemctl", "start", "scx-slo")
    yield
    machine.run("systemctl", "stop", "scx-slo")
    crowd.stop_hogs()


def with_reserve(member, reserve):
    return Member(**{**vars(member), "settings": f"{member.settings}\nSloReserve={reserve}"})


@pytest.mark.parametrize("reserve", [None, "50%"])
def test_an_abuser_of_its_budget_harms_nobody(units, reserve):
    members = [HONEST, ABUSER] if reserve is None else [with_reserve(HONEST, reserve), with_reserve(ABUSER, reserve)]
    crowd.start(units, members)
    counted, hogs_share = crowd.count(members, members[0], 500)
    assert counted["honest"]["Misses"] <= 0.01 * counted["honest"]["Jobs"]
    assert hogs_share >= 0.95 * FLOOR


def shed():
    return machine.bus_property("Shed")


def test_a_unit_is_kept_to_its_reserve(units):
    # It wants 40% and may have 20% by key; the rest it takes as best effort, beside four hogs.
    limited = Member("limited", threads=2, exec_us=2000, period_ms=10, settings="SloBudget=20ms\nSloReserve=20%\nSloMaxExec=10s")
    crowd.start(units, [HONEST, limited])
    counted, _ = crowd.count([HONEST, limited], HONEST, 300)
    begin = machine.get_stats(limited.unit)
    assert counted["honest"]["Misses"] == 0
    assert "SloReserve" in machine.output("scx-slo", "cat", limited.unit)
    machine.run("systemctl", "stop", limited.unit)
    ended = machine.get_stats(limited.unit)
    assert ended["ExecThrottledUSec"] > 0, "it wanted more than it may have"
    assert ended["Jobs"] >= begin["Jobs"]


def test_under_overload_the_less_important_unit_makes_way_until_there_is_room(units):
    important = Member("important", 1, 6000, 10, "SloBudget=10ms\nSloImportance=1000")
    other = Member("other", 1, 6000, 10, "SloBudget=10ms\nSloImportance=100")
    mark = machine.journal_mark()
    crowd.start(units, [important, other])
    machine.wait_for("the less important unit is shed", lambda: shed() == [other.unit], 60)
    assert f"Shed       {other.unit};" in machine.output("scx-slo", "status")
    counted, _ = crowd.count([important, other], important, 500)
    assert counted["important"]["Misses"] < 0.01 * counted["important"]["Jobs"]
    assert shed() == [other.unit], "while it lasts"

    machine.run("systemctl", "stop", important.unit)
    machine.wait_for("it has its guarantee back", lambda: shed() == [], 60)
    told = [line for line in machine.journal(mark) if "guarantee" in line]
    assert [line.split(":")[0] for line in told] == [
        f"{other.unit} loses its guarantee under overload",
        f"{other.unit} has its guarantee back",
    ]
