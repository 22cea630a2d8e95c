# SPDX-License-Identifier: GPL-2.0-only
"""A small clean tree, and violations of the house map that must be found when they are planted in it."""

import pathlib
import tempfile

from house_map import LONGEST, ROOMS

CLEAN = {
    "bpf/abi/slo_abi.h": "typedef unsigned long long slo_u64;\n"
                         "struct slo_cfg {\n\tslo_u64 a; /* bool */\n\tchar b[8];\n};\n",
    "bpf/policy/policy.h": '#include "bpf/abi/slo_abi.h"\n// bpf_ktime_get_ns() is the caller\'s\n',
    "bpf/policy/job.h": '#include "bpf/abi/slo_abi.h"\n',
    "bpf/scheduler.bpf.c": "#include <bpf/bpf_helpers.h>\n",
    "daemon/base/error.h": "#include <string>\n",
    "daemon/settings/slo.h": '#include "bpf/abi/slo_abi.h"\n#include "base/error.h"\n',
    "daemon/settings/file.cpp": "#include <ini.h>\n// #include <spdlog/spdlog.h>\n",
    "daemon/settings/config.h": '#include "settings/slo.h"\n',
    "daemon/units/units.h": '#include "settings/slo.h"\n',
    "daemon/attachment/kernel.h": '#include "base/error.h"\n',
    "daemon/manager.h": '#include "attachment/kernel.h"\n#include "units/units.h"\n',
    "daemon/kernel/bpf_kernel.h": '#include "attachment/kernel.h"\n',
    "daemon/kernel/bpf_kernel.cpp": '#include <bpf/libbpf.h>\n#include "kernel/bpf_kernel.h"\n',
    "daemon/kernel/scheduler.cpp": '#include "kernel/bpf_kernel.h"\n#include "scheduler.skel.h"\n',
    "daemon/systemd/journal.cpp": "#include <systemd/sd-journal.h>\n#include <spdlog/spdlog.h>\n",
    "daemon/bus/manager_object.cpp": '#include <sdbus-c++/sdbus-c++.h>\n#include "org.scxslo.Manager1_adaptor.h"\n',
    "daemon/client/print/report.h": "#include <string>\n",
    "daemon/client/command/check.cpp": '#include "settings/config.h"\n',
    "daemon/client/main.cpp": '#include "client/print/report.h"\n#include "settings/slo.h"\n',
    "tests/sim/simulate.cpp": '#include "bpf/policy/policy.h"\n#include "settings/config.h"\n',
}  # fmt: skip

# (file to overwrite, its content, what the only complaint must speak of)
PLANTED = (
    ("bpf/abi/slo_abi.h", "#include <stdint.h>\n", "takes no library"),
    ("bpf/abi/slo_abi.h", "struct s { bool yes; };\n", "bool"),
    ("bpf/abi/slo_abi.h", "struct s { long n; };\n", "long n"),
    ("bpf/abi/slo_abi.h", "struct s { slo_u64 *p; };\n", "*p"),
    ("bpf/abi/slo_abi.h", "struct s { enum kind k; };\n", "enum kind k"),
    ("bpf/abi/slo_trace.h", "struct s { unsigned short n; };\n", "unsigned short n"),
    ("bpf/abi/slo_trace.h", '#include "daemon/client/print/report.h"\n', "bpf/abi may include no other room"),
    ("bpf/policy/policy.h", '#include "daemon/settings/slo.h"\n', "bpf/policy may include bpf/abi"),
    ("bpf/policy/policy.h", "#include <bpf/bpf_helpers.h>\n", "takes no library"),
    ("bpf/policy/policy.h", "static inline int f(void) { return bpf_ktime_get_ns() > 0; }\n", "bpf_ktime_get_ns"),
    ("bpf/scheduler.bpf.c", '#include "daemon/settings/slo.h"\n', "bpf may include"),
    ("daemon/manager.cpp", "#include <bpf/libbpf.h>\n", "libbpf belongs"),
    ("daemon/manager.cpp", '  #  include "bpf/bpf.h"\n', "libbpf belongs"),
    ("daemon/bus/manager_object.cpp", '#include "scheduler.skel.h"\n', "BPF objects belong"),
    ("daemon/kernel/probe.cpp", '#include "scheduler.skel.h"\n', "BPF objects belong"),
    ("daemon/bus/manager_object.cpp", '#include "kernel/bpf_kernel.h"\n', "daemon/bus may include"),
    ("daemon/kernel/maps.cpp", '#include "units/units.h"\n', "daemon/kernel may include"),
    ("daemon/units/units.cpp", "#include <sdbus-c++/sdbus-c++.h>\n", "sdbus belongs"),
    ("daemon/systemd/journal.cpp", '#include "org.scxslo.Unit1_adaptor.h"\n', "sdbus belongs"),
    ("daemon/systemd/client.h", '#include "manager.h"\n', "daemon/systemd may include"),
    ("daemon/kernel/bpf_kernel.cpp", "#include <systemd/sd-event.h>\n", "libsystemd belongs"),
    ("daemon/manager.cpp", "#include <spdlog/spdlog.h>\n", "never log"),
    ("daemon/settings/slo.cpp", "#include <INIReader.h>\n", "inih belongs"),
    ("daemon/base/fd.h", '#include "bpf/abi/slo_abi.h"\n', "daemon/base may include no other room"),
    ("daemon/client/main.cpp", '#include "daemon/manager.h"\n', "daemon/client/main may include"),
    ("daemon/client/main.cpp", '#include "../manager.h"\n', "daemon/client/main may include"),
    ("daemon/client/command/check.cpp", '#include "units/units.h"\n', "daemon/client/command may include"),
    ("daemon/bus/manager_object.cpp", '#include "client/print/report.h"\n', "daemon/bus may include"),
    ("daemon/odds.h", "", "is in no room"),
    ("daemon/ends/odds.h", "", "is in no room"),
    ("daemon/base/fd.h", "\n" * (LONGEST + 1), f"up to {LONGEST}"),
    ("daemon/base/error.h", '#include "base/error.h"\n', "includes itself"),
    ("tests/sim/simulate.cpp", '#include "manager.h"\n', "tests/sim may include"),
    ("tests/sim/simulate.cpp", "#include <bpf/libbpf.h>\n", "libbpf belongs"),
    ("tests/unit/units/units_test.cpp", "#include <sdbus-c++/sdbus-c++.h>\n", "sdbus belongs"),
)


def complaints_about(check_tree, changes):
    with tempfile.TemporaryDirectory() as directory:
        for name, content in {**CLEAN, **changes}.items():
            path = pathlib.Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return list(check_tree(directory))


def self_test(check_tree):
    failures = [f"the clean tree is complained about: {line}" for line in complaints_about(check_tree, {})]
    for name, content, expected in PLANTED:
        found = complaints_about(check_tree, {name: content})
        if not found or not all(line.startswith(f"{name}: ") for line in found) or expected not in found[0]:
            failures.append(f"planted {content[:80]!r} in {name}, expected {expected!r}, found {found}")
    for room, others in ROOMS.items():
        unknown = [other for other in others if other not in ROOMS and other != "*"]
        failures += [f"{room} may include {other}, which is no room" for other in unknown]
    circle = {
        "bpf/policy/job.h": '#include "bpf/policy/policy.h"\n',
        "bpf/policy/policy.h": '#include "bpf/policy/job.h"\n',
    }
    if not any("job.h -> " in line for line in complaints_about(check_tree, circle)):
        failures.append("two files that include each other pass")
    with tempfile.TemporaryDirectory() as directory:
        if not list(check_tree(directory)):
            failures.append("an empty tree passes")
    return failures
