# SPDX-License-Identifier: GPL-2.0-only
"""Units with periodic jobs beside hogs, that together want more than one CPU: for tests of what happens then."""

import dataclasses

import machine
import three_units
from figures import figures

HOGS = 4


@dataclasses.dataclass(frozen=True)
class Member:
    name: str
    threads: int
    exec_us: int
    period_ms: int
    settings: str  # of [X-Slo], one per line
    seconds: int = 3600

    @property
    def unit(self):
        return f"crowd-{self.name}.service"


def start(units, members):
    """Started together, so that nobody has the CPU for itself first."""
    for member in members:
        units.service(
            member.unit,
            f"/usr/local/bin/deadline_jobs --threads {member.threads} --exec {member.exec_us}us"
            f" --period {member.period_ms}ms --limit 1s --seconds {member.seconds}",
            settings="Type=exec\nRemainAfterExit=yes\n",
        )
        machine.write_drop_in(member.unit, f"[X-Slo]\n{member.settings}\n")
    machine.daemon_reload()
    machine.ensure_enforcing()
    machine.run("systemctl", "start", *(member.unit for member in members))
    for member in members:
        machine.wait_for(f"{member.unit} is counted", lambda unit=member.unit: jobs(unit) > 0, 60)


def jobs(unit):
    return machine.get_stats(unit)["Jobs"]


def start_hogs():
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    three_units.start_hogs(HOGS)


def stop_hogs():
    three_units.remove()


def count(members, jobs_of, number):
    """What each unit counts, and the hogs' share of the CPU, while the unit of `jobs_of` ends `number` jobs."""
    before = {member.name: machine.get_stats(member.unit) for member in members}
    since = before[jobs_of.name]["Jobs"]
    hogs = machine.cgroup_of(three_units.HOGS)
    hogs_usec, exec_usec = machine.cpu_usec(hogs), {m.name: machine.cpu_usec(machine.cgroup_of(m.unit)) for m in members}
    machine.wait_for(f"{number} jobs of {jobs_of.unit}", lambda: jobs(jobs_of.unit) >= since + number, 600, pause=0.5)
    hogs_usec = machine.cpu_usec(hogs) - hogs_usec
    used = {m.name: machine.cpu_usec(machine.cgroup_of(m.unit)) - exec_usec[m.name] for m in members}
    counted = {}
    for member in members:
        after = machine.get_stats(member.unit)
        counted[member.name] = {
            key: after[key] - before[member.name][key]
            for key in ("Jobs", "Misses", "MissesThrottled", "ExecByKeyUSec", "ExecThrottledUSec")
        }
    share = hogs_usec / (hogs_usec + sum(used.values()))
    told = ", ".join(f"{name} {c['Misses']} of {c['Jobs']} missed" for name, c in counted.items())
    figures.append(f"crowd: {told}; hogs {100 * share:.1f}% of what was used")
    return counted, share
