# SPDX-License-Identifier: GPL-2.0-only
"""What the tests measured, in the order of measuring; conftest.py prints it at the end. No test judges by it alone."""

figures: list[str] = []
