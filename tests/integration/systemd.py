# SPDX-License-Identifier: GPL-2.0-only
"""Units: their jobs and their properties, of systemd by the bus."""

import pathlib
import time

from bus import SYSTEM, Refused
from unit_files import FILES

CGROUP = pathlib.Path("/sys/fs/cgroup")
NAME, PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
MANAGER = (NAME, PATH, f"{NAME}.Manager")
NOT_LOADED = f"{NAME}.NoSuchUnit"
# Seconds for what PID 1 does on a busy machine.
LIMIT = 120
# Properties that are not those of a type of unit.
OF_ALL_TYPES = {"ActiveState", "SubState", "ConditionResult", "DropInPaths", "ActiveEnterTimestampMonotonic"}
TYPES = (".service", ".slice", ".scope", ".timer", ".socket", ".target", ".mount")


def daemon_reload(force=False):
    """Where no file has changed since the last one there is nothing to read; `force` is for who wants it anyway."""
    if FILES.settle(anyway=force):
        SYSTEM.call(MANAGER, "Reload", limit=LIMIT, patient=True)
        FILES.changed = False


def full_name(unit):
    return unit if unit.endswith(TYPES) else f"{unit}.service"


def object_path(unit):
    escaped = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() and (at or not chr(byte).isdigit()) else f"_{byte:02x}"
        for at, byte in enumerate(full_name(unit).encode())
    )
    return f"{PATH}/unit/{escaped}"


def as_shown(value):
    """As systemctl show has it, except for what it translates: times, and sets of flags."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def show(unit, name):
    kind = "Unit" if name in OF_ALL_TYPES else full_name(unit).rpartition(".")[2].capitalize()
    return as_shown(SYSTEM.property((NAME, object_path(unit), f"{NAME}.{kind}"), name, limit=LIMIT, patient=True))


def is_active(unit):
    return show(unit, "ActiveState") in ("active", "reloading")


def is_loaded(unit):
    try:
        SYSTEM.call(MANAGER, "GetUnit", "s", full_name(unit), limit=LIMIT, patient=True)
    except Refused as refused:
        if refused.name != NOT_LOADED:
            raise
        return False
    return True


def await_jobs(jobs, limit):
    """Waits until the jobs, units by the paths of their objects, have ended; returns what became of each unit."""
    results, removed, end = {}, SYSTEM.jobs_removed(), time.monotonic() + limit
    while True:
        while removed:
            _, path, _, result = removed.popleft().body
            if path in jobs:
                results[jobs[path]] = result
        if len(results) == len(set(jobs.values())):
            return results
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: the jobs of {set(jobs.values()) - set(results)}")
        SYSTEM.read(max(0.0, end - time.monotonic()))


def run_jobs(method, *units, limit=LIMIT, or_unloaded=False):
    """As systemctl does it: a job for each of the units, and then all have to end well."""
    SYSTEM.jobs_removed().clear()
    jobs = {}
    for unit in units:
        try:
            (job,) = SYSTEM.call(MANAGER, method, "ss", full_name(unit), "replace", limit=limit, patient=True)
        except Refused as refused:
            if not (or_unloaded and refused.name == NOT_LOADED):
                raise
        else:
            jobs[job] = unit
    failed = {unit: result for unit, result in await_jobs(jobs, limit).items() if result not in ("done", "skipped")}
    assert not failed, f"{method}: {failed}"


def start(*units, limit=LIMIT):
    run_jobs("StartUnit", *units, limit=limit)


def restart(*units, limit=LIMIT):
    run_jobs("RestartUnit", *units, limit=limit)


def stop(*units, limit=LIMIT, or_unloaded=False):
    run_jobs("StopUnit", *units, limit=limit, or_unloaded=or_unloaded)


def reset_failed(*units):
    for unit in units:
        try:
            SYSTEM.call(MANAGER, "ResetFailedUnit", "s", full_name(unit), limit=LIMIT, patient=True)
        except Refused as refused:
            if refused.name != NOT_LOADED:  # who is not loaded has not failed
                raise


def cgroup_of(unit):
    path = show(unit, "ControlGroup")
    assert path, f"{unit} has no cgroup"
    return CGROUP / path.lstrip("/")
