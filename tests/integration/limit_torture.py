# SPDX-License-Identifier: GPL-2.0-only
"""A service in which limit_torture runs, and what it found."""

import dataclasses
import json
import pathlib

import machine
from figures import figures

UNIT = "limit-torture.service"
OUTPUT = pathlib.Path("/run/limit-torture.json")
# More than this nobody may have to wait for a limit, and the next one to be let go comes after that: in which others
# are in front of it.
WAIT_S, TURN_S = 10, 1


@dataclasses.dataclass(frozen=True)
class Found:
    said: dict  # what limit_torture printed

    def seconds(self, what):
        return self.said[f"longest_{what}_ns"] / 1e9

    def __str__(self):
        said = self.said
        return (
            f"{said['kills']} kills within {self.seconds('kill'):.3f} s, {said['freezes']} freezes within"
            f" {self.seconds('freeze'):.3f} s, {said['moves']} moves, {said['quota_changes']} quotas changed,"
            f" longest gap {self.seconds('gap'):.3f} s"
        )


def write(units, seconds, *arguments):
    units.service(
        UNIT,
        " ".join(["/usr/local/bin/limit_torture", "--seconds", str(seconds), *arguments]),
        settings=f"Type=exec\nDelegate=cpu\nTasksMax=infinity\nRemainAfterExit=yes\nStandardOutput=truncate:{OUTPUT}\n",
    )
    machine.daemon_reload()


def has_ended():
    return machine.show(UNIT, "SubState") in ("exited", "failed")


def found(title):
    """When it has ended."""
    assert machine.show(UNIT, "Result") == "success", machine.journal("", UNIT)
    result = Found(json.loads(OUTPUT.read_text()))
    figures.append(f"{title}: {result}")
    return result
