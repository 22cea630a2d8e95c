# SPDX-License-Identifier: GPL-2.0-only
"""What the witness saw against what scx-slo counted, unit by unit."""

import bisect
import collections
import dataclasses
import math

from jobs import bounded_ns, cause_of

# How far the two may be apart: a share of the jobs and of the misses, buckets of the histogram; and the share of the
# misses for which both name the same cause.
MOST_APART = 0.005
MOST_BUCKETS_APART = 1
# Or less than a switch with its tracing: the kernel's record of one is from its end, what scx-slo counts from where
# the kernel begins to choose. Of a wait of a few microseconds that is many buckets.
SWITCH_NS = 10_000
LEAST_SAME_CAUSES = 0.99
QUANTILES = (0.5, 0.9, 0.99)
CAUSES = {
    "late-start": "MissesLateStart",
    "preempted": "MissesPreempted",
    "overlong": "MissesOverlong",
    "overrun": "MissesOverrun",
}
# A miss is told where its job ends: there the witness has to have one, give or take the time that both take to notice.
SAME_END_NS = 2_000_000


@dataclasses.dataclass(frozen=True)
class Settings:
    metric: str
    budget_ns: int
    max_exec_ns: int


@dataclasses.dataclass(frozen=True)
class Counted:
    """One unit's counters, or what they grew by."""

    jobs: int
    misses: int
    causes: dict
    histograms: dict  # "Wait", "Response": (lower, upper) of a bucket in ns -> jobs

    def since(self, earlier):
        causes = {cause: count - earlier.causes[cause] for cause, count in self.causes.items()}
        histograms = {
            what: {edges: count - earlier.histograms[what].get(edges, 0) for edges, count in buckets.items()}
            for what, buckets in self.histograms.items()
        }
        return Counted(self.jobs - earlier.jobs, self.misses - earlier.misses, causes, histograms)


def counted(stats):
    """From GetStats."""
    return Counted(
        jobs=stats["Jobs"],
        misses=stats["Misses"],
        causes={cause: stats[key] for cause, key in CAUSES.items()},
        histograms={
            what: {(lower, upper): count for lower, upper, count in stats[f"{what}HistogramNSec"]}
            for what in ("Wait", "Response")
        },
    )


def bucket(time_ns):
    """The number of the bucket that holds it: one below 1024 ns, then eight for each power of two."""
    if time_ns < 1024:
        return 0
    power = time_ns.bit_length() - 1
    return 1 + 8 * (power - 10) + (time_ns >> (power - 3)) % 8


def bucket_of_quantile(histogram, quantile):
    rank = math.ceil(quantile * sum(histogram.values()))
    for lower, upper in sorted(histogram):
        rank -= histogram[lower, upper]
        if rank <= 0:
            if bucket(upper) != bucket(lower) + 1:
                raise ValueError(f"a bucket from {lower} to {upper} ns is none that the witness knows")
            return bucket(lower)
    raise ValueError("no jobs")


def quantile_of(times_ns, quantile):
    return sorted(times_ns)[math.ceil(quantile * len(times_ns)) - 1]


@dataclasses.dataclass(frozen=True)
class Line:
    what: str
    witness: str
    counted: str
    apart: str
    agrees: bool


def count_line(what, ours, theirs):
    """One may be apart also of so few that it is more than the bound: its wait is the budget, to the microsecond."""
    apart = abs(ours - theirs)
    share = apart / max(ours, theirs, 1)
    return Line(what, str(ours), str(theirs), f"{100 * share:.2f}%", apart <= 1 or share <= MOST_APART)


def cause_line(how, number, same):
    enough = same >= LEAST_SAME_CAUSES * number - 1
    return Line(f"  same cause, {how}", str(number), str(same), f"{100 * (number - same) / number:.2f}%", enough)


def cause_lines(causes, counter):
    yield from (
        Line(f"  {cause}", str(causes[cause]), str(counter.causes[cause]), "", True)
        for cause in CAUSES
        if causes[cause] or counter.causes[cause]
    )
    most = max(sum(causes.values()), counter.misses)
    if most:
        same = sum(min(causes[cause], counter.causes[cause]) for cause in CAUSES)
        yield cause_line("by their sums", most, same)


