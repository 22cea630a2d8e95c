# SPDX-License-Identifier: GPL-2.0-only
"""The arms that are compared, each entered and left as an operator would."""

import pathlib
import random

import machine
import three_units

KERNEL, TUNED, FIFO, OURS = "kernel", "tuned", "fifo", "scx-slo"
# Ours without giving up the less important under overload, and what measuring alone costs.
UNSHED, OBSERVING = "unshed", "observing"
ALL = (KERNEL, TUNED, FIFO, UNSHED, OURS, OBSERVING)
BASELINES = (KERNEL, TUNED, FIFO)

# It has a budget, and hardly does anything.
BESIDE = "bench-beside.service"

CONFIG = pathlib.Path("/etc/scx-slo/scx-slo.conf.d/90-bench.conf")
SETTINGS = {OBSERVING: "[Scheduler]\nMode=observe\n", UNSHED: "[Scheduler]\nShedding=no\n"}


def order(compared, seed):
    """Another one each time, and the same each time that the bench runs."""
    shuffled = list(compared)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def write_beside():
    """Without a budget anywhere scx-slo attaches nothing."""
    machine.write_unit(BESIDE, f"[Service]\nExecStart={machine.WORK}\n")
    machine.write_drop_in(BESIDE, "[X-Slo]\nSloBudget=10ms\n")


def tune(tuned, flat):
    """What an expert does for batch work. systemd keeps the controller for a while after the last who needed it."""
    if tuned:
        machine.write_drop_in(three_units.BATCH, "[Slice]\nCPUWeight=idle\n", "90-bench.conf")
    else:
        machine.remove_files(three_units.BATCH)
    machine.daemon_reload()
    if flat and not tuned:
        flatten()


def flatten():
    """No control group has a share of its own: neither scheduler looks at groups then."""
    if "cpu" not in (machine.CGROUP / "cgroup.subtree_control").read_text().split():
        return
    found = machine.CGROUP.glob("**/cgroup.subtree_control")
    for control in sorted(found, key=lambda path: len(path.parts), reverse=True):
        if "cpu" in control.read_text().split():
            control.write_text("-cpu")


def enter(arm, flat=True):
    """The service starts anew for each arm, so that nothing of the last one is left in the kernel."""
    machine.run("systemctl", "stop", "scx-slo")
    CONFIG.unlink(missing_ok=True)
    tune(arm == TUNED, flat)
    if arm in BASELINES:
        return
    if arm in SETTINGS:
        CONFIG.parent.mkdir(parents=True, exist_ok=True)
        CONFIG.write_text(SETTINGS[arm])
    machine.run("systemctl", "start", "scx-slo")
    machine.wait_for_state("observing" if arm == OBSERVING else "enforcing")


def check(arm):
    """A scheduler that did not stay would have been measured as the kernel's."""
    assert machine.enforcing() == (arm in (OURS, UNSHED)), f"in the arm {arm}: {machine.journal('')}"


def leave(flat=True):
    enter(KERNEL, flat)
