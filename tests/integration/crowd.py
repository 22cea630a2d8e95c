# SPDX-License-Identifier: GPL-2.0-only
"""Units with periodic jobs beside hogs, that together want more than one CPU: for tests of what happens then. Whoever
looks meanwhile has to share best effort's floor with the hogs, so a load has an end, and is looked at afterwards."""

import dataclasses
import errno
import fcntl
import time

import machine
import side_by_side
import three_units
from figures import figures

HOGS = 4
KEYS = ("Jobs", "Misses", "MissesThrottled", "Renewals", "Demotions", "ExecByKeyUSec", "ExecThrottledUSec")


@dataclasses.dataclass(frozen=True)
class Member:
    name: str
    threads: int
    exec_us: int
    period_ms: int
    settings: str  # of [X-Slo], one per line
    seconds: int = 5

    @property
    def unit(self):
        return f"crowd-{self.name}.service"

    def command(self):
        return (
            f"/usr/bin/flock --shared --no-fork {side_by_side.LOCK} /usr/local/bin/deadline_jobs --threads {self.threads}"
            f" --exec {self.exec_us}us --period {self.period_ms}ms --limit 1s --seconds {self.seconds}"
        )


def start_hogs():
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    three_units.start_hogs(HOGS)


def stop_hogs():
    three_units.remove()


def write(units, members):
    for member in members:
        units.service(member.unit, member.command(), settings="Type=exec\nRemainAfterExit=yes\n")
        machine.write_drop_in(member.unit, f"[X-Slo]\n{member.settings}\n")
    machine.daemon_reload()


def is_empty(cgroup):
    try:
        return not (cgroup / "cgroup.procs").read_text()
    except OSError as error:
        # ENODEV: removed between the open and the read.
        if error.errno in (errno.ENOENT, errno.ENODEV):
            return True
        raise


def run(units, members):
    """What each unit counted in a load that all of them begin together, and the hogs' share of the CPU in it."""
    write(units, members)
    machine.ensure_enforcing()
    mark = machine.journal_mark()
    with side_by_side.LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        side_by_side.start_waiting(members)
        before = {member.name: machine.get_stats(member.unit) for member in members}
        hogs, places = machine.cgroup_of(three_units.HOGS), [machine.cgroup_of(member.unit) for member in members]
        usec, begin = machine.cpu_usec(hogs), time.monotonic()
        fcntl.flock(lock, fcntl.LOCK_UN)
        for place in places:
            machine.wait_for(f"{place.name} ends", lambda place=place: is_empty(place), 600, pause=0.2)
        share = (machine.cpu_usec(hogs) - usec) / 1e6 / (time.monotonic() - begin)
    counted = {}
    for member in members:
        after = machine.get_stats(member.unit)
        counted[member.name] = {key: after[key] - before[member.name][key] for key in KEYS}
    told = ", ".join(
        f"{name} {c['Misses']} of {c['Jobs']} missed, {c['Renewals']} renewals, {c['Demotions']} demoted"
        for name, c in counted.items()
    )
    shed = [line for line in machine.journal(mark) if "guarantee" in line]
    figures.append("\n  ".join([f"crowd: {told}; hogs {100 * share:.1f}% of the CPU", *shed]))
    assert machine.enforcing() and machine.show("scx-slo", "NRestarts") == "0"
    return counted, share
