#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads the #include lines of the source tree and fails on what no room may include.

check_house_map.py TREE         one line per violation, status 1 when there is any
check_house_map.py --self-test  plants violations in a scratch tree and fails when one is not found
"""
import fnmatch
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
SOURCES = ("bpf/*.h", "bpf/*.c", "daemon/*.h", "daemon/*.cpp", "daemon/client/*.h", "daemon/client/*.cpp",
           "tests/unit/*.h", "tests/unit/*.cpp", "tests/sim/*.h", "tests/sim/*.cpp")

BUS_ROOMS = ("daemon/main.cpp", "daemon/bus_*", "daemon/authority.*", "daemon/systemd_client*", "daemon/client/*")
CORE = ("error", "this_machine", "cfg_change", "unit_source", "handle", "printable", "time_span", "percent", "slo", "config_problem", "text_file", "settings_file",
        "unit_file", "config_files", "config", "overrides", "requirements", "slots", "overload", "leaning", "admission", "reserves", "units", "histogram", "window", "burn_rate",
        "stats", "advise", "events", "state", "scheduler_exit", "scheduler_kernel", "latch", "recovery", "guard",
        "audience", "manager", "fd", "trace", "trace_pipe", "trace_source", "recording", "recording_order")
CORE_FILES = tuple(f"daemon/{room}.*" for room in CORE)

# (what is included, who alone may include it, why)
LIBRARIES = (
    (("libbpf:*", "linux/bpf.h"), ("bpf/*", "daemon/kernel.*", "daemon/kernel_*", "daemon/kfunc_check.*",
                                     "tests/unit/kfunc_check_test.cpp"),
     "libbpf belongs to kernel, kernel_* and kfunc_check"),
    (("*.skel.h",), ("daemon/kernel_scheduler.cpp", "daemon/kernel_observer.cpp", "daemon/kernel_recorder.cpp"),
     "the BPF objects belong to kernel_scheduler, kernel_observer and kernel_recorder"),
    (("sdbus-c++/*", "sdbus-c++.h", "*_adaptor.h"), BUS_ROOMS,
     "sdbus belongs to main, bus_*, authority, systemd_client and client"),
    (("systemd/*",), BUS_ROOMS + ("daemon/journal.*", "daemon/often_timer.*", "daemon/service_notice.*",
                                  "tests/unit/fake_systemd.h"),
     "libsystemd belongs to main, journal, often_timer, service_notice, bus_*, authority, systemd_client and client"),
    (("ini.h", "INIReader.h"), ("daemon/settings_file.*",), "inih belongs to settings_file alone"),
    (("spdlog/*",), ("daemon/main.cpp", "daemon/bus_*", "daemon/authority.*", "daemon/systemd_client*",
                     "daemon/journal.*"), "the core and kernel return values and never log"),
    (("daemon/kernel.h", "daemon/kernel_*.h"), ("daemon/kernel.*", "daemon/kernel_*", "daemon/main.cpp"),
     "others know SchedulerKernel of scheduler_kernel.h"),
)

# Rooms that may include nothing of ours, and no library header, but what is named.
BPF_PURE = {"bpf/slo_abi.h": (), "bpf/policy.h": ("bpf/slo_abi.h",), "bpf/job.h": ("bpf/slo_abi.h",),
            "bpf/rate_limit.h": ("bpf/slo_abi.h",), "bpf/group.h": ("bpf/slo_abi.h",),
            "bpf/slo_histogram.h": ("bpf/slo_abi.h",), "bpf/slo_trace.h": ("bpf/slo_abi.h",)}
# Whose structs leave the process they were made in.
LAYOUTS = ("bpf/slo_abi.h", "bpf/slo_trace.h")
CLIENT_MAY = ("daemon/client/*", "daemon/time_span.h", "daemon/slo.h", "daemon/error.h", "daemon/handle.h",
              "daemon/histogram.h", "daemon/trace.h", "daemon/fd.h")
# What `scx-slo check` reads files with, so that it says what the daemon would say.
PARSERS = ("daemon/unit_file.h", "daemon/config.h", "daemon/config_problem.h", "daemon/settings_file.h")
CHECK = "daemon/client/check.*"
# The policy is that of bpf/ and the defaults are the daemon's; traces and tables are read and written as elsewhere.
SIM_MAY = ("tests/sim/*", "bpf/policy.h", "bpf/job.h", "bpf/server.h", "bpf/slo_abi.h", "daemon/config.h", "daemon/admission.h", "daemon/overload.h",
           "daemon/error.h", "daemon/trace.h", "daemon/client/table.h", "daemon/client/cells.h")
ABI_FIELD = re.compile(r"^(slo_u64|slo_u32|slo_u16|slo_u8|char|struct (?:slo_\w+|deadline_event))\s+\w+(\[\w+\])*$")
BPF_CALL = re.compile(r"\b((?:scx_)?bpf_\w+)\s*\(")


def resolve(tree, source, name):
    """The path in the tree that an include names; library headers keep their name, libbpf's get a prefix."""
    for directory in (source.parent, tree, tree / "daemon", tree / "bpf"):
        if (directory / name).is_file():
            return (directory / name).resolve().relative_to(tree.resolve()).as_posix()
    return f"libbpf:{name}" if name.startswith("bpf/") else name


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def check_include(path, target):
    """Yields why `path` may not include `target`."""
    for headers, allowed, why in LIBRARIES:
        if matches(target, headers) and not matches(path, allowed):
            yield why
    if path in BPF_PURE and target not in BPF_PURE[path]:
        yield f"{path} may include {' and '.join(BPF_PURE[path]) or 'nothing'} alone"
    parses = matches(path, (CHECK,)) and target in PARSERS
    if path.startswith("daemon/client/") and target.startswith("daemon/") and not (parses or matches(target, CLIENT_MAY)):
        yield "client includes no rooms of the daemon but time_span, slo, histogram, trace, error, handle and fd (and check the parsers)"
    if matches(path, CORE_FILES) and target.startswith("daemon/") and not matches(target, CORE_FILES):
        yield "the core includes rooms of the core alone"
    if path.startswith("daemon/") and not path.startswith("daemon/client/") and target.startswith("daemon/client/"):
        yield "the daemon knows nothing of its client"
    if path.startswith("tests/sim/") and target.startswith(("bpf/", "daemon/", "tests/")) and not matches(target, SIM_MAY):
        yield "the simulator includes the policy, the job accounting, what the daemon decides (defaults, admission, overload), traces and tables alone"
    if path.startswith("bpf/") and target.startswith(("daemon/", "tests/")):
        yield "the kernel side includes nothing of the user side"


