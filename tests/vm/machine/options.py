# SPDX-License-Identifier: GPL-2.0-only
"""The words on the command line of what starts a machine. Each mistake is one sentence and status 2."""

import dataclasses
import pathlib
import re

from base import UsageError

SMP = re.compile(r"[1-9][0-9]{0,2}(,(sockets|dies|clusters|cores|threads)=[1-9][0-9]*)*")
SECONDS = re.compile(r"[1-9][0-9]{0,6}")
MEMORY = re.compile(r"[1-9][0-9]*[MG]")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
DEFAULT_NAME = "slo"

VALUES = {"--kernel": "kernel", "--smp": "smp", "--append": "append", "--memory": "memory"}
FLAGS = {"--virtual-clock": "virtual_clock", "--parallel": "parallel", "--bare": "bare", "--boot": "boot"}


@dataclasses.dataclass
class Boot:
    """How a machine is to be; what is empty is the default."""

    kernel: str = ""
    smp: str = ""
    append: str = ""
    memory: str = "3G"
    virtual_clock: bool = False
    parallel: bool = False
    bare: bool = False
    boot: bool = False  # whatever state is kept

    @property
    def cpus(self):
        return int(self.smp.partition(",")[0])

    def check(self):
        self.smp = self.smp or ("1" if self.virtual_clock else "2")
        if not SMP.fullmatch(self.smp):
            raise UsageError(
                f"--smp is '{self.smp}'; it takes a number of CPUs, 1 or more, and a topology such as 4,sockets=2."
            )
        if not MEMORY.fullmatch(self.memory):
            raise UsageError(f"--memory is '{self.memory}'; it takes a size such as 3G or 1500M.")


@dataclasses.dataclass
class Request:
    """All that a command line says; which of it a command knows is its own matter."""

    boot: Boot = dataclasses.field(default_factory=Boot)
    timeout: int | None = None
    added: list = dataclasses.field(default_factory=list)  # (path, place in the machine)
    out: pathlib.Path | None = None
    words: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=list)
    flags: set = dataclasses.field(default_factory=set)

    @property
    def name(self):
        if len(self.words) > 1:
            raise UsageError(f"'{self.words[1]}' is one word too many; a command comes after --.")
        name = self.words[0] if self.words else DEFAULT_NAME
        if not NAME.fullmatch(name):
            raise UsageError(f"'{name}' is no name for a machine; it takes 1 to 32 of the characters A-Z a-z 0-9 . _ -")
        return name


def place(item):
    path, _, destination = item.partition(":")
    if not pathlib.Path(path).exists():
        raise UsageError(f"--add: there is no {path}.")
    if destination and not destination.startswith("/"):
        raise UsageError(f"--add: the place in '{item}' must begin with /.")
    destination = destination or "/root/"
    return pathlib.Path(path), destination + (pathlib.Path(path).name if destination.endswith("/") else "")


def seconds(value):
    if not SECONDS.fullmatch(value):
        raise UsageError(f"--timeout is '{value}'; it takes seconds, 1 or more.")
    return int(value)


def parse(program, arguments, known):
    """Of the options those that are `known`, then words, then what follows --."""
    request = Request()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            request.command = rest
            break
        if not word.startswith("-"):
            request.words.append(word)
            continue
        if word not in known:
            raise UsageError(f"there is no option '{word}'; there are {', '.join(sorted(known))}. See {program} --help.")
        if word in FLAGS:
            setattr(request.boot, FLAGS[word], True)
        elif not known[word]:
            request.flags.add(word)
        elif not rest or not rest[0]:
            raise UsageError(f"{word} takes a value; see {program} --help.")
        else:
            take(request, word, rest.pop(0))
    request.boot.check()
    return request


def take(request, word, value):
    if word == "--append":
        request.boot.append += f" {value}"
    elif word in VALUES:
        setattr(request.boot, VALUES[word], value)
    elif word == "--timeout":
        request.timeout = seconds(value)
    elif word == "--add":
        request.added.append(place(value))
    elif word == "--out":
        request.out = pathlib.Path(value)


# Each option that a command knows, and whether it takes a value.
BOOTS = dict.fromkeys(VALUES, True) | dict.fromkeys(FLAGS, False) | {"--add": True, "--help": False}
KNOWN = {
    "run": BOOTS | {"--timeout": True, "--out": True, "--key": False},
    "shell": BOOTS | {"--timeout": True, "--out": True},
    "up": BOOTS,
    "exec": {"--timeout": True, "--terminal": False, "--help": False},
    "push": {"--help": False},
    "reset": {"--help": False},
    "down": {"--all": False, "--help": False},
    "list": {"--help": False},
}