def quantile_lines(jobs, counter):
    times_ns = {"Wait": [job.wait_ns for job in jobs], "Response": [job.response_ns for job in jobs]}
    for what, histogram in counter.histograms.items():
        for quantile in QUANTILES:
            exact_ns = quantile_of(times_ns[what], quantile)
            number = bucket_of_quantile(histogram, quantile)
            lower, upper = next(edges for edges in histogram if bucket(edges[0]) == number)
            distance = number - bucket(exact_ns)
            gap_ns = max(lower - exact_ns, exact_ns - upper)
            near = abs(distance) <= MOST_BUCKETS_APART
            apart = f"{distance:+d} bucket" if near else f"{distance:+d} buckets, {gap_ns / 1000:.1f} us"
            yield Line(
                f"p{100 * quantile:g} of {what.lower()}, us",
                f"{exact_ns / 1000:.1f}",
                f"{lower / 1000:.1f}-{upper / 1000:.1f}",
                apart if distance else "",
                near or gap_ns <= SWITCH_NS,
            )


class JobsByEnd:
    """Finds the job that a miss is told of."""

    def __init__(self, jobs):
        self.ends = collections.defaultdict(list)
        for job in sorted(jobs, key=lambda job: job.end_ns):
            self.ends[job.tid].append((job.end_ns, job))

    def find(self, miss):
        ends = self.ends[miss.tid]
        at = bisect.bisect_left(ends, miss.time_ns, key=lambda entry: entry[0])
        near = [job for end_ns, job in ends[max(at - 1, 0) : at + 1] if abs(end_ns - miss.time_ns) <= SAME_END_NS]
        return min(near, key=lambda job: abs(job.end_ns - miss.time_ns), default=None)


@dataclasses.dataclass(frozen=True)
class Singles:
    """The misses of a unit that were told one by one, held against the witness's jobs."""

    told: int
    others: list  # (miss, job): told with another cause than the witness's, or of no job that it knows
    untold: list  # jobs of which the witness says that they missed, and nothing was told


def single_misses(jobs, told, settings):
    by_end = JobsByEnd(jobs)
    pairs = [(miss, by_end.find(miss)) for miss in told if miss.tid in by_end.ends]
    found = {id(job) for _, job in pairs}
    return Singles(
        told=len(pairs),
        others=[(miss, job) for miss, job in pairs if job is None or miss.cause != cause(job, settings)],
        untold=[job for job in jobs if cause(job, settings) and id(job) not in found],
    )


def cause(job, settings):
    return cause_of(job, settings.metric, settings.budget_ns, settings.max_exec_ns)


def compare(jobs, counter, told, settings):
    """Lines of a table, and what is known of single misses."""
    causes = collections.Counter(cause(job, settings) for job in jobs)
    del causes[None]
    lines = [
        count_line("jobs", len(jobs), counter.jobs),
        count_line("misses", sum(causes.values()), counter.misses),
        *cause_lines(causes, counter),
    ]
    singles = single_misses(jobs, told, settings)
    if singles.told:
        lines.append(cause_line("one by one", singles.told, singles.told - len(singles.others)))
    if jobs and counter.jobs:
        lines += quantile_lines(jobs, counter)
    return lines, singles


def render(title, lines):
    rows = [f"{title:50}{'witness':>12}{'scx-slo':>20}{'apart':>20}"]
    for line in lines:
        verdict = "" if line.agrees else "   TOO FAR"
        rows.append(f"  {line.what:48}{line.witness:>12}{line.counted:>20}{line.apart:>20}{verdict}".rstrip())
    return "\n".join(rows)


def describe_job(job, settings):
    over_ns = bounded_ns(job, settings.metric) - settings.budget_ns
    return (
        f"{cause(job, settings) or 'no miss'}, wait {job.wait_ns}, exec {job.exec_ns}, first wait {job.first_wait_ns} ns:"
        f" {abs(over_ns)} ns {'over' if over_ns > 0 else 'within'} the budget"
    )


def describe(singles, settings):
    """A line for each miss that is not the same in both."""
    for miss, job in singles.others:
        known = describe_job(job, settings) if job else "knows no job that ends there"
        said = f"scx-slo {miss.cause}, wait {miss.wait_ns}, exec {miss.exec_ns} ns"
        yield f"tid {miss.tid} at {miss.time_ns} ns: {said}; witness {known}"
    for job in singles.untold:
        yield f"tid {job.tid} at {job.end_ns} ns: scx-slo told of no miss; witness {describe_job(job, settings)}"
