# SPDX-License-Identifier: GPL-2.0-only
"""The figures of all units in one document, and what the daemon needs for hundreds of them."""

import json
import os

import all_stats
import machine
import pytest
from figures import figures

DOCUMENT = pytest.mark.kernel_independent("the form of a document, and who else tells the same")

BUDGETS = {"one.service": "20ms", "two.service": "3ms"}
# Its jobs are not counted.
FREE = "free.service"
MANY = 300
MOST_KIB = 32 * 1024


@pytest.fixture(scope="module", autouse=True)
def started(module_units):
    for name, budget in BUDGETS.items():
        module_units.service(name, machine.WORK, budget=budget)
    module_units.service(FREE, machine.WORK, budget="infinity")
    machine.daemon_reload()
    machine.start(*BUDGETS, FREE)
    machine.start("scx-slo")
    # A daemon that runs already is told a moment after systemd.
    machine.wait_for("the units are known", lambda: {*BUDGETS, FREE} <= set(machine.list_units()), limit=120)
    for name in BUDGETS:
        machine.wait_for(f"jobs of {name} are counted", lambda name=name: machine.get_stats(name)["Jobs"] > 30, limit=120)


def test_the_document_says_of_each_unit_what_get_stats_says():
    before = {name: machine.get_stats(name) for name in BUDGETS}
    units = all_stats.units()
    after = {name: machine.get_stats(name) for name in BUDGETS}
    assert set(BUDGETS) <= set(units)
    for name in BUDGETS:
        told = units[name]
        assert set(after[name]) <= set(told), name
        for key in ("Jobs", "Misses", "ExecUSec", "WaitMaxUSec"):
            assert before[name][key] <= told[key] <= after[name][key], f"{name} {key}"
        # Whatever is only in the document is not known yet: 1,000 jobs of this load take 50 s.
        assert all(told[key] is None for key in set(told) - set(after[name])), name
        assert told["WaitP50USec"] is not None and told["ResponseP50USec"] is not None
        assert told["WaitP999USec"] is None and told["ResponseP999USec"] is None
        # A job may be counted between the reading of one counter and the next.
        for key in ("WaitHistogramNSec", "ResponseHistogramNSec"):
            assert abs(sum(jobs for _, _, jobs in told[key]) - told["Jobs"]) <= 3, f"{name} {key}"
    assert units["one.service"]["SloBudgetUSec"] == 20000


@DOCUMENT
def test_what_is_infinite_and_what_no_job_tells_is_null():
    free = all_stats.units()[FREE]
    assert free["Jobs"] == 0
    for key in ("SloBudgetUSec", "MissRatio", "WaitMaxUSec", "ResponseMaxUSec", "WaitP50USec"):
        assert free[key] is None, key
    # GetStats of the same unit says it in its own way.
    told = machine.get_stats(FREE)
    assert told["SloBudgetUSec"] == 2**64 - 1
    assert "WaitMaxUSec" not in told and "MissRatio" not in told


@DOCUMENT
def test_the_command_line_shows_the_same_units():
    shown = {unit["unit"] for unit in json.loads(machine.output("scx-slo", "stats", "--json"))["units"]}
    assert shown == set(all_stats.units())


# Asks three times, keeps what it gets, and says how each went.
THREE = """
from jeepney import DBusAddress, HeaderFields, new_method_call
from jeepney.io.blocking import open_dbus_connection
connection = open_dbus_connection("SYSTEM", enable_fds=True)
call = lambda: new_method_call(DBusAddress("/org/scxslo", "org.scxslo", "org.scxslo.Manager1"), "GetAllStats")
kept = [connection.send_and_get_reply(call()) for _ in range(3)]
print(*(reply.header.fields.get(HeaderFields.error_name, "given") for reply in kept))
"""


@DOCUMENT
def test_a_user_may_leave_two_documents_unread_and_root_is_not_refused():
    kept = [all_stats.file() for _ in range(14)]
    try:
        said = machine.output("python3", "-c", THREE, user="nobody")
        assert said == "given given org.freedesktop.DBus.Error.LimitsExceeded"
        assert all_stats.units()
    finally:
        for file in kept:
            os.close(file)


def open_files():
    return len(os.listdir(f"/proc/{machine.main_pid()}/fd"))


@pytest.fixture
def many():
    """Units with a budget that do not run: they are known like others."""
    names = [f"many-{number}.service" for number in range(MANY)]
    for name in names:
        machine.write_unit(name, "[Service]\nExecStart=/bin/sleep infinity\n[X-Slo]\nSloBudget=10ms\n")
    machine.daemon_reload()
    machine.wait_for("all of them are known", lambda: set(names) <= set(machine.list_units()), limit=300)
    yield names
    for name in names:
        machine.remove_files(name)
    machine.daemon_reload()


@pytest.mark.timeout(900)
def test_hundreds_of_units_and_who_keeps_documents_make_nothing_grow(many):
    assert set(many) <= set(all_stats.units())
    files = open_files()
    kept = [all_stats.file() for _ in range(200)]
    try:
        # The last document is the daemon's too for a moment.
        machine.wait_for("it has let go of them", lambda: open_files() <= files, limit=30)
        occupied, maps = machine.memory_kib()
    finally:
        for file in kept:
            os.close(file)
    figures.append(f"memory with {MANY} units: {occupied} KiB, and {maps} KiB of the kernel's maps")
    assert occupied <= MOST_KIB
