# SPDX-License-Identifier: GPL-2.0-only
"""scx-slo stats as an operator looks at it: the histogram, all units in one table, and --watch."""

import json
import re
import signal
import subprocess

import machine
import pytest

PRINTED = pytest.mark.kernel_independent("what the command prints of figures")

WATCH = ("scx-slo", "stats", "seen", "--watch=500ms")


@pytest.fixture(scope="module", autouse=True)
def started(module_units):
    module_units.service("seen.service", machine.WORK, budget="20ms")
    machine.daemon_reload()
    machine.start("seen.service")
    machine.start("scx-slo")
    machine.wait_for("jobs are counted", lambda: machine.get_stats("seen.service")["Jobs"] > 30, limit=60)


@pytest.fixture
def watch(tmp_path):
    """Starts a command whose lines can be read as they come; it is interrupted at the end if it still runs."""
    started = []

    def start(*command):
        path = tmp_path / f"output-{len(started)}"
        with path.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        started.append(process)
        return process, lambda: path.read_text().rpartition("\n")[0].splitlines()

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def histogram(stats, key):
    return sum(jobs for _, _, jobs in stats[key])


def test_the_histograms_on_the_bus_hold_every_job():
    stats = machine.get_stats("seen.service")
    # A job may be counted between the reading of one counter and the next.
    for key in ("WaitHistogramNSec", "ResponseHistogramNSec"):
        assert abs(histogram(stats, key) - stats["Jobs"]) <= 3, key
        assert all(lower < upper and jobs > 0 for lower, upper, jobs in stats[key])
        assert stats[key] == sorted(stats[key])


@PRINTED
def test_stats_of_a_unit_ends_with_a_histogram_no_wider_than_80_columns():
    text = machine.output("scx-slo", "stats", "seen")
    below = text.partition("\nmax ")[2]
    assert "#" in below
    assert "budget" in below
    assert all(len(line) <= 80 for line in below.splitlines())


@PRINTED
def test_stats_without_a_unit_has_a_line_for_each():
    # What may follow after an empty line is about limits.
    lines = machine.output("scx-slo", "stats").partition("\n\n")[0].splitlines()
    assert lines[0].split()[:3] == ["UNIT", "BUDGET", "JOBS"]
    assert any(line.startswith("seen.service ") for line in lines[1:])
    units = json.loads(machine.output("scx-slo", "stats", "--json"))["units"]
    assert len(units) == len(lines) - 1
    assert all(unit["wait"]["histogram"] for unit in units if unit["jobs"] > 0)


@PRINTED
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_watch_prints_again_until_it_is_interrupted(watch, signal_number):
    process, lines = watch(*WATCH)
    machine.wait_for("three prints", lambda: sum("LAST" in line for line in lines()) >= 3, limit=60)
    process.send_signal(signal_number)
    assert process.wait(timeout=60) == 0
    # Jobs of the last interval, and of all.
    rows = [re.split(r"\s{2,}", line) for line in lines() if line.startswith("Jobs  ")]
    assert rows[0][1] == "-"
    assert all(int(row[1]) >= 0 for row in rows[1:])


@PRINTED
def test_a_watch_of_all_units_needs_no_unit(watch):
    _, lines = watch("scx-slo", "stats", "--watch=100ms")
    machine.wait_for("two prints", lambda: sum(line.startswith("seen.service ") for line in lines()) >= 2, limit=60)


@PRINTED
def test_a_watch_goes_on_when_the_daemon_is_stopped_and_started(watch):
    process, lines = watch(*WATCH, "--json")
    answers = lambda: [json.loads(line) for line in lines()]
    machine.wait_for("an interval", lambda: any(answer.get("interval") for answer in answers()), limit=60)
    machine.stop("scx-slo")
    gone = machine.wait_for(
        "told that it is gone", lambda: [answer for answer in answers() if answer["running"] is False], limit=60
    )
    assert "systemctl start scx-slo" in gone[0]["error"]
    machine.start("scx-slo")
    machine.wait_for("told that it is another", lambda: any(a.get("restarted") for a in answers()), limit=120)
    machine.wait_for("an interval again", lambda: answers()[-1].get("interval"), limit=60)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    counted = [answer["interval"] for answer in answers() if answer.get("interval")]
    assert all(interval["jobs"] >= 0 and interval["jobs_per_second"] >= 0 for interval in counted)


@PRINTED
def test_a_watch_does_not_begin_without_the_daemon():
    machine.stop("scx-slo")
    try:
        result = machine.run(*WATCH, check=False)
        assert result.returncode == 1
        assert "systemctl start scx-slo" in result.stderr
    finally:
        machine.start("scx-slo")
