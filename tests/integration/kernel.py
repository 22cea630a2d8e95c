# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own word: which scheduler runs, and what tasks and cgroups have had."""

import pathlib
import time

from commands import wait_for
from systemd import cgroup_of

SCHED_EXT = pathlib.Path("/sys/kernel/sched_ext")


def cpu_usec(cgroup):
    """CPU time used by a cgroup and all below it, in microseconds."""
    for line in (cgroup / "cpu.stat").read_text().splitlines():
        key, value = line.split()
        if key == "usage_usec":
            return int(value)
    raise AssertionError(f"no usage_usec in {cgroup}/cpu.stat")


def cpu_share(cgroup, begin, end, tick=lambda done: None):
    """CPU time of the cgroup per second, between two instants of time.monotonic() of which the first is now or later.

    Every reading carries its own instant, so it does no harm that the reader itself has to wait for a CPU. `tick` is
    told with each how many seconds of that time are over.
    """
    first = last = None
    while True:
        now, used = time.monotonic(), cpu_usec(cgroup)
        if now >= end:
            break
        if now >= begin:
            first = first or (now, used)
            last = (now, used)
            tick(now - begin)
        time.sleep(0.1)
    assert first and last[0] - first[0] > (end - begin) / 2, "too few readings in the measured time"
    return (last[1] - first[1]) / 1e6 / (last[0] - first[0])


def running_hogs(unit):
    """How many CPU-bound workers of stress-ng run in the unit; its parent process only waits."""
    count = 0
    for pid in (cgroup_of(unit) / "cgroup.procs").read_text().split():
        try:
            name, _, rest = pathlib.Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        count += name.startswith("stress-ng-") and rest.split()[0] == "R"
    return count


def freeze(frozen, *units):
    """Holds all tasks of the units still, or lets them go on."""
    cgroups = [cgroup_of(unit) for unit in units]
    for cgroup in cgroups:
        (cgroup / "cgroup.freeze").write_text(f"{frozen:d}")
    for cgroup in cgroups:
        wanted = f"frozen {frozen:d}"
        events = cgroup / "cgroup.events"
        wait_for(f"{cgroup} is {wanted}", lambda: wanted in events.read_text().splitlines(), limit=60)


def kernel_state():
    return (SCHED_EXT / "state").read_text().strip()


def guards_against_real_time():
    """Whether the kernel keeps a share of each CPU for a sched_ext scheduler's tasks (since Linux 7.0)."""
    return " ext_server_init\n" in pathlib.Path("/proc/kallsyms").read_text()


def kernel_hands_back():
    """Whether who loses its CPU to a higher class comes back to a sched_ext scheduler (since Linux 7.1)."""
    return b"\0SCX_ENQ_IMMED\0" in pathlib.Path("/sys/kernel/btf/vmlinux").read_bytes()


def kernel_ops():
    path = SCHED_EXT / "root" / "ops"
    return path.read_text().strip() if path.exists() else ""


def enforcing():
    return kernel_state() == "enabled" and kernel_ops().startswith("scx_slo")


def enable_seq():
    """How many times a scheduler has been enabled since the boot."""
    return int((SCHED_EXT / "enable_seq").read_text())
