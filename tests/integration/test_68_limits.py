# SPDX-License-Identifier: GPL-2.0-only
"""CPUQuota= while scx-slo is in charge: kept, shown, and named where it cannot be."""

import json
import re
import subprocess
import time

import limits
import machine
import pytest

LIMITED, SLICE = "limited.service", "limited.slice"
HOGS = 4
PERCENT, AT_MOST = 20, 30
SECONDS = 4
# The slice has a limit, and the task is in the last of so many groups below it: more than are looked at.
DEEP, DEPTH = "deep.slice", 18


@pytest.fixture(scope="module")
def limited(anchor, module_units):
    """Hogs in a slice that has a limit."""
    machine.write_unit(SLICE, f"[Slice]\nCPUQuota={PERCENT}%\n")
    module_units.service(LIMITED, limits.hogs(HOGS), settings=f"Slice={SLICE}\n")
    machine.daemon_reload()
    machine.ensure_enforcing()
    machine.start(LIMITED)
    machine.wait_for("they run", lambda: machine.cpu_usec(cgroup()) > 0, 60)
    yield
    machine.stop(LIMITED)
    machine.leave_files(SLICE)


def cgroup():
    return machine.CGROUP / SLICE


def used_percent():
    used, took = limits.used_usec([cgroup()], time.monotonic(), SECONDS)
    return used[0] / took / 10_000


def test_a_quota_is_kept_whoever_schedules(limited):
    """With the scheduler, after it has left, and once it is back."""
    assert machine.enforcing()
    assert used_percent() <= AT_MOST
    machine.run("scx-slo", "detach")
    machine.wait_for_state("observing")
    assert used_percent() <= AT_MOST
    machine.run("scx-slo", "attach")
    machine.wait_for_state("enforcing")
    assert used_percent() <= AT_MOST


def test_stats_say_how_often_it_was_used_up(limited):
    machine.ensure_enforcing()
    shown = machine.wait_for("it was used up", lambda: limits.used_up_more_often_than(SLICE, 0), 60)
    assert (shown["quota_per_sec_usec"], shown["period_usec"], shown["burst_usec"]) == (10_000 * PERCENT, 100_000, 0)
    assert 0 < shown["throttled_periods"] <= shown["periods"]
    lines = machine.output("scx-slo", "stats").splitlines()
    (line,) = (line for line in lines if line.startswith(SLICE))
    assert f"{PERCENT}%" in line.split()
    assert "1 unit with CPUQuota=" in machine.output("scx-slo", "status")
    later = machine.wait_for("it is again", lambda: limits.used_up_more_often_than(SLICE, shown["throttled_periods"]), 60)
    assert later["throttled_usec"] > shown["throttled_usec"]


@pytest.fixture
def deep(anchor):
    """A task too far below a limit."""
    machine.write_unit(DEEP, "[Slice]\nCPUQuota=50%\n")
    machine.daemon_reload()
    machine.start(DEEP)
    levels = [machine.CGROUP / DEEP]
    for number in range(DEPTH):
        (levels[-1] / "cgroup.subtree_control").write_text("+cpu")
        levels.append(levels[-1] / f"level{number}")
        levels[-1].mkdir()
    task = subprocess.Popen(["/bin/sh", "-c", "while sleep 0.1; do :; done"])
    (levels[-1] / "cgroup.procs").write_text(str(task.pid))
    yield
    (levels[1] / "cgroup.kill").write_text("1")
    task.wait()
    for level in reversed(levels[1:]):
        machine.wait_for(f"{level.name} is gone", lambda level=level: remove(level), 60)
    machine.stop(DEEP)
    machine.leave_files(DEEP)
    machine.configure(None)
    machine.ensure_enforcing()


def remove(directory):
    try:
        directory.rmdir()
    except OSError:  # what was killed has not ended yet
        return False
    return True


def names_it(text):
    """The group, that is: which of those above it has the limit is not looked for."""
    return "CPUQuota=" in text and re.search(r"\blevel\d+\b", text)


def test_a_limit_too_far_above_is_named(deep):
    mark = machine.journal_mark()
    machine.restart("scx-slo")
    machine.ensure_enforcing()
    machine.wait_for("status names it", lambda: names_it(machine.output("scx-slo", "status")), 60)
    unkept = json.loads(machine.output("scx-slo", "status", "--json"))["unkept"]
    assert any(entry["setting"] == "CPUQuota=" and entry["unit"].startswith("level") for entry in unkept)
    machine.wait_for("the journal names it", lambda: any(map(names_it, machine.journal(mark))), 60)


def test_with_strict_nothing_is_attached_that_cannot_keep_it(deep):
    machine.stop("scx-slo")
    mark = machine.journal_mark()
    machine.configure("[Scheduler]\nMode=enforce\nStrict=yes\n")
    assert machine.run("systemctl", "start", "scx-slo", check=False).returncode != 0
    assert machine.kernel_state() == "disabled"
    assert any(map(names_it, machine.journal(mark)))
    machine.reset_failed("scx-slo")
    machine.configure("[Scheduler]\nStrict=yes\n")
    machine.start("scx-slo")
    machine.wait_for_state("observing")
    status = machine.run("scx-slo", "status", check=False)
    assert names_it(status.stdout) and status.returncode == 4