def check_abi(code):
    """Yields each field of slo_abi.h that is no fixed-width integer, character array or struct of ours."""
    for body in re.findall(r"struct\s+\w+\s*\{([^{}]*)\}", code):
        for field in filter(None, (" ".join(part.split()) for part in body.split(";"))):
            if not ABI_FIELD.match(field):
                yield f'field "{field}" is no fixed-width type of the ABI'
    if re.search(r"\b(bool|enum|_Bool)\b", code):
        yield "bool and enum have no place in the ABI"


def check_tree(tree):
    tree = pathlib.Path(tree)
    sources = sorted(path for pattern in SOURCES for path in tree.glob(pattern))
    if not sources:
        yield f"{tree}: no sources found"
    for source in sources:
        path = source.relative_to(tree).as_posix()
        text = source.read_text(encoding="utf-8")
        code = COMMENT.sub(" ", text)
        for name in INCLUDE.findall(code):
            for why in check_include(path, resolve(tree, source, name)):
                yield f"{path}: includes {name}: {why}"
        if path in LAYOUTS:
            for why in check_abi(code):
                yield f"{path}: {why}"
        if path in BPF_PURE:
            for call in BPF_CALL.findall(code):
                yield f"{path}: calls {call}: it is compiled for the host too and takes no BPF helpers"


CLEAN = {
    "bpf/slo_abi.h": "typedef unsigned long long slo_u64;\nstruct slo_cfg {\n\tslo_u64 a; /* bool */\n\tchar b[8];\n};\n",
    "bpf/policy.h": '#include "slo_abi.h"\n// bpf_ktime_get_ns() is the caller\'s\n',
    "bpf/slo_histogram.h": '#include "slo_abi.h"\n',
    "bpf/scheduler.bpf.c": "#include <bpf/bpf_helpers.h>\n",
    "daemon/error.h": "#include <string>\n",
    "daemon/slo.h": '#include "bpf/slo_abi.h"\n#include "error.h"\n',
    "daemon/manager.h": '#include "slo.h"\n',
    "daemon/kernel.h": '#include "manager.h"\n',
    "daemon/kernel.cpp": '#include <bpf/libbpf.h>\n#include "kernel.h"\n',
    "daemon/kernel_scheduler.cpp": '#include "kernel.h"\n#include "scheduler.skel.h"\n',
    "daemon/journal.h": '#include "manager.h"\n',
    "daemon/journal.cpp": "#include <systemd/sd-journal.h>\n#include <spdlog/spdlog.h>\n",
    "daemon/settings_file.cpp": "#include <ini.h>\n// #include <spdlog/spdlog.h>\n",
    "daemon/bus_unit.cpp": '#include <sdbus-c++/sdbus-c++.h>\n#include "org.scxslo.Unit1_adaptor.h"\n',
    "daemon/client/report.h": "#include <string>\n",
    "daemon/config.h": '#include "slo.h"\n',
    "daemon/client/check.cpp": '#include "daemon/config.h"\n',
    "daemon/client/main.cpp": '#include "report.h"\n#include "daemon/slo.h"\n',
    "tests/sim/engine.cpp": '#include "bpf/policy.h"\n#include "daemon/config.h"\n',
}

