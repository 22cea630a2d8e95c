# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel complains of, for whoever has to find out why a test failed: stalls, and who is stuck."""

import pathlib
import re
import subprocess

import machine

STALL = re.compile(r"blocked for more than|detected stalls|soft lockup|hung task|BUG:|WARNING:|Oops")
# From the first complaint on.
LINES_MAX = 120
PROC = pathlib.Path("/proc")


def stuck_tasks():
    """Those that run, could run or wait for the kernel: name, state, CPU, policy, how often it switched, where it is."""
    for task in sorted(PROC.glob("[0-9]*/task/[0-9]*")):
        try:
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()
            if fields[0] not in "RD":
                continue
            switches = re.findall(r"ctxt_switches:\s*(\d+)", (task / "status").read_text())
            stack = re.findall(r"\] (\S+?)\+", (task / "stack").read_text())[:6]
        except OSError:  # it has ended meanwhile
            continue
        where = " < ".join(stack) or "user space, or just switched"
        yield (
            f"{task.name} {name}: {fields[0]}, CPU {fields[36]}, policy {fields[38]}, real-time priority {fields[37]},"
            f" {' + '.join(switches)} switches, {where}"
        )


def told():
    """Empty where the kernel is content."""
    try:
        lines = machine.output("dmesg", "--notime", check=False).splitlines()
    except subprocess.SubprocessError as failure:  # nothing here may end the tests
        return f"not known: {failure}"
    first = next((at for at, line in enumerate(lines) if STALL.search(line)), None)
    if first is None:
        return ""
    return "\n".join([*lines[first : first + LINES_MAX], "", *stuck_tasks()])
