#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every function that bpf/ shares with the host is among those of which kernel and host compare their answers."""

import pathlib
import re
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
# Compiled on both sides.
SHARED = [path for folder in ("policy", "abi") for path in sorted((top / "bpf" / folder).glob("*.h"))]
DEFINED = re.compile(r"^static inline [\w ]+?\**(slo_\w+)\(", re.MULTILINE)
COMPARED = re.compile(r"^\tX\((\w+), (.*?)\)\s*\\?$", re.MULTILINE)

compared = dict(COMPARED.findall((top / "tests/workloads/bpf/policy_agrees.h").read_text(encoding="utf-8")))
defined = {name for path in SHARED for name in DEFINED.findall(path.read_text(encoding="utf-8"))}


class SharedFunctions(unittest.TestCase):
    def test_functions_are_found(self):
        self.assertLess({"slo_job_cause", "slo_class", "slo_server_fill_ns", "slo_rate_take", "slo_hist_index"}, defined)

    def test_each_is_compared(self):
        self.assertEqual(sorted(defined - compared.keys()), [], "add them to tests/workloads/bpf/policy_agrees.h")

    def test_nothing_else_is(self):
        self.assertEqual(sorted(compared.keys() - defined), [])

    def test_under_its_own_name(self):
        for name, answer in compared.items():
            self.assertTrue(answer.startswith((f"{name}(", "agree_")), f"{name} is said to be {answer}")


if __name__ == "__main__":
    unittest.main()
