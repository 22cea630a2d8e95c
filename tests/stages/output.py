# SPDX-License-Identifier: GPL-2.0-only
"""Lines of several stages at a time, each with its stage's name."""

import re
import threading

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
COLOURS = (36, 33, 35, 34, 32, 96, 93, 95)


def plain(text):
    return ESCAPES.sub("", text)


class Output:
    def __init__(self, stream, colour):
        self.stream = stream
        self.colour = colour
        self.lock = threading.Lock()
        self.colours = {}

    def line(self, stage, text):
        """`text` is one line, without its end."""
        with self.lock:
            mark = f"[{stage}]"
            if self.colour:
                mark = f"\x1b[{self.colours.setdefault(stage, COLOURS[len(self.colours) % len(COLOURS)])}m{mark}\x1b[0m"
            print(mark, text, file=self.stream, flush=True)

    def say(self, text=""):
        with self.lock:
            print(text, file=self.stream, flush=True)
