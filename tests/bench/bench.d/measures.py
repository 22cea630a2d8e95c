# SPDX-License-Identifier: GPL-2.0-only
"""What was measured in each arm, the bounds that hold for it, and the table of it all."""

import statistics

import arms


class Measure:
    """One figure, measured in several rounds of all arms; the last arm is the one that is judged.

    bound, bound_least: how much of the median of `reference` its median may be, and has to be; within: how far from it
    that may be, in its unit; most, least: what none of its values may exceed or fall below. What only the daemon does
    has no reference, and no ratio."""

    def __init__(
        self,
        name,
        unit,
        compared,
        bound=None,
        most=None,
        least=None,
        bound_least=None,
        within=None,
        reference=arms.KERNEL,
    ):
        self.name, self.unit, self.arms = name, unit, compared
        self.bound, self.bound_least, self.within, self.most, self.least = bound, bound_least, within, most, least
        self.judged, self.reference = compared[-1], reference
        self.values = {arm: [] for arm in compared}
        # What the reader has to know before the figure means anything.
        self.note = ""

    def add(self, arm, value):
        if arm in self.values:
            self.values[arm].append(value)

    def median(self, arm):
        return statistics.median(self.values[arm]) if self.values.get(arm) else None

    def ratio(self, arm):
        value, reference = self.median(arm), self.median(self.reference)
        return value / reference if value is not None and reference else None

    def kept(self):
        values = self.values[self.judged]
        if not values:
            return False
        value, reference = self.median(self.judged), self.median(self.reference)
        return (
            (self.most is None or max(values) <= self.most)
            and (self.least is None or min(values) >= self.least)
            # Not by the ratio: of nothing there is none, and nothing is less than any part of it.
            and (self.bound is None or value <= self.bound * reference)
            and (self.bound_least is None or value >= self.bound_least * reference)
            and (self.within is None or abs(value - reference) <= self.within)
        )

    def bounds(self):
        known = (
            (self.bound, "× ≤ {:.4g}"),
            (self.bound_least, "× ≥ {:.4g}"),
            (self.within, "± {:.4g}"),
            (self.most, "≤ {:.4g}"),
            (self.least, "≥ {:.4g}"),
        )
        return " ".join(text.format(value) for value, text in known if value is not None)

    def result(self):
        return {
            "unit": self.unit,
            "values": self.values,
            "medians": {arm: self.median(arm) for arm in self.arms},
            "ratios": {arm: self.ratio(arm) for arm in self.arms},
            "reference": self.reference,
            "bound": self.bound,
            "bound_least": self.bound_least,
            "within": self.within,
            "most": self.most,
            "least": self.least,
            "note": self.note,
            "kept": self.kept(),
        }


def failed(section, why):
    """A section that could not be measured: a line in the table, and no bound kept."""
    measure = Measure(section, "not measured", (arms.OURS,))
    measure.note = why
    return measure


def number(value):
    return "-" if value is None else f"{value:.2f}" if abs(value) < 100 else f"{value:.1f}"


def render(measures):
    shown = [arm for arm in arms.ALL if any(arm in measure.arms for measure in measures)]
    width = max(len(f"{measure.name}, {measure.unit}") for measure in measures)
    lines = [f"{'':{width}}" + "".join(f"{arm:>11}" for arm in shown) + f"{'ratio':>9}{'bound':>12}"]
    for measure in measures:
        cells = "".join(f"{number(measure.median(arm)):>11}" for arm in shown)
        compared = measure.bound is not None or measure.bound_least is not None
        ratio = measure.ratio(measure.judged) if compared else None
        verdict = "" if measure.kept() else "   BROKEN"
        note = f"   ({measure.note})" if measure.note else ""
        cells += f"{'-' if ratio is None else f'× {ratio:.3f}':>9}{measure.bounds():>12}"
        lines.append(f"{f'{measure.name}, {measure.unit}':{width}}{cells}{verdict}{note}".rstrip())
    return "\n".join(lines)
