# SPDX-License-Identifier: GPL-2.0-only
"""What a person asked for and cannot have: one sentence, status 2."""


class Mistake(Exception):
    pass


def listed(names):
    """a, b and c"""
    names = list(names)
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))
