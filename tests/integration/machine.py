# SPDX-License-Identifier: GPL-2.0-only
"""What the tests and the demo do to the booted machine: systemd, the bus, the kernel's own word. Run as root there."""

import json
import os
import pathlib
import signal
import subprocess
import threading
import time

BUS = ("org.scxslo", "/org/scxslo", "org.scxslo.Manager1")
UNIT_DIR = pathlib.Path("/run/systemd/system")
CGROUP = pathlib.Path("/sys/fs/cgroup")
SCHED_EXT = pathlib.Path("/sys/kernel/sched_ext")
CONFIG_DIR = pathlib.Path("/etc/scx-slo/scx-slo.conf.d")
# A light load for a service: so light that it keeps up on a machine that is emulated on a busy host.
WORK = "/usr/local/bin/deadline_jobs --exec 100us --period 50ms --limit 100ms --seconds 3600"


def run(*command, check=True, limit=120, user=None):
    """Runs a command to its end; with check a failure raises, showing what the command said."""
    command = [str(word) for word in command]
    if user:
        command = ["runuser", "-u", user, "--", *command]
    result = subprocess.run(command, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def output(*command, **options):
    return run(*command, **options).stdout.strip()


def wait_for(what, condition, limit=10.0, pause=0.05):
    """Waits until condition() is true and returns its value; after `limit` seconds it is an error that names `what`."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what} (last: {value!r})")
        time.sleep(pause)


# systemd


def write_unit(name, text):
    UNIT_DIR.mkdir(parents=True, exist_ok=True)
    path = UNIT_DIR / name
    path.write_text(text)
    return path


def write_drop_in(unit, text, name="50-slo.conf"):
    directory = UNIT_DIR / f"{unit}.d"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(text)
    return path


def remove_files(unit):
    for path in [*(UNIT_DIR / f"{unit}.d").glob("*"), UNIT_DIR / unit]:
        path.unlink(missing_ok=True)
    directory = UNIT_DIR / f"{unit}.d"
    if directory.is_dir():
        directory.rmdir()


def daemon_reload():
    run("systemctl", "daemon-reload")


def show(unit, name):
    return output("systemctl", "show", "--value", "-p", name, unit)


def is_active(unit):
    return run("systemctl", "is-active", "--quiet", unit, check=False).returncode == 0


def cgroup_of(unit):
    path = show(unit, "ControlGroup")
    assert path, f"{unit} has no cgroup"
    return CGROUP / path.lstrip("/")


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


def journal(since, unit="scx-slo.service"):
    """Messages of the unit since a cursor got by journal_mark()."""
    run("journalctl", "--sync")
    args = ["--after-cursor", since] if since else []
    return output("journalctl", "-q", "-o", "cat", "-u", unit, *args).splitlines()


def journal_mark():
    run("journalctl", "--sync")
    last = output("journalctl", "-q", "-n", "1", "-o", "json", "--output-fields=MESSAGE")
    return json.loads(last)["__CURSOR"] if last else ""


def misses_told(unit):
    """The journal's lines about missed jobs of the unit, as fields."""
    run("journalctl", "--sync")
    lines = output("journalctl", "-q", "-o", "json", f"SCX_SLO_UNIT={unit}").splitlines()
    return [fields for fields in map(json.loads, lines) if "SCX_SLO_CAUSE" in fields]


def ends_told(since):
    """The journal's entries about ends of the scheduler since a cursor got by journal_mark(), as fields."""
    run("journalctl", "--sync")
    lines = output(
        "journalctl", "-q", "--all", "-o", "json", "--after-cursor", since,
        "MESSAGE_ID=3e6c8403b1104f5882254ba6f4bb0a46",
    ).splitlines()  # fmt: skip
    return [json.loads(line) for line in lines]


# scx-slo, by its bus


def bus_call(method, *args, user=None, check=True):
    return run("busctl", "--json=short", "call", *BUS, method, *args, user=user, check=check)


def list_units():
    return dict(json.loads(bus_call("ListUnits").stdout)["data"][0])


def get_unit(name):
    return json.loads(bus_call("GetUnit", "s", name).stdout)["data"][0]


def get_stats(unit, user=None):
    entries = json.loads(bus_call("GetStats", "s", unit, user=user).stdout)["data"][0]
    return {key: value["data"] for key, value in entries.items()}


def bus_property(name, path=BUS[1], interface=BUS[2]):
    return json.loads(output("busctl", "--json=short", "get-property", BUS[0], path, interface, name))["data"]


def budget_usec(unit):
    """The budget on the unit's object, or None when it has no settings of its own."""
    path = list_units().get(unit)
    return bus_property("SloBudgetUSec", path, "org.scxslo.Unit1") if path else None


def state():
    return bus_property("State")


def wait_for_state(name, limit=60):
    wait_for(f"the state is {name}", lambda: state() == name, limit)


def counting(unit, limit=20):
    """Waits until more jobs of the unit are counted than now."""
    before = get_stats(unit)["Jobs"]
    wait_for(f"jobs of {unit} are counted", lambda: get_stats(unit)["Jobs"] > before + 5, limit)


def freeze(frozen, *units):
    """Holds all tasks of the units still, or lets them go on."""
    cgroups = [cgroup_of(unit) for unit in units]
    for cgroup in cgroups:
        (cgroup / "cgroup.freeze").write_text(f"{frozen:d}")
    for cgroup in cgroups:
        wanted = f"frozen {frozen:d}"
        events = cgroup / "cgroup.events"
        wait_for(f"{cgroup} is {wanted}", lambda: wanted in events.read_text().splitlines(), limit=60)


def main_pid():
    return int(show("scx-slo", "MainPID"))


def memory_kib():
    """What the daemon occupies, libraries included, and beside it the kernel's maps that it has in sight."""
    own = maps = 0
    mapping = ""
    for line in pathlib.Path(f"/proc/{main_pid()}/smaps").read_text().splitlines():
        key, *words = line.split()
        if not key.endswith(":"):
            mapping = line
        elif key == "Rss:" and "bpf-map" in mapping:
            maps += int(words[0])
        elif key == "Rss:":
            own += int(words[0])
    return own, maps


def kill_daemon(limit=60):
    """kill -9, and systemd brings it back."""
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for("systemd restarted it", lambda: main_pid() not in (0, pid) and is_active("scx-slo"), limit)


def configure(text):
    """Daemon-wide settings from a drop-in, read at once by a daemon that runs; None removes them."""
    path = CONFIG_DIR / "90-test.conf"
    if text is None:
        path.unlink(missing_ok=True)
        if CONFIG_DIR.is_dir() and not any(CONFIG_DIR.iterdir()):
            CONFIG_DIR.rmdir()
    else:
        CONFIG_DIR.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run("systemctl", "try-reload-or-restart", "scx-slo")


# the kernel's own word


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


def ensure_enforcing(limit=60):
    if not is_active("scx-slo"):
        run("systemctl", "reset-failed", "scx-slo", check=False)
        run("systemctl", "start", "scx-slo")
    # Also where it enforces: what an earlier test let fail is forgotten by this.
    # It is refused until the daemon has heard of a unit with a budget that a test has just started.
    wait_for("it attaches", lambda: bus_call("Attach", check=False).returncode == 0, limit)
    wait_for("scx-slo enforces", lambda: enforcing() and state() == "enforcing", limit)


def fault(*arguments, limit=60):
    """Gives the scheduler that runs a fault; see tests/workloads/scheduler_faults.cpp."""
    run("/usr/local/bin/scheduler_faults", *arguments, limit=limit)


class Listener:
    """Collects the arguments of one signal of the manager until stopped; listens when the constructor returns."""

    PROBE = ("/slo_test", "org.scxslo.Test", "Probe")

    def __init__(self, name):
        self._name = name
        self._lines = []
        matches = [f"--match=type='signal',interface='{interface}'" for interface in (BUS[2], self.PROBE[1])]
        self._process = subprocess.Popen(
            # Into a pipe it would write by the block, and a signal might wait for the next dozen.
            ["stdbuf", "--output=L", "busctl", "monitor", "--json=short", *matches], stdout=subprocess.PIPE, text=True
        )
        self._thread = threading.Thread(target=self._collect)
        self._thread.start()
        try:
            wait_for("busctl monitor listens", self._hears, limit=60)
        except BaseException:
            self.stop()
            raise

    def _hears(self):
        run("busctl", "emit", *self.PROBE)
        return any(line.get("member") == self.PROBE[2] for line in self._lines)

    def _collect(self):
        for line in self._process.stdout:
            self._lines.append(json.loads(line))

    def received(self):
        return [line["payload"]["data"] for line in self._lines if line.get("member") == self._name]

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self._thread.join(10)
