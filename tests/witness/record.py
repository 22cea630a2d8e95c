#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Inside the machine: runs a mixed load under each of the two drivers, and records what the kernel traced and what
scx-slo counted meanwhile. Nothing is judged here."""

import argparse
import json
import os
import pathlib
import sys
import time

sys.path[:0] = ["/opt/integration", "/opt/demo"]

import loads  # noqa: E402
import machine  # noqa: E402
import misses  # noqa: E402
import ring  # noqa: E402
from tracefs import Trace  # noqa: E402

# For each CPU; when events found no room, once more with the next.
MEGABYTES = (64, 128, 256)
# As many misses as can be shall be told one by one.
EVENTS = "[Events]\nRate=100000\nBurst=100000\nGlobalRate=100000\n"


def step(text):
    print(f"» {time.monotonic():.0f} s: {text}", flush=True)


def all_stats():
    return {unit: machine.get_stats(unit) for unit in loads.UNITS}


def record(seconds, trace):
    """What both sides have of one stretch of time, at whose ends no job is under way; the load stays as at the end."""
    loads.freeze(True)
    told = misses.of_the_daemon()
    seen = {"tids": loads.tids(), "before": all_stats(), "misses": []}
    trace.start()
    loads.freeze(False)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen["misses"] += map(misses.decode, told.read())
        time.sleep(0.1)
    loads.freeze(True)
    trace.stop()
    seen["misses"] += map(misses.decode, told.read())
    return seen | {"after": all_stats(), "overwritten": told.overwritten}


def enter(state):
    mode = "[Scheduler]\nMode=observe\n" if state == "observing" else ""
    machine.configure(mode + EVENTS)
    machine.run("systemctl", "restart", "scx-slo")
    machine.wait_for_state(state, limit=120)


def measure(state, seconds, directory):
    """Leaves a whole trace in the directory, with what was counted and told meanwhile."""
    for megabytes in MEGABYTES:
        trace = Trace(megabytes)
        try:
            loads.start()
            step(f"{state}: recording for {seconds} s")
            seen = record(seconds, trace)
            assert machine.state() == state
            trace.check_complete()
            loads.stop()
            step(f"{state}: saving what was recorded")
            trace.save(directory)
        except ring.EventsLost as lost:
            step(f"{state}: {lost} of {megabytes} MB; once more with a larger one")
        else:
            (directory / "seen.json").write_text(json.dumps(seen | {"settings": loads.settings()}))
            return
        finally:
            trace.remove()
    raise SystemExit("the events of this machine fit into no trace buffer: fewer seconds may do")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    # With fewer, two jobs within a microsecond of their budget are more than a unit may be apart.
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("states", nargs="*", default=["observing", "enforcing"])
    args = parser.parse_args()
    step("starting PostgreSQL and filling its tables")
    loads.write()
    for state in args.states:
        step(f"{state}: starting the load")
        enter(state)
        directory = pathlib.Path(os.environ["OUT"], state)
        directory.mkdir()
        measure(state, args.seconds, directory)
    machine.run("systemctl", "stop", "scx-slo")
    about = f"Linux {machine.output('uname', '-r')}, {os.cpu_count()} CPUs, {args.seconds} s under each driver"
    pathlib.Path(os.environ["OUT"], "about").write_text(f"{about}\n")


if __name__ == "__main__":
    main()
