# SPDX-License-Identifier: GPL-2.0-only
"""GetAllStats over a connection of its own: busctl shows nothing of a file but the number of its descriptor."""

import ctypes
import json
import os

import machine

library = ctypes.CDLL("libsystemd.so.0")


def check(status, what):
    if status < 0:
        raise OSError(-status, f"{what}: {os.strerror(-status)}")


class Caller:
    def __init__(self):
        self._bus = ctypes.c_void_p()
        check(library.sd_bus_open_system(ctypes.byref(self._bus)), "open the system bus")

    def file(self):
        """A descriptor of the document, to be closed by who asked."""
        words = [word.encode() for word in (*machine.BUS, "GetAllStats")]
        reply, descriptor = ctypes.c_void_p(), ctypes.c_int(-1)
        status = library.sd_bus_call_method(self._bus, *words, None, ctypes.byref(reply), None)
        check(status, "call GetAllStats")
        status = library.sd_bus_message_read_basic(reply, ctypes.c_char(b"h"), ctypes.byref(descriptor))
        check(status, "read the answer of GetAllStats")
        mine = os.dup(descriptor.value)
        library.sd_bus_message_unref(reply)
        return mine

    def units(self):
        """The figures of all units, by name."""
        with open(self.file(), encoding="utf-8") as document:
            return {unit["Unit"]: unit for unit in json.load(document)["Units"]}

    def close(self):
        library.sd_bus_flush_close_unref(self._bus)
