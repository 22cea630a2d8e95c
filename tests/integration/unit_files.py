# SPDX-License-Identifier: GPL-2.0-only
"""Unit files and drop-ins of the tests."""

import pathlib

UNIT_DIR = pathlib.Path("/run/systemd/system")


def write(path, content, mode=0o644):
    """Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def remove(path):
    path.unlink()
    if path.parent != UNIT_DIR and not any(path.parent.iterdir()):
        path.parent.rmdir()


def files_of(unit):
    return [path for path in [UNIT_DIR / unit, *(UNIT_DIR / f"{unit}.d").glob("*")] if path.exists()]


def drop_in_path(unit, name="50-slo.conf"):
    return UNIT_DIR / f"{unit}.d" / name


def write_unit(name, text):
    return write(UNIT_DIR / name, text)


def write_drop_in(unit, text, name="50-slo.conf", mode=0o644):
    return write(drop_in_path(unit, name), text, mode)


def remove_drop_in(unit, name="50-slo.conf"):
    if drop_in_path(unit, name).exists():
        remove(drop_in_path(unit, name))


def remove_files(unit):
    for path in files_of(unit):
        remove(path)
