# SPDX-License-Identifier: GPL-2.0-only
"""tests/vm/push: what was built goes into a machine that is up, as far as it differs from what is there."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import place
from base import TOP, say

# Where a change of it is told to, and how.
RELOADS = (
    ("usr/lib/systemd/", "systemctl daemon-reload"),
    ("usr/share/dbus-1/system.d/", "systemctl reload dbus"),
    ("usr/share/polkit-1/", "systemctl try-restart polkit"),
)
PRODUCT = ("usr/bin/", "usr/libexec/", "usr/lib/systemd/", "etc/scx-slo/")
UNPACK = "tar -x -C / --no-overwrite-dir --keep-directory-symlink"


def digest(path):
    text = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
    return f"{path.lstat().st_mode:o} {hashlib.sha256(text).hexdigest()}"


def push(name):
    place.Keeper(name).close()  # nothing is built for a machine that is not there
    built = subprocess.run([TOP / "tests/vm/lib/staged"], stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    if built.returncode != 0:
        return 1
    stage = pathlib.Path(built.stdout.strip())
    record = place.directory(name) / "pushed.json"
    before = json.loads(record.read_text()) if record.exists() else {}
    now = {str(p.relative_to(stage)): digest(p) for p in sorted(stage.rglob("*")) if p.is_symlink() or p.is_file()}
    changed = [path for path in now if before.get(path) != now[path]]
    if not changed:
        say(f"nothing differs from what {name} has")
        return 0
    status = send(name, stage, changed)
    if status == 0:
        record.write_text(json.dumps(now))
        say(f"{len(changed)} files are in {name}")
    return status


def send(name, stage, changed):
    script = [UNPACK]
    script += [f"{{ {order}; }}" for prefix, order in RELOADS if any(path.startswith(prefix) for path in changed)]
    if any(path.startswith(PRODUCT) for path in changed):
        script.append("systemctl try-restart scx-slo")
    pack = ["tar", "-c", "-C", stage, "--owner=0", "--group=0", "--null", "--no-recursion", "-T", "-"]
    tar = subprocess.Popen(pack, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    command = [sys.executable, "-B", TOP / "tests/vm/machine/main.py", "exec", name, "--", "sh", "-c", " && ".join(script)]
    there = subprocess.Popen(command, stdin=tar.stdout)
    tar.stdout.close()
    with tar.stdin:
        tar.stdin.write("\0".join(changed).encode() + b"\0")
    return there.wait() or tar.wait()
