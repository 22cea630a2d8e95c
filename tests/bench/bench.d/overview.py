# SPDX-License-Identifier: GPL-2.0-only
"""How soon the daemon tells the figures of hundreds of units that work, and what memory it takes for them."""

import os
import time

import all_stats
import arms
import machine
from measures import Measure

MOST_MS = 50
MOST_MIB = 32
UNITS = [f"bench-one@{number}.service" for number in range(300)]
TEMPLATE = "bench-one@.service"
# Jobs enough for a median.
JOBS = 20
CALLS = 3


def prepare():
    machine.write_unit(
        TEMPLATE,
        "[Service]\nExecStart=/usr/local/bin/deadline_jobs --exec 100us --period 500ms --limit 500ms --seconds 3600\n",
    )
    machine.write_drop_in(TEMPLATE, "[X-Slo]\nSloBudget=20ms\n")
    machine.daemon_reload()
    machine.run("systemctl", "start", *UNITS, limit=1500)


def work():
    units = all_stats.units()
    return all(name in units and units[name]["Jobs"] >= JOBS for name in UNITS)


def answer_ms(last):
    """Asks until the answer is a document of its own, and not the one that was made a moment ago."""
    while True:
        begin = time.monotonic()
        file = all_stats.file()
        took_ms = 1000 * (time.monotonic() - begin)
        inode = os.fstat(file).st_ino
        os.close(file)
        if inode != last:
            return took_ms, inode


def measure(rounds, say):
    answer = Measure(f"figures of {len(UNITS)} units", "ms", (arms.OURS,), most=MOST_MS)
    memory = Measure(f"memory with {len(UNITS)} units", "MiB", (arms.OURS,), most=MOST_MIB)
    prepare()
    for number in range(rounds):
        arms.enter(arms.OURS)
        machine.wait_for("all units have figures", work, 120, pause=0.5)
        _, inode = answer_ms(None)
        for _ in range(CALLS):
            took_ms, inode = answer_ms(inode)
            answer.values[arms.OURS].append(took_ms)
            say(f"round {number + 1}: {answer.name}: {took_ms:.1f} ms")
        own_kib, maps_kib = machine.memory_kib()
        memory.values[arms.OURS].append(own_kib / 1024)
        say(f"round {number + 1}: {memory.name}: {own_kib / 1024:.1f} MiB, and {maps_kib / 1024:.1f} of the kernel's maps")
        arms.check(arms.OURS)
    machine.run("systemctl", "stop", *UNITS, limit=600)
    machine.remove_files(TEMPLATE)
    return [answer, memory]
