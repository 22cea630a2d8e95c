#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every word of our lines in the kernel's debug dump is explained in scx-slod(8), and nothing else is."""

import pathlib
import re
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
source = (top / "bpf/scheduler/dump.bpf.h").read_text(encoding="utf-8")
formats = re.findall(r'slo_dump_part\("((?:[^"\\]|\\.)*)"', source)
printed = {word for text in formats for word in re.findall(r"(\w+)=", text)}
page = (top / "packaging/man/scx-slod.8").read_text(encoding="utf-8")
section = page.partition(".Ss The debug dump\n")[2].partition("\n.Ss ")[0]
explained = set(re.findall(r"^\.It(?: Va)? (.*)$", section, re.MULTILINE))
words = {word for line in explained for word in re.findall(r"\w+", line)}


class DumpWords(unittest.TestCase):
    def test_words_are_found(self):
        self.assertLess({"heartbeat", "waiting", "kick_pending", "queue", "waited"}, printed)

    def test_each_is_explained(self):
        self.assertEqual(sorted(printed - words), [])

    def test_nothing_else_is(self):
        self.assertEqual(sorted(words - printed), [])

    def test_the_lines_begin_alike(self):
        """With "slo", so that grep finds them, or as the rest of a line."""
        for text in formats:
            self.assertRegex(text, r"^(slo[ :]| |\\n)")


if __name__ == "__main__":
    unittest.main()
