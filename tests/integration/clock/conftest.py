# SPDX-License-Identifier: GPL-2.0-only
"""Shows the figures at the end, also of a run that passed: they are what such a run is for."""

from figures import figures


def pytest_terminal_summary(terminalreporter):
    for text in figures:
        terminalreporter.write_line(text)
