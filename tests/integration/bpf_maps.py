# SPDX-License-Identifier: GPL-2.0-only
"""BPF maps of the daemon, by bpf(2) itself: as many entries as a large machine would have, and what they occupy."""

import contextlib
import ctypes
import json
import os

import machine

SYS_BPF = 321
UPDATE, DELETE, FD_BY_ID = 2, 3, 14
LIBC = ctypes.CDLL(None, use_errno=True)


class Element(ctypes.Structure):
    _fields_ = [("map_fd", ctypes.c_uint32), ("key", ctypes.c_uint64), ("value", ctypes.c_uint64),
                ("flags", ctypes.c_uint64)]  # fmt: skip


class Id(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32), ("next_id", ctypes.c_uint32), ("open_flags", ctypes.c_uint32)]


def bpf(command, attributes):
    result = LIBC.syscall(SYS_BPF, command, ctypes.byref(attributes), ctypes.sizeof(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def shown(name):
    """What bpftool says of the one map of this name."""
    (of,) = [of for of in json.loads(machine.output("bpftool", "-j", "map", "show")) if of.get("name") == name]
    return of


def occupied(name):
    return int(shown(name)["bytes_memlock"])


@contextlib.contextmanager
def entries(name, keys, value):
    """The keys, bytes all, are in the map while this lasts."""
    fd = bpf(FD_BY_ID, Id(shown(name)["id"]))
    value_at = ctypes.create_string_buffer(value, len(value))
    added = []
    try:
        for key in keys:
            at = ctypes.create_string_buffer(key, len(key))
            bpf(UPDATE, Element(fd, ctypes.addressof(at), ctypes.addressof(value_at), 0))
            added.append(at)
        yield
    finally:
        for at in added:
            bpf(DELETE, Element(fd, ctypes.addressof(at), 0, 0))
        os.close(fd)
