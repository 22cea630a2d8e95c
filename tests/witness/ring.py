# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own trace buffer, as it is: raw pages of tracefs in, scheduling events with ns out.

Layout: Documentation/trace/ring-buffer-design.rst and include/linux/ring_buffer.h of Linux 6.12; the offsets of fields
come from the tracefs of the kernel that recorded them.
"""

import re
import struct
import typing

# Events, and what of each is of interest.
EVENTS = {
    "sched_waking": ("pid",),
    "sched_wakeup": ("pid", "prio"),
    "sched_wakeup_new": ("pid", "prio"),
    "sched_switch": ("prev_comm", "prev_pid", "prev_prio", "prev_state", "next_pid", "next_prio"),
    "sched_process_fork": ("parent_pid", "child_pid"),
}

PAGE_SIZE = 4096
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
DELTA_BITS = 27
# In the length of a page: events were lost before it, for want of room.
MISSED_EVENTS = 1 << 31
LENGTH_MASK = (1 << 20) - 1
CODES = {1: "b", 2: "h", 4: "i", 8: "q"}


class Format(typing.NamedTuple):
    name: str
    number: int
    fields: tuple  # their names, in the order of the record
    record: struct.Struct
    texts: tuple  # those of the names that are text


class Event(typing.NamedTuple):
    time_ns: int
    cpu: int
    name: str
    values: dict


class EventsLost(Exception):
    """The buffer was too small: what comes out of such a trace says nothing."""


def parse_format(text):
    name = re.search(r"^name: (\S+)$", text, re.MULTILINE)[1]
    number = int(re.search(r"^ID: (\d+)$", text, re.MULTILINE)[1])
    pattern = r"^\tfield:(.+?) (\w+)(\[\d*\])?;\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);$"
    wanted, texts, code, end = [], [], "<", 0
    for kind, field, array, offset, size, signed in re.findall(pattern, text, re.MULTILINE):
        if field not in EVENTS[name]:
            continue
        is_text = kind == "char" and bool(array)
        letter = f"{size}s" if is_text else CODES[int(size)]
        code += f"{int(offset) - end}x" + (letter if is_text or signed == "1" else letter.upper())
        end = int(offset) + int(size)
        wanted.append(field)
        texts += [field] if is_text else []
    if set(wanted) != set(EVENTS[name]):
        raise ValueError(f"this kernel's {name} has no {', '.join(set(EVENTS[name]) - set(wanted))}")
    return Format(name, number, tuple(wanted), struct.Struct(code), tuple(texts))


def values_of(form, record):
    values = dict(zip(form.fields, form.record.unpack_from(record)))
    for text in form.texts:
        values[text] = values[text].split(b"\0")[0].decode(errors="replace")
    return values


def records_of(page):
    """(time, record) of each event on one page."""
    time_ns, length = struct.unpack_from("<QQ", page)
    if length & MISSED_EVENTS:
        raise EventsLost("the trace buffer overflowed")
    at, end = 16, 16 + (length & LENGTH_MASK)
    while at < end:
        (header,) = struct.unpack_from("<I", page, at)
        kind, delta = header & 31, header >> 5
        (word,) = struct.unpack_from("<I", page, at + 4)
        if kind == PADDING:
            if delta == 0:
                return
            time_ns += delta
            at += 4 + word
        elif kind == TIME_EXTEND:
            time_ns += delta + (word << DELTA_BITS)
            at += 8
        elif kind == TIME_STAMP:
            # Bits 59 and up are those of the time before.
            time_ns = delta + (word << DELTA_BITS) + (time_ns >> 59 << 59)
            at += 8
        else:
            begin, size = (at + 8, word - 4) if kind == 0 else (at + 4, 4 * kind)
            time_ns += delta
            yield time_ns, page[begin : begin + size]
            at = begin + size


def events_of_cpu(cpu, pages, formats):
    """`formats` by their number."""
    for start in range(0, len(pages), PAGE_SIZE):
        for time_ns, record in records_of(pages[start : start + PAGE_SIZE]):
            form = formats.get(int.from_bytes(record[:2], "little"))
            if form:
                yield Event(time_ns, cpu, form.name, values_of(form, record))


def check_complete(stats):
    """Raises EventsLost; `stats` is the text of the CPU's file of that name."""
    counts = dict(line.split(": ", 1) for line in stats.splitlines() if ": " in line)
    lost = sum(int(counts[what]) for what in ("overrun", "commit overrun", "dropped events"))
    if lost:
        raise EventsLost(f"{lost} events found no room in the trace buffer")
