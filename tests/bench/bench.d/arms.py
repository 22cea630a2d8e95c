# SPDX-License-Identifier: GPL-2.0-only
"""The arms that are compared, each entered and left as an operator would, and the table of what they gave."""

import pathlib
import statistics

import machine

# Observing is no scheduler of ours, but what measuring alone costs.
ARMS = ("kernel", "scx-slo", "observing")
CONFIG = pathlib.Path("/etc/scx-slo/scx-slo.conf.d/90-bench.conf")


def enter(arm):
    """The service starts anew for each arm, so that nothing of the last one is left in the kernel."""
    machine.run("systemctl", "stop", "scx-slo")
    CONFIG.unlink(missing_ok=True)
    if arm == "kernel":
        return
    if arm == "observing":
        CONFIG.parent.mkdir(parents=True, exist_ok=True)
        CONFIG.write_text("[Scheduler]\nMode=observe\n")
    machine.run("systemctl", "start", "scx-slo")
    expected = "observing" if arm == "observing" else "enforcing"
    machine.wait_for(f"scx-slo is {expected}", lambda: machine.bus_property("State") == expected, 60)


def check(arm):
    """A scheduler that did not stay would have been measured as the kernel's."""
    assert machine.enforcing() == (arm == "scx-slo"), f"in the arm {arm}: {machine.journal('')}"


class Measure:
    """One figure, measured in several rounds of all arms: lower is better.

    bound: how much of the kernel's median that of the last arm may be; most: what none of its values may exceed. What
    only the daemon does has no arm "kernel", and no ratio."""

    def __init__(self, name, unit, arms, bound=None, most=None):
        self.name, self.unit, self.arms, self.bound, self.most = name, unit, arms, bound, most
        self.judged = arms[-1]
        self.values = {arm: [] for arm in arms}

    def median(self, arm):
        return statistics.median(self.values[arm])

    def ratio(self, arm):
        return self.median(arm) / self.median("kernel") if "kernel" in self.arms else None

    def kept(self):
        if self.most is not None and max(self.values[self.judged]) > self.most:
            return False
        return self.bound is None or self.ratio(self.judged) <= self.bound

    def result(self):
        return {
            "unit": self.unit,
            "values": self.values,
            "medians": {arm: self.median(arm) for arm in self.arms},
            "ratios": {arm: self.ratio(arm) for arm in self.arms},
            "bound": self.bound,
            "most": self.most,
            "kept": self.kept(),
        }


def render(measures):
    width = max(len(f"{measure.name}, {measure.unit}") for measure in measures)
    lines = [f"{'':{width}}  " + "".join(f"{arm:>20}" for arm in ARMS) + f"{'bound':>12}"]
    for measure in measures:
        cells = ""
        for arm in ARMS:
            text = "-" if arm not in measure.arms else f"{measure.median(arm):.1f}"
            if arm in measure.arms and arm != "kernel" and measure.ratio(arm) is not None:
                text += f" (× {measure.ratio(arm):.3f})"
            cells += f"{text:>20}"
        bounds = [f"× {measure.bound:g}"] if measure.bound is not None else []
        bounds += [f"each {measure.most:g}"] if measure.most is not None else []
        verdict = "" if measure.kept() else "   BROKEN"
        lines.append(f"{f'{measure.name}, {measure.unit}':{width}}  {cells}{' '.join(bounds):>12}{verdict}")
    return "\n".join(lines)
