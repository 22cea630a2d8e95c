# SPDX-License-Identifier: GPL-2.0-only
"""The map of the house: its rooms (folders, and the few files beside them), and which may include which."""

import fnmatch

SOURCES = ("bpf", "daemon", "tests/unit", "tests/sim", "tests/workloads")
# Lines of a source file.
LONGEST = 400

ABI = "bpf/abi"
POLICY = "bpf/policy"
# Compiled for the host as well as by clang for BPF.
HOST_TOO = (ABI, POLICY)


def daemon(*rooms):
    return tuple(f"daemon/{room}" for room in rooms)


BASE, SETTINGS, FIGURES, LOAD, UNITS, TRACE, ATTACHMENT = BELOW = daemon(
    "base", "settings", "figures", "load", "units", "trace", "attachment")  # fmt: skip
AUDIENCE, MANAGER, SYSTEMD, BUS, KERNEL = daemon("audience", "manager", "systemd", "bus", "kernel")
CLIENT = "daemon/client"
CLIENT_MAY = (BASE, SETTINGS, FIGURES, TRACE, ABI)


def client(*rooms):
    """Rooms of the client that another one of it may include, and what every one of it may."""
    return (*(f"{CLIENT}/{room}" for room in rooms), *CLIENT_MAY)


# Room: those that its files may include beside their own. A name without a folder of that name is a file and what
# belongs to it: daemon/manager is manager.h and manager.cpp.
ROOMS = {
    ABI: (),
    POLICY: (ABI,),
    "bpf/kernel": (),
    "bpf/accounting": ("bpf/kernel", ABI, POLICY),
    "bpf/scheduler": ("bpf/accounting", "bpf/kernel", ABI, POLICY),
    "bpf": ("bpf/scheduler", "bpf/accounting", "bpf/kernel", ABI, POLICY),
    BASE: (),
    SETTINGS: (BASE, ABI, POLICY),
    FIGURES: (BASE, ABI, POLICY),
    LOAD: (BASE,),
    UNITS: (BASE, SETTINGS, LOAD, ABI, POLICY),
    TRACE: (BASE, UNITS, ABI),
    ATTACHMENT: (BASE, SETTINGS, FIGURES, ABI, POLICY),
    AUDIENCE: (*BELOW, ABI),
    MANAGER: (AUDIENCE, *BELOW, ABI),
    KERNEL: (BASE, ATTACHMENT, TRACE, FIGURES, ABI, POLICY),
    SYSTEMD: (BASE, UNITS, SETTINGS, AUDIENCE, ABI),
    BUS: (MANAGER, AUDIENCE, SYSTEMD, *BELOW, ABI),
    "daemon/service": (MANAGER, AUDIENCE, *BELOW, KERNEL, SYSTEMD, BUS, ABI),
    "daemon/main": ("daemon/service", MANAGER, AUDIENCE, *BELOW, KERNEL, SYSTEMD, BUS, ABI),
    f"{CLIENT}/options": CLIENT_MAY,
    f"{CLIENT}/figures": CLIENT_MAY,
    f"{CLIENT}/bus": client("options", "figures"),
    f"{CLIENT}/print": client("options", "figures"),
    f"{CLIENT}/trace": client("options", "print"),
    f"{CLIENT}/command": client("options", "figures", "bus", "print", "trace"),
    f"{CLIENT}/main": client("options", "figures", "bus", "print", "trace", "command"),
    # The scheduler is that of bpf/, compiled for the host; what decides beside it is the daemon's; traces and tables are
    # read and written as elsewhere.
    "tests/sim/host": ("bpf", ABI),
    "tests/sim": ("tests/sim/host", "tests/workloads", "bpf/kernel", ABI, POLICY, BASE, SETTINGS, FIGURES, LOAD, UNITS,
                  TRACE, f"{CLIENT}/print"),
    "tests/unit": ("*",),
    "tests/workloads/bpf": ("bpf/kernel", ABI, POLICY),
    "tests/workloads": ("tests/workloads/bpf", ABI, BASE, SETTINGS, FIGURES, KERNEL),
}

BUS_ROOMS = (f"{BUS}/*", f"{CLIENT}/bus/*")
# (headers of a library, who alone may include them, why)
LIBRARIES = (
    (("libbpf:*", "linux/bpf.h"),
     ("bpf/*", f"{KERNEL}/*", "tests/unit/kernel/*", "tests/workloads/*"), "libbpf belongs to the kernel's room"),
    (("scheduler.skel.h", "observer.skel.h", "placer.skel.h", "recorder.skel.h"),
     tuple(f"{KERNEL}/{program}.cpp" for program in ("scheduler", "observer", "placer", "recorder")),
     "the BPF objects belong to the files of the same names in the kernel's room"),
    (("sdbus-c++/*", "sdbus-c++.h", "*_adaptor.h"), BUS_ROOMS, "sdbus belongs to the rooms of the bus"),
    (("systemd/sd-*",), (*BUS_ROOMS, f"{SYSTEMD}/*", f"{BASE}/often_timer.*", "daemon/service.*", "daemon/main.cpp",
                         "tests/unit/systemd/*"),
     "libsystemd belongs to service, often_timer and the rooms of systemd and the bus"),
    (("ini.h", "INIReader.h"), (f"{SETTINGS}/file.*",), "inih belongs to settings/file alone"),
    (("spdlog/*",), (f"{BUS}/*", f"{SYSTEMD}/*", "daemon/service.*", "daemon/main.cpp"),
     "what decides, and the kernel's room, return values and never log"),
)  # fmt: skip


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def room_of(path):
    """The room of a file: the nearest folder on its way up that is one, or the file itself. None: it has none."""
    names = [path.rpartition(".")[0] if "." in path else path]
    while "/" in names[-1]:
        names.append(names[-1].rpartition("/")[0])
    return next((name for name in names if name in ROOMS), None)


def may_include(room, other):
    return other == room or other in ROOMS[room] or "*" in ROOMS[room]
