# SPDX-License-Identifier: GPL-2.0-only
"""Our lines in the kernel's debug dump, see scx-slod(8)."""

import re

TIME = r"[-+]\d+us"
SPAN = r"\d+us"
STATE = re.compile(rf"^slo: heartbeat={TIME} smallest_budget={SPAN} reserves=\d+ generation=\d+$", re.MULTILINE)
SHARD = re.compile(rf"^slo shard \d+: waiting=\d+/\d+ vtime_now={SPAN}$", re.MULTILINE)
CPU = re.compile(
    rf"^ *slo: class=(?:none|best-effort|SLO) looks=\d+ pinned=\d+/\d+ kick_pending=[01](?: key={TIME})?"
    rf"(?: alarm={TIME})?(?: helps=\d+)? floor_credit={SPAN}(?: floor_turn_until={TIME})?$",
    re.MULTILINE,
)
TASK = re.compile(
    rf"^ *slo: class=(?:none|best-effort|SLO) cgroup=\d+ slot=-?\d+ budget={SPAN} shed=[01] reserve=-?\d+"
    rf" throttled=[01] queue=(?:none|(?:shared|pinned)-(?:SLO|best-effort))/\d+ vtime=-?{SPAN} weight=\d+\n"
    rf" *slo: job=(?:none|(?:waiting|running) wake={TIME} waited={SPAN} executed={SPAN}(?: key={TIME})?)$",
    re.MULTILINE,
)


def traced(path):
    """The dump from a trace of the kernel's: what follows the name of the event."""
    lines = path.read_text().splitlines()
    return "\n".join(line.partition("sched_ext_dump: ")[2] for line in lines if "sched_ext_dump:" in line)


def fields(text):
    return dict(re.findall(r"(\w+)=(\S+)", text))


def of_cgroup(text, cgroup):
    return [found for found in map(fields, TASK.findall(text)) if int(found["cgroup"]) == cgroup.stat().st_ino]


def complete(text, cgroup):
    """The text, once it has tasks of a cgroup that always has some that want to run."""
    return text if of_cgroup(text, cgroup) else ""


def check(text, hogs):
    """A dump of a machine under load: each line of ours has its form, and the hogs are best effort without budget."""
    assert STATE.search(text), text
    assert SHARD.search(text), text
    assert CPU.search(text), text
    assert complete(text, hogs), text
    for found in of_cgroup(text, hogs):
        assert (found["class"], found["slot"], found["budget"]) == ("best-effort", "-1", "0us"), found
        assert found["job"] in ("waiting", "running"), found
    ours = re.findall(r"^ *slo(?:: | shard ).*", text, re.MULTILINE)
    if "~~~~ TRUNCATED ~~~~" in text:  # by the kernel, maybe in the middle of a line or between two of a task
        ours = ours[:-2]
    known = "\n".join(match[0] for form in (STATE, SHARD, CPU, TASK) for match in form.finditer(text))
    assert set(ours) <= set(known.splitlines()), set(ours) - set(known.splitlines())
