# SPDX-License-Identifier: GPL-2.0-only
"""The demo's table: one row for each workload, the two schedulers side by side."""

import math

TITLES = ("the kernel's scheduler", "scx-slo")
COLUMNS = ("p50", "p99", "p99.9", "missed")
CELL = 9


def milliseconds(value, limit):
    # pgbench does not send what is too late already, so how late it would have become is not known.
    if math.isinf(value):
        return f">{limit:g}"
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def percent(part, whole):
    share = 100 * part / whole
    # A single miss must not round to none, nor one kept job to all missed.
    if 0 < share < 0.01:
        return "<0.01%"
    if 99.99 < share < 100:
        return ">99.99%"
    return f"{share:.2f}%" if 0 < share < 100 else f"{share:.0f}%"


def cells(figures):
    limit = figures["limit_ms"]
    values = [milliseconds(figures[key], limit) for key in ("p50_ms", "p99_ms", "p999_ms")]
    return [*values, percent(figures["misses"], figures["n"])]


def render(arms):
    """`arms`: two dicts by the titles' order, each {"rows": {label: figures}, "batch": {label: share of one CPU}}."""
    width = max(len(label) for arm in arms for label in (*arm["rows"], *arm["batch"])) + 1
    block = CELL * len(COLUMNS)

    def line(label, *blocks):
        return f"{label:<{width}}" + "".join(f" │{text}" for text in blocks)

    head = line("response in ms", *("".join(f"{name:>{CELL}}" for name in COLUMNS) for _ in arms))
    rule = "─" * width + ("─┼" + "─" * block) * len(arms)
    lines = [line("", *(f"{title:^{block}}" for title in TITLES)).rstrip(), head, rule]
    for label in arms[0]["rows"]:
        lines.append(line(label, *("".join(f"{cell:>{CELL}}" for cell in cells(arm["rows"][label])) for arm in arms)))
    lines.append(rule)
    for label in arms[0]["batch"]:
        lines.append(line(label, *(f"{100 * arm['batch'][label]:>{block - 1}.1f}%" for arm in arms)))
    return "\n".join(lines)
