# SPDX-License-Identifier: GPL-2.0-only
"""scx-slo record: what is in the trace, who may have one, and how it ends."""

import json
import pathlib
import signal
import subprocess

import known_answer
import machine
import pytest
import trace_file
from figures import figures

USER = "operator"
UNIT = known_answer.UNIT
LOAD = known_answer.Load(exec_ms=1, period_ms=50, budget_ms=20)
WORDS = pytest.mark.kernel_independent("words of the command line")
UNDER_WAY = "a recording is under way"


@pytest.fixture(scope="module", autouse=True)
def started(module_units):
    known_answer.write(module_units, LOAD)
    module_units.service("seen.service", machine.WORK, budget="20ms")
    module_units.service("batch.service", "/usr/bin/stress-ng --cpu 1", settings="Slice=batch.slice\n")
    machine.daemon_reload()
    machine.start("scx-slo", "seen.service")
    machine.wait_for("the units are known", lambda: "seen.service" in machine.list_units(), limit=30)
    yield
    machine.configure(None)


@pytest.fixture
def recording(tmp_path):
    """Starts a recording that goes on until it is interrupted, at the latest when the test is over."""
    path = tmp_path / "going.trace"
    process = None

    def start(*units, seconds=600):
        nonlocal process
        process = subprocess.Popen(
            ["scx-slo", "record", *units, "--for", f"{seconds}s", "-o", path],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        # The header is there once the daemon records.
        machine.wait_for("it is recorded", lambda: process.poll() is not None or has_content(path), limit=120)
        assert process.poll() is None, process.communicate()
        return process, path

    yield start
    if process is not None:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def has_content(path):
    return path.exists() and path.stat().st_size > 0


def end(process):
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 0, complained
    return said


def record(path, *units, seconds=3, check=True, user=None):
    return machine.run(
        "scx-slo", "record", *units, "--for", f"{seconds}s", "-o", path, check=check, user=user, limit=seconds + 120
    )


def jobs_of(trace, unit):
    return sum(record.kind in ("sleep", "exit") for record in trace.of(unit))


@pytest.mark.parametrize("state", ["enforcing", "observing"])
def test_a_trace_has_the_jobs_that_the_workload_counts(state, recording):
    known_answer.enter(state)
    machine.stop(UNIT)
    machine.start("batch.service")
    process, path = recording(UNIT, "batch.slice")
    machine.start(UNIT)
    machine.wait_for("the work is done", lambda: machine.show(UNIT, "SubState") in ("exited", "failed"), limit=120)
    said = json.loads(known_answer.OUTPUT.read_text())
    assert "none lost" in end(process)
    machine.stop("batch.service")
    assert machine.state() == state

    trace = trace_file.read(path)
    trace.check()
    assert trace.state == state
    assert trace.reason == 1
    assert [unit.name for unit in trace.units] == [UNIT, "batch.slice"]
    assert trace.units[0].budget_ns == LOAD.budget_ms * 1_000_000
    assert trace.units[1].budget_ns == 0
    jobs = jobs_of(trace, UNIT)
    figures.append(f"{state}: the workload says {said['n']} jobs, {said['misses']} late; the trace has {jobs} sleeps,"
                   f" and {len(trace.records)} records in all")  # fmt: skip
    # A job so late that the next one is due does not sleep before that.
    assert LOAD.jobs - said["misses"] <= jobs <= LOAD.jobs + known_answer.OTHER_JOBS
    assert any(record.kind in ("run", "stop") for record in trace.of("batch.slice")), "the hog was there"


def test_a_recording_lasts_as_long_as_it_was_to(tmp_path):
    path = tmp_path / "seen.trace"
    said = record(path, "seen", seconds=3).stdout
    assert f"{path}: " in said and "none lost" in said
    trace = trace_file.read(path)
    trace.check()
    assert trace.reason == 0
    assert trace.planned_ns == 3_000_000_000
    assert trace.end_ns - trace.start_ns >= trace.planned_ns
    assert jobs_of(trace, "seen.service") > 10
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_runs_throughout_is_in_the_trace_though_it_does_nothing_else(tmp_path, module_units):
    machine.start("batch.service")
    machine.wait_for("the hog runs", lambda: machine.running_hogs("batch.service") >= 1, limit=60)
    path = tmp_path / "batch.trace"
    record(path, "batch.slice", seconds=1)
    machine.stop("batch.service")
    trace = trace_file.read(path)
    trace.check()
    assert trace.records[0].kind in ("run", "stop"), trace.records[:5]


def test_show_trace_says_what_is_in_it(tmp_path):
    path = tmp_path / "seen.trace"
    record(path, "seen", "batch.slice", seconds=2)
    text = machine.output("scx-slo", "show-trace", path)
    assert " of 2s\n" in text and "none lost" in text
    shown = json.loads(machine.output("scx-slo", "show-trace", "--json", path))
    trace = trace_file.read(path)
    assert shown["records"] == len(trace.records)
    unit = shown["units"][0]
    assert unit["unit"] == "seen.service"
    assert unit["sleeps"] + unit["exits"] == jobs_of(trace, "seen.service")
    assert 0 < unit["jobs"] <= unit["sleeps"] + unit["exits"]
    assert unit["exec_usec"] > 0
    lines = machine.output("scx-slo", "show-trace", "--records", path).splitlines()
    assert len(lines) == len(trace.records)


@WORDS
def test_a_file_that_exists_is_kept(tmp_path):
    path = tmp_path / "precious"
    path.write_text("precious")
    result = record(path, "seen", check=False)
    assert result.returncode == 1
    assert "--force" in result.stderr
    assert path.read_text() == "precious"
    path.chmod(0o644)
    machine.run("scx-slo", "record", "seen", "--for", "1s", "--force", "-o", path)
    trace_file.read(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_trace_can_go_into_a_pipe(tmp_path):
    path = tmp_path / "piped.trace"
    machine.run("sh", "-c", f"scx-slo record seen --for 1s -o - >{path}")
    trace_file.read(path).check()


@pytest.mark.kernel_independent("the daemon lets one in at a time")
def test_one_recording_at_a_time(recording, tmp_path):
    process, _ = recording("seen")
    second = record(tmp_path / "second.trace", "seen", check=False)
    assert second.returncode == 1
    assert UNDER_WAY in second.stderr
    assert not (tmp_path / "second.trace").exists()
    end(process)
    machine.wait_for(
        "the next one may begin", lambda: record(tmp_path / "next.trace", "seen", seconds=1, check=False).returncode == 0
    )


def test_a_reader_that_is_killed_ends_its_recording(recording, tmp_path):
    process, path = recording("seen")
    process.kill()
    process.wait(timeout=60)
    machine.wait_for(
        "the next one may begin", lambda: record(tmp_path / "next.trace", "seen", seconds=1, check=False).returncode == 0
    )
    cut = machine.run("scx-slo", "show-trace", path, check=False)
    assert cut.returncode == 1
    assert "cut short" in cut.stderr
    assert "seen.service" in cut.stdout


def test_a_recording_ends_with_the_daemon(recording):
    process, path = recording("seen")
    machine.restart("scx-slo")
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ended early" in complained
    assert trace_file.read(path).reason == 2
    machine.wait_for("the units are known", lambda: "seen.service" in machine.list_units(), limit=60)


@pytest.mark.kernel_independent("the bus and its policy decide")
def test_a_user_may_not_record(tmp_path):
    tmp_path.chmod(0o777)
    result = record(tmp_path / "user.trace", "seen", check=False, user=USER)
    assert result.returncode == 1
    assert "root" in result.stderr
    result = machine.bus_call_as(USER, "Record", "ast", "1", "seen.service", "1000000", check=False)
    assert result.returncode != 0
    assert "denied" in result.stderr.lower() or "only root" in result.stderr.lower(), result.stderr


@pytest.mark.kernel_independent("the daemon refuses it before the kernel hears of it")
@pytest.mark.parametrize(
    ("units", "usec", "why"),
    [
        (["no-such.service"], 1_000_000, "no-such.service"),
        (["seen.service"], 999_999, "accepted is 1s to 10min"),
        (["seen.service"], 600_000_001, "accepted is 1s to 10min"),
        ([], 1_000_000, "accepted is 1 to 64"),
        ([f"unit-{i}.service" for i in range(65)], 1_000_000, "accepted is 1 to 64"),
        (["seen.service", "seen.service"], 1_000_000, "twice"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_what_can(units, usec, why):
    assert why in machine.refusal("Record", "ast", units, usec)


@WORDS
def test_an_unknown_unit_is_named(tmp_path):
    path = tmp_path / "no.trace"
    result = record(path, "no-such", check=False)
    assert result.returncode == 1
    assert "no-such.service" in result.stderr
    assert not path.exists()


def test_nothing_of_a_recorder_stays_in_the_kernel():
    maps = pathlib.Path("/proc") / str(machine.main_pid()) / "fdinfo"
    assert machine.is_active("scx-slo")
    held = [info.read_text() for info in maps.iterdir()]
    assert not any("max_entries:\t4194304" in text for text in held), "the ring buffer of a recorder"