# (file to overwrite, its content, what the only complaint must speak of)
PLANTED = (
    ("bpf/slo_abi.h", "#include <stdint.h>\n", "may include nothing alone"),
    ("bpf/slo_abi.h", "struct s { bool yes; };\n", "bool"),
    ("bpf/slo_abi.h", "struct s { long n; };\n", "long n"),
    ("bpf/slo_abi.h", "struct s { slo_u64 *p; };\n", "*p"),
    ("bpf/slo_abi.h", "struct s { enum kind k; };\n", "enum kind k"),
    ("bpf/slo_trace.h", "struct s { unsigned short n; };\n", "unsigned short n"),
    ("bpf/policy.h", '#include "slo_histogram.h"\n', "bpf/slo_abi.h alone"),
    ("bpf/policy.h", "#include <bpf/bpf_helpers.h>\n", "bpf/slo_abi.h alone"),
    ("bpf/policy.h", "static inline int f(void) { return bpf_ktime_get_ns() > 0; }\n", "bpf_ktime_get_ns"),
    ("bpf/job.h", '#include "policy.h"\n', "bpf/slo_abi.h alone"),
    ("bpf/slo_histogram.h", '#include "policy.h"\n', "bpf/slo_abi.h alone"),
    ("bpf/scheduler.bpf.c", '#include "daemon/slo.h"\n', "nothing of the user side"),
    ("daemon/manager.cpp", "#include <bpf/libbpf.h>\n", "libbpf belongs"),
    ("daemon/manager.cpp", '  #  include "bpf/bpf.h"\n', "libbpf belongs"),
    ("daemon/bus_manager.cpp", '#include "scheduler.skel.h"\n', "BPF objects belong"),
    ("daemon/kernel_probe.cpp", '#include "scheduler.skel.h"\n', "BPF objects belong"),
    ("daemon/bus_manager.cpp", '#include "kernel.h"\n', "SchedulerKernel"),
    ("daemon/units.cpp", "#include <sdbus-c++/sdbus-c++.h>\n", "sdbus belongs"),
    ("daemon/journal.cpp", '#include "org.scxslo.Unit1_adaptor.h"\n', "sdbus belongs"),
    ("daemon/kernel.cpp", "#include <systemd/sd-event.h>\n", "libsystemd belongs"),
    ("daemon/manager.cpp", "#include <spdlog/spdlog.h>\n", "never log"),
    ("daemon/manager.cpp", '#include "journal.h"\n', "rooms of the core alone"),
    ("daemon/slo.cpp", "#include <INIReader.h>\n", "inih belongs"),
    ("daemon/client/main.cpp", '#include "daemon/manager.h"\n', "no rooms of the daemon"),
    ("daemon/client/main.cpp", '#include "../manager.h"\n', "no rooms of the daemon"),
    ("daemon/client/main.cpp", '#include "daemon/config.h"\n', "no rooms of the daemon"),
    ("daemon/client/check.cpp", '#include "daemon/manager.h"\n', "no rooms of the daemon"),
    ("daemon/bus_manager.cpp", '#include "client/report.h"\n', "nothing of its client"),
    ("tests/sim/engine.cpp", '#include "daemon/manager.h"\n', "the simulator includes"),
    ("tests/sim/engine.cpp", "#include <bpf/libbpf.h>\n", "libbpf belongs"),
    ("tests/unit/units_test.cpp", "#include <sdbus-c++/sdbus-c++.h>\n", "sdbus belongs"),
)


def complaints_about(changes):
    with tempfile.TemporaryDirectory() as directory:
        for name, content in {**CLEAN, **changes}.items():
            path = pathlib.Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return list(check_tree(directory))


def self_test():
    failures = [f"the clean tree is complained about: {line}" for line in complaints_about({})]
    for name, content, expected in PLANTED:
        found = complaints_about({name: content})
        if not found or not all(line.startswith(f"{name}: ") for line in found) or expected not in found[0]:
            failures.append(f"planted {content!r} in {name}, expected {expected!r}, found {found}")
    with tempfile.TemporaryDirectory() as directory:
        if not list(check_tree(directory)):
            failures.append("an empty tree passes")
    return failures


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    lines = self_test() if arguments[0] == "--self-test" else list(check_tree(arguments[0]))
    print("\n".join(lines) if lines else "the house map holds")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
