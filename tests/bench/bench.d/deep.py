# SPDX-License-Identifier: GPL-2.0-only
"""Instructions per pipe round trip two slices deep, each slice with a CPU weight: the depth at which services run.

What it costs the kernel's scheduler depends on how far apart the two processes are, as it walks from one to the other:
in one unit, in two units of one slice, and in units of slices that have nothing but the root in common. The last is
what happens most where weights matter: one service that answers another."""

import arms
import cost
import machine
from measures import Measure

# Of what the kernel's scheduler takes; near each other it hardly looks at groups.
APART_BOUND, NEAR_BOUND = 1.00, 1.12
NEAR, FAR = ("bench-near.slice", "bench-near-deep.slice"), ("bench-far.slice", "bench-far-deep.slice")
# What runs in a slice keeps it alive, and is where the second process goes. With a budget or without.
ANCHORS = {
    (slices, budgeted): f"{slices[-1].removesuffix('.slice')}{'-slo' if budgeted else ''}.service"
    for slices in (NEAR, FAR)
    for budgeted in (False, True)
}
# name of the figure, slices of the second process (None: it stays in the unit of the first), bound
PLACES = (
    ("in one unit", None, NEAR_BOUND),
    ("between two units of a slice", NEAR, NEAR_BOUND),
    ("between units of two slices", FAR, APART_BOUND),
)
BUDGET = "[X-Slo]\nSloBudget=5ms\n"


def units_of(number):
    return {budgeted: f"bench-pipe-{number}{'-slo' if budgeted else ''}.service" for budgeted in (False, True)}


def settings(slices):
    return f"Slice={slices[-1]}\nCPUWeight=300\n"


def write():
    for name in (*NEAR, *FAR):
        machine.write_unit(name, "[Slice]\nCPUWeight=200\n")
    for (slices, budgeted), anchor in ANCHORS.items():
        machine.write_unit(anchor, f"[Service]\nExecStart=/bin/sleep infinity\n{settings(slices)}")
        if budgeted:
            machine.write_drop_in(anchor, BUDGET)
    machine.daemon_reload()


def write_pipes():
    """The anchors run: where they are is known."""
    for number, (_, slices, _) in enumerate(PLACES):
        for budgeted, unit in units_of(number).items():
            second = machine.cgroup_of(ANCHORS[slices, budgeted]) if slices else ""
            command = f"/usr/local/bin/pipe_round_trips {cost.ROUND_TRIPS} {second}"
            cost.write(unit, command, settings(NEAR))
            if budgeted:
                machine.write_drop_in(unit, BUDGET)
    machine.daemon_reload()


def remove():
    machine.run("systemctl", "stop", *ANCHORS.values(), *reversed(NEAR), *reversed(FAR), check=False)
    pipes = [unit for number in range(len(PLACES)) for unit in units_of(number).values()]
    cost.remove(*pipes, *ANCHORS.values(), *NEAR, *FAR)


def take(unit):
    for slices in (NEAR, FAR):
        parent = machine.cgroup_of(slices[-1])
        assert "cpu" in (parent / "cgroup.subtree_control").read_text().split(), f"{parent} gives no weights"
    return cost.instructions(unit)


def measure(rounds, say):
    compared = (arms.KERNEL, arms.OURS)
    figures = {}
    for number, (name, _, bound) in enumerate(PLACES):
        for budgeted, unit in units_of(number).items():
            title = f"pipe round trip, two slices deep, {name}, {'with a' if budgeted else 'no'} budget"
            figures[unit] = Measure(title, "instructions", compared, bound)
    write()
    try:
        machine.run("systemctl", "start", *ANCHORS.values())
        write_pipes()
        return cost.measure_arms(figures, take, compared, rounds, say, flat=False)
    finally:
        remove()
