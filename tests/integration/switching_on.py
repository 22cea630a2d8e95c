# SPDX-License-Identifier: GPL-2.0-only
"""How long it takes from a command until scx-slo enforces, and where the time goes.

Nobody looks meanwhile, as each look would take CPU time from what is measured: what PID 1 and the daemon say carries
the time at which they said it, and is read from the journal afterwards.
"""

import dataclasses
import json
import time

import bus
import daemon
import machine

LIMIT = 120


@dataclasses.dataclass(frozen=True)
class Switch:
    """Instants in seconds since the command, in order, each with what is over then."""

    steps: tuple

    @property
    def seconds(self):
        return self.steps[-1][1]

    def spans(self):
        before = 0.0
        for what, instant in self.steps:
            yield what, instant - before
            before = instant


def told(cursor):
    """What PID 1 and the daemon have said after the cursor, and when: as it was sent, not as it arrived."""
    machine.synchronize()
    offset = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    for line in machine.output("journalctl", "-q", "-o", "json", "--all", "--after-cursor", cursor).splitlines():
        fields = json.loads(line)
        if "_SOURCE_REALTIME_TIMESTAMP" in fields and fields.get("SYSLOG_IDENTIFIER") in ("systemd", "scx-slod"):
            yield int(fields["_SOURCE_REALTIME_TIMESTAMP"]) / 1e6 - offset, str(fields.get("MESSAGE"))


def instant_of(entries, words):
    """Of the first entry that begins with the words; None where there is none."""
    return next((instant for instant, text in entries if text.startswith(words)), None)


def since(begin, steps):
    """Those steps that are known, up to the last; what nobody said belongs to the step after it."""
    _, end = steps[-1]
    known = ((what, instant) for what, instant in steps if instant and instant <= end)
    return Switch(tuple((what, instant - begin) for what, instant in sorted(known, key=lambda step: step[1])))


def stamp(name):
    return int(machine.show("scx-slo", name)) / 1e6


def loading(entries):
    """The steps until it enforces, as the daemon has told them."""
    return (
        ("the daemon knows that it is to attach", instant_of(entries, "loading BPF programs")),
        ("the verifier, unless it was before; attaching", instant_of(entries, "done with loading")),
        ("the daemon says that it enforces", instant_of(entries, "enforcing:")),
    )


def start():
    """systemctl start of a daemon that finds a unit with a budget."""
    cursor, begin = machine.journal_mark(), time.monotonic()
    machine.run("systemctl", "start", "scx-slo", limit=LIMIT)
    end = time.monotonic()
    assert machine.state() == "enforcing"
    entries = list(told(cursor))
    return since(
        begin,
        (
            ("systemctl, the bus, and PID 1 forks", stamp("ExecMainStartTimestampMonotonic")),
            ("the sandbox is made", stamp("ExecMainHandoffTimestampMonotonic")),
            *loading(entries),
            ("PID 1 hears that it is ready", stamp("ActiveEnterTimestampMonotonic")),
            ("systemctl hears of it and ends", end),
        ),
    )


def enforcing_told(signals):
    return any("State" in heard.body[1] and heard.body[1]["State"][1] == "enforcing" for heard in signals)


def first_budget():
    """systemctl daemon-reload after the first budget was written, for a daemon that has none yet."""
    assert machine.state() == "idle"
    listener = bus.Subscription(interface=bus.PROPERTIES, member="PropertiesChanged", path=daemon.BUS[1])
    cursor, begin = machine.journal_mark(), time.monotonic()
    machine.run("systemctl", "daemon-reload", limit=LIMIT)
    end = time.monotonic() + LIMIT
    while not enforcing_told(listener.signals):
        assert time.monotonic() < end, "the first budget is not enforced"
        listener.read(timeout=LIMIT)
    listener.close()
    entries = list(told(cursor))
    return since(
        begin,
        (
            ("systemctl, the bus, and PID 1 begins", instant_of(entries, "Reloading...")),
            ("PID 1 has read all units", instant_of(entries, "Reloading finished")),
            *loading(entries),
        ),
    )


def table(title, idle, busy):
    """Medians of each step, beside each other."""
    lines = [f"{title:46}{'idle':>10}{'busy':>10}"]
    for what in dict.fromkeys(what for switch in (*idle, *busy) for what, _ in switch.spans()):
        lines.append(f"  {what:44}" + cells([dict(s.spans()).get(what, 0.0) for s in arm] for arm in (idle, busy)))
    totals = cells([switch.seconds for switch in arm] for arm in (idle, busy))
    return "\n".join([*lines, f"  {'all of it':44}{totals}"])


def cells(arms):
    return "".join(f"{1000 * median_of(seconds):8.0f}ms" for seconds in arms)


def median_of(values):
    values = sorted(values)
    return values[len(values) // 2]
