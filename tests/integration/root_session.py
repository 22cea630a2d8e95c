# SPDX-License-Identifier: GPL-2.0-only
"""What root asks from a session of its own, and how long the answers take."""

import pathlib
import subprocess

ASKS = pathlib.Path(__file__).with_name("asks.sh")
STATUS = ("systemctl", "status", "--no-pager", "systemd-journald")
LIMIT = 300


def ask(command, number=4):
    """Starts asking from a scope of root's sessions: so often, a second apart."""
    return subprocess.Popen(
        ["systemd-run", "--quiet", "--scope", "--slice=user-0.slice", "bash", ASKS, str(number), *command],
        stdout=subprocess.PIPE,
        text=True,
    )


def answered(asker):
    """Milliseconds of each."""
    out, _ = asker.communicate(timeout=LIMIT)
    assert asker.returncode == 0, f"the command failed: {asker.args}"
    return [float(took) for took in out.split()]
