# SPDX-License-Identifier: GPL-2.0-only
"""Whatever is wrong in a drop-in is one line in the journal, and changes nothing but itself."""

import dataclasses

import machine
import pytest

pytestmark = pytest.mark.kernel_independent("drop-ins are read, told of and applied by the daemon alone")

EARLIER = "9ms"
EARLIER_USEC = 9000


@dataclasses.dataclass(frozen=True)
class Mistake:
    content: bytes
    says: tuple  # what the line names: key, value, what is accepted
    line: int | None = 2  # None: the file as a whole
    mode: int = 0o644


MISTAKES = {
    "bare": Mistake(b"[X-Slo]\nSloBudget=5\n", ("SloBudget=5 ", "5ms")),
    "word": Mistake(b"[X-Slo]\nSloBudget=banana\n", ("SloBudget", "banana", "5ms", "infinity")),
    "negative": Mistake(b"[X-Slo]\nSloBudget=-1ms\n", ("SloBudget", "-1ms", "5ms")),
    "metric": Mistake(b"[X-Slo]\nSloMetric=banana\n", ("SloMetric", "banana", "wait", "response")),
    "objective": Mistake(b"[X-Slo]\nSloObjective=100%\n", ("SloObjective", "100%", "99.999%")),
    "key": Mistake(b"[X-Slo]\nSloBuget=5ms\n", ("SloBuget", "SloBudget")),
    "section": Mistake(b"[X-SLO]\nSloBudget=5ms\n", ("[X-SLO]", "[X-Slo]"), line=1),
    "unreadable": Mistake(b"[X-Slo]\nSloBudget=5ms\n", ("chmod",), line=None, mode=0o600),
    "long": Mistake(b"[X-Slo]\nSloBudget=" + b"5ms " * 73 + b"\n", ("SloBudget", "198 bytes")),
    "nul": Mistake(b"[X-Slo]\nSloBudget=5\0ms\n", ("NUL",)),
}


def unit_of(name):
    return f"mistaken-{name}.service"


MISTAKE = "60-mistake.conf"


def path_of(name):
    return machine.drop_in_path(unit_of(name), MISTAKE)


@pytest.fixture(scope="module")
def lines(module_units, anchor):
    """What the journal says about each mistake, after all of them were made at once."""
    module_units.service("seen.service", machine.WORK, budget="20ms")
    machine.daemon_reload()
    machine.start("seen.service")
    machine.ensure_enforcing()
    mark = machine.journal_mark()
    for name, mistake in MISTAKES.items():
        module_units.service(unit_of(name), "/bin/sleep infinity", budget=EARLIER)
        machine.write_drop_in(unit_of(name), mistake.content, MISTAKE, mistake.mode)
    machine.daemon_reload()

    def found():
        journal = machine.journal(mark)
        return {name: [line for line in journal if unit_of(name) in line] for name in MISTAKES}

    machine.wait_for("a word about each mistake", lambda: all(found().values()), limit=60)
    return found()


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_that_says_where_what_and_what_is_accepted(lines, name):
    assert len(lines[name]) == 1, lines[name]
    mistake = MISTAKES[name]
    place = str(path_of(name)) + ("" if mistake.line is None else f":{mistake.line}")
    assert place in lines[name][0]
    for word in mistake.says:
        assert word in lines[name][0]


@pytest.mark.parametrize("name", MISTAKES)
def test_the_journal_finds_it_by_the_unit(lines, name):
    found = machine.output("journalctl", "-q", "-o", "cat", f"SCX_SLO_UNIT={unit_of(name)}").splitlines()
    assert found == lines[name]


def test_the_journal_finds_a_mistake_that_units_share_by_each_of_them(units, enforcing):
    names = ["shared@one.service", "shared@two.service"]
    units.service("shared@.service", "/bin/sleep infinity")
    units.names += names
    machine.daemon_reload()
    machine.start(*names)
    units.budget("shared@.service", "banana")
    machine.daemon_reload()

    def said(name):
        return machine.output("journalctl", "-q", "-o", "cat", f"SCX_SLO_UNIT={name}").splitlines()

    machine.wait_for("a word about it", lambda: said(names[0]), limit=60)
    assert said(names[0]) == said(names[1])
    assert len(said(names[0])) == 1 and "banana" in said(names[0])[0]


@pytest.mark.parametrize("name", MISTAKES)
def test_what_earlier_files_say_applies(lines, name):
    assert machine.budget_usec(unit_of(name)) == EARLIER_USEC


def test_nothing_else_changes(lines):
    assert machine.enforcing() and machine.state() == "enforcing"
    assert machine.budget_usec("seen.service") == 20000
    assert machine.bus_property("ConfigErrors") > 0


def test_a_directory_in_place_of_a_drop_in(units, anchor):
    """systemd may or may not name it to us; either way it is one line at most, and the rest holds."""
    machine.ensure_enforcing()
    mark = machine.journal_mark()
    units.service("misplaced.service", "/bin/sleep infinity", budget=EARLIER)
    directory = machine.drop_in_path("misplaced.service", MISTAKE)
    directory.mkdir()
    try:
        machine.daemon_reload()
        machine.wait_for("the rest holds", lambda: machine.budget_usec("misplaced.service") == EARLIER_USEC, limit=60)
        said = [line for line in machine.journal(mark) if "misplaced.service" in line]
        named = str(directory) in machine.show("misplaced.service", "DropInPaths").split()
        assert len(said) == (1 if named else 0), said
        assert all(str(directory) in line and "directory" in line for line in said)
    finally:
        directory.rmdir()


def test_a_directory_in_place_of_a_configuration_file(enforcing):
    mark = machine.journal_mark()
    directory = machine.CONFIG_DIR / "95-test.conf"
    directory.mkdir(parents=True)
    try:
        machine.run("systemctl", "reload", "scx-slo")

        def said():
            return [line for line in machine.journal(mark) if str(directory) in line]

        machine.wait_for("a word about it", said, limit=30)
        assert len(said()) == 1 and "directory" in said()[0]
        assert machine.enforcing()
    finally:
        directory.rmdir()
        machine.run("systemctl", "reload", "scx-slo")
