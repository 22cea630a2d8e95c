# SPDX-License-Identifier: GPL-2.0-only
"""Files into a machine and out of it, as tar streams."""

import os
import pathlib
import subprocess
import tarfile
import threading

import session

# Owner and mode of directories that the machine has are its own.
UNPACK = ["tar", "-x", "-C", "/", "--no-overwrite-dir", "--keep-directory-symlink"]
OUT = "/run/out"


def as_roots(member):
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def put(machine, added, end=None):
    """`added`: pairs of a path here and the place of it there. Links are followed."""
    if not added:
        return 0
    reading, writing = os.pipe()

    def pack():
        with os.fdopen(writing, "wb") as stream, tarfile.open(fileobj=stream, mode="w|", dereference=True) as tar:
            for source, target in added:
                tar.add(source, arcname=target.lstrip("/"), filter=as_roots)

    packer = threading.Thread(target=pack)
    packer.start()
    try:
        return session.run(machine, UNPACK, read=lambda count: os.read(reading, count), end=end)
    finally:
        os.close(reading)  # whoever still packs is told so
        packer.join()


def get(machine, directory: pathlib.Path):
    """What is in OUT there comes into the directory here."""
    directory.mkdir(parents=True, exist_ok=True)
    unpack = subprocess.Popen(["tar", "-x", "-C", directory, "--no-same-owner"], stdin=subprocess.PIPE)
    session.run(machine, ["tar", "-c", "-C", OUT, "."], out=unpack.stdin.write)
    unpack.stdin.close()
    unpack.wait()
