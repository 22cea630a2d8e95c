# SPDX-License-Identifier: GPL-2.0-only
"""What a machine consists of: tests/vm/lib/parts makes it and says where it is."""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import subprocess

import base
from base import CACHE, TOP, MachineError

# What decides about the machine; the other scripts only work with it.
SCRIPTS = (TOP / "tests/vm/machine/emulator.py", TOP / "tests/vm/guest/agent.py")


@dataclasses.dataclass(frozen=True)
class Parts:
    emulator: tuple
    kernel: str
    initramfs: tuple
    held: tuple
    release: str
    accel: str
    key: str


def find(what, boot):
    """With `what` make: they are there afterwards. With key: named alone."""
    command = [TOP / "tests/vm/lib/parts", what, "bare" if boot.bare else "installed", boot.kernel]
    environment = os.environ | {"SCX_SLO_VM_PROGRAM": base.program}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode == base.NO_SUCH_KERNEL:
        raise SystemExit(base.NO_SUCH_KERNEL)
    if done.returncode != 0:
        raise MachineError("the machine could not be made; the lines above say why.")
    lines = [line.partition("=")[::2] for line in done.stdout.splitlines()]
    several = {name: tuple(v for n, v in lines if n == name) for name in ("emulator", "initramfs", "held")}
    single = {name: dict(lines)[name] for name in ("kernel", "release", "accel", "key")}
    return Parts(**several, **single)


@contextlib.contextmanager
def hold(entries):
    """Nobody prunes the cache entries meanwhile; as `hold` of packaging/lib/common.sh."""
    files = []
    try:
        for entry in entries:
            (CACHE / "lock").mkdir(parents=True, exist_ok=True)
            name = os.path.relpath(entry, CACHE).replace("/", "-")
            files.append(os.open(CACHE / "lock" / f"use-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
            fcntl.flock(files[-1], fcntl.LOCK_SH)
            with contextlib.suppress(OSError):
                os.utime(f"{entry}/.scx-slo-cache-entry")
        yield
    finally:
        for file in files:
            os.close(file)


def machine_key(parts, boot):
    """One line that is the same for the same machine: what a result in it depends on."""
    scripts = hashlib.sha256()
    for script in SCRIPTS:
        scripts.update(script.read_bytes())
    clock = "virtual-clock" if boot.virtual_clock else "wall-clock"
    threads = "parallel" if boot.parallel else "serial"
    options = f"smp={boot.smp} memory={boot.memory} {clock} {threads} append={boot.append.strip() or '-'}"
    return f"{parts.key} {parts.accel} {options} scripts={scripts.hexdigest()[:16]}"
