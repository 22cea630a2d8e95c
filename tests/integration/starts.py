# SPDX-License-Identifier: GPL-2.0-only
"""Units that start while scx-slo runs: what they run, and what the kernel has been told of their cgroups."""

import json
import pathlib

import machine

JOBS = 50
OUTPUT = pathlib.Path("/run/starts.json")
# One second's jobs, each of which is known; then it stays, so that its figures can be asked for.
COMMAND = f"/usr/local/bin/deadline_jobs --json --exec 1ms --period 20ms --limit 11ms --seconds {JOBS * 20 // 1000}"
# What a process does to start and to end is jobs too.
OTHER_JOBS = 12
# That of PID 1 and the bus, who work for the start too.
BUDGET = "10ms"


def entries(name):
    """Keys of a map of the daemon's, cgroup ids all."""
    keys = []
    for entry in json.loads(machine.output("bpftool", "-j", "map", "dump", "name", name)):
        key = entry.get("formatted", entry)["key"]
        keys.append(key if isinstance(key, int) else int.from_bytes(bytes(int(byte, 16) for byte in key), "little"))
    return set(keys)


def has_settings(cgroup):
    return cgroup.stat().st_ino in entries("cfg_map")


def run_in(cgroup, command):
    """Runs a command to its end with all of it in a cgroup that is there."""
    machine.run("sh", "-c", f"echo 0 >{cgroup}/cgroup.procs && exec {command}")


def figures_of(unit):
    stats = machine.get_stats(unit)
    return stats["Jobs"], stats["Misses"]
