# SPDX-License-Identifier: GPL-2.0-only
"""Unit files and drop-ins of the tests, and whether systemd has to read them anew: where it is emulated that takes
seconds, so it is not done for nothing, and what is over stays until there is another reason for it."""

import pathlib

UNIT_DIR = pathlib.Path("/run/systemd/system")


def unit_of(path):
    return path.name if path.parent == UNIT_DIR else path.parent.name.removesuffix(".d")


class Files:
    def __init__(self):
        self.changed = False  # since systemd read them
        self._used = set()  # units that somebody wrote and did not leave
        self._left = set()  # files that nobody needs any more

    def write(self, path, content, mode=0o644):
        """Returns the path."""
        content = content.encode() if isinstance(content, str) else content
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
            self.changed = True
        path.chmod(mode)
        self._used.add(unit_of(path))
        self._left.discard(path)
        return path

    def remove(self, path):
        if not path.exists():
            return
        path.unlink()
        self.changed = True
        self._left.discard(path)
        if path.parent != UNIT_DIR and not any(path.parent.iterdir()):
            path.parent.rmdir()

    def leave(self, unit):
        """Its files are removed at the next reload, and stay if they are written again before that."""
        self._left.update(files_of(unit))
        self._used.discard(unit)

    def settle(self, anyway):
        """Whether systemd has to read; what was left is gone then."""
        # A file that was left must not have a say in a unit that is used again.
        if not (anyway or self.changed or any(unit_of(path) in self._used for path in self._left)):
            return False
        for path in list(self._left):
            self.remove(path)
        return True


FILES = Files()


def files_of(unit):
    return [path for path in [UNIT_DIR / unit, *(UNIT_DIR / f"{unit}.d").glob("*")] if path.exists()]


def drop_in_path(unit, name="50-slo.conf"):
    return UNIT_DIR / f"{unit}.d" / name


def write_unit(name, text):
    return FILES.write(UNIT_DIR / name, text)


def write_drop_in(unit, text, name="50-slo.conf", mode=0o644):
    return FILES.write(drop_in_path(unit, name), text, mode)


def remove_drop_in(unit, name="50-slo.conf"):
    FILES.remove(drop_in_path(unit, name))


def remove_files(unit):
    for path in files_of(unit):
        FILES.remove(path)


def leave_files(unit):
    FILES.leave(unit)
