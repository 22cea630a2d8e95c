# SPDX-License-Identifier: GPL-2.0-only
"""The misses one by one, as the kernel part of scx-slo tells them: read along with the daemon, from the ring it reads.

What the bus and the journal tell is the worst of a second. The layout of a record is that of bpf/abi/slo_abi.h.
"""

import ctypes
import json
import mmap
import os
import struct
import typing

import machine

SYS_BPF, BPF_MAP_GET_FD_BY_ID = 321, 14
# A record's length carries these while it is written, and when it was given up.
BUSY, DISCARDED = 1 << 31, 1 << 30
HEADER = 8
CAUSES = ("none", "late-start", "preempted", "overlong", "overrun")


class Miss(typing.NamedTuple):
    time_ns: int
    tid: int
    cause: str
    wait_ns: int
    exec_ns: int


def decode(record):
    time_ns, wait_ns, exec_ns, cause, tid = struct.unpack_from("<Q24xQQ20xII", record)
    return Miss(time_ns, tid, CAUSES[cause], wait_ns, exec_ns)


def open_map(number):
    attributes = ctypes.create_string_buffer(struct.pack("<III", number, 0, 0))
    fd = ctypes.CDLL(None, use_errno=True).syscall(SYS_BPF, BPF_MAP_GET_FD_BY_ID, attributes, 12)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"BPF map {number}")
    return fd


class Ring:
    """Records written from now on; read them often enough that none is overwritten."""

    def __init__(self, memory, size):
        """`memory`: the page with the writer's position, then the ring twice in a row, so that no record is cut."""
        self.memory, self.size = memory, size
        self.at = self.written()
        self.overwritten = False

    def written(self):
        return int.from_bytes(self.memory[:8], "little")

    def read(self):
        """The records since the last time; from when some were overwritten, none any more."""
        start = mmap.PAGESIZE + self.at % self.size
        data = self.memory[start : start + min(self.written() - self.at, self.size)]
        # Looked at after the copy: meanwhile the writer may have come round.
        self.overwritten |= self.written() - self.at > self.size
        records, at = [], 0
        while at < len(data) and not self.overwritten:
            (length,) = struct.unpack_from("<I", data, at)
            if length & BUSY:
                break
            if not length & DISCARDED:
                records.append(data[at + HEADER : at + HEADER + length])
            at += HEADER + ((length & ~DISCARDED) + 7) // 8 * 8
        self.at += at
        return records


def of_the_daemon():
    maps = json.loads(machine.output("bpftool", "--json", "map", "show", "name", "events"))
    rings = [found for found in (maps if isinstance(maps, list) else [maps]) if found["type"] == "ringbuf"]
    assert len(rings) == 1, rings
    size = rings[0]["max_entries"]
    fd = open_map(rings[0]["id"])
    try:
        memory = mmap.mmap(fd, mmap.PAGESIZE + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=mmap.PAGESIZE)
    finally:
        os.close(fd)
    return Ring(memory, size)
