# SPDX-License-Identifier: GPL-2.0-only
"""A service all of whose jobs miss, as many of them as one CPU can have; see tests/workloads/miss_flood.cpp."""

import dataclasses
import json
import pathlib
import shutil
import time

import all_stats
import machine
import side_by_side

DIRECTORY = pathlib.Path("/run/miss-flood")
COUNTERS = ("Jobs", "EventsSuppressed", "EventsLost", "Demotions", "ExecUSec", "WaitMaxUSec", "ResponseMaxUSec")
HISTOGRAMS = ("WaitHistogramNSec", "ResponseHistogramNSec")


@dataclasses.dataclass(frozen=True)
class Flood:
    said: dict  # what miss_flood printed
    before: dict  # of GetAllStats
    reads: list  # the same, while it lasted
    after: dict

    def grown(self, key):
        return self.after[key] - self.before[key]

    @property
    def seconds(self):
        return self.said["ns"] / 1e9

    @property
    def misses_per_second(self):
        return self.grown("Misses") / self.seconds

    @property
    def wait_ns(self):
        """The mean is given in whole microseconds: may be wrong by half of one for each job."""
        sums_us = [(stats["WaitMeanUSec"] or 0) * stats["Jobs"] for stats in (self.before, self.after)]
        return 1000 * (sums_us[1] - sums_us[0])

    @property
    def sent(self):
        """Misses that had a record of their own."""
        return self.grown("Misses") - self.grown("EventsSuppressed") - self.grown("EventsLost")

    def __str__(self):
        return (
            f"{self.grown('Misses')} misses of {self.grown('Jobs')} jobs (script {self.said['jobs']}, kernel"
            f" {self.said['kernel_jobs']}) in {self.seconds:.3f} s, {self.misses_per_second:.0f}/s, read"
            f" {len(self.reads)} times; records sent {self.sent}, suppressed {self.grown('EventsSuppressed')}, lost"
            f" {self.grown('EventsLost')}"
        )


def write(units, unit, tasks):
    # Near the root, as the kernel's own accounting has a part for each cgroup above.
    settings = "Type=exec\nSlice=-.slice\n"
    units.service(unit, f"/usr/local/bin/miss_flood {tasks} {DIRECTORY}", settings, budget="100us")
    machine.daemon_reload()


def start(unit):
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir()
    machine.start(unit)
    machine.wait_for(f"{unit} is ready", (DIRECTORY / "ready").exists, limit=120)
    machine.wait_for(f"{unit} is known", lambda: side_by_side.is_known(unit), limit=60)


def play(unit, waves):
    """Floods, and reads the unit's figures all the while."""
    before = all_stats.units()[unit]
    order, result = DIRECTORY / "go.new", DIRECTORY / "result"
    order.write_text(f"{waves}\n")
    order.rename(DIRECTORY / "go")
    reads = []
    end = time.monotonic() + 300
    while not result.exists():
        assert time.monotonic() < end, "the flood does not end"
        time.sleep(0.4)  # each reading takes some of the CPU
        reads.append(all_stats.units()[unit])
    said = json.loads(result.read_text())
    result.unlink()
    return Flood(said, before, reads, all_stats.units()[unit])


def misses_by_cause(stats):
    return {key: count for key, count in stats.items() if key.startswith("Misses") and key != "Misses"}


def jobs_by_bucket(histogram):
    return {lower: jobs for lower, _, jobs in histogram}


def decreased(earlier, later):
    """Which counters are less in the later reading."""
    counters = (*COUNTERS, "Misses", *misses_by_cause(earlier))
    less = [key for key in counters if (later[key] or 0) < (earlier[key] or 0)]
    for key in HISTOGRAMS:
        now = jobs_by_bucket(later[key])
        less += [f"{key} from {lower}" for lower, n in jobs_by_bucket(earlier[key]).items() if now.get(lower, 0) < n]
    return less
