# SPDX-License-Identifier: GPL-2.0-only
"""What was asked for on the command line."""

import dataclasses

import catalog
import shards
from mistake import Mistake, listed

RUN, LIST, INTEGRATION, UNIT_TESTS = "run", "list", "integration", "unit-tests"
WORDS = (*catalog.SETS, LIST, INTEGRATION)
OF_SETS = ("--stage NAME…", "--failed", "--fresh")
OF_INTEGRATION = ("-k EXPR", "--kernel SERIES", "--clock")
CLOCK_DIRECTORY, CACHES_DIRECTORY, QUOTAS_DIRECTORY, REFUSED_DIRECTORY = "clock", "caches", "quotas", "refused"


@dataclasses.dataclass
class Request:
    command: str = RUN
    what: str = "all"  # as the summary calls it
    stages: list = dataclasses.field(default_factory=list)
    fresh: bool = False
    failed: bool = False
    regex: str = ""  # of unit tests
    expression: str = ""  # of integration tests
    kernel: str = ""
    clock: bool = False
    caches: bool = False
    quotas: bool = False
    files: list = dataclasses.field(default_factory=list)


def value(arguments, option, of):
    if not arguments or not arguments[0] or (option.startswith("--") and arguments[0].startswith("-")):
        raise Mistake(f"{option} takes {of}; see tests/run --help.")
    return arguments.pop(0)


def not_an_option(word, of, there):
    return Mistake(f"'{word}' is no option of tests/run{of}; there are {listed(there)}, and --help says more.")


def parse_set(word, arguments):
    request = Request(what=word or "all")
    names = []
    while arguments:
        argument = arguments.pop(0)
        if argument == "--stage":
            names.append(value(arguments, argument, "the names of stages, as tests/run list gives them"))
            while arguments and not arguments[0].startswith("-"):
                names.append(arguments.pop(0))
        elif argument == "--failed":
            request.failed = True
        elif argument == "--fresh":
            request.fresh = True
        elif argument == "-R" and word == "unit":
            request.command = UNIT_TESTS
            request.regex = value(arguments, argument, "a regular expression for names of unit tests")
        elif argument.startswith("-"):
            there = (*OF_SETS, "-R REGEX") if word == "unit" else OF_SETS
            raise not_an_option(argument, f" {word}" if word else "", there)
        else:
            raise Mistake(f"'{argument}' is one word too many; stages are named after --stage, see tests/run --help.")
    if names and (word or request.failed):
        raise Mistake(f"--stage says all that is to run; it does not go with {word or '--failed'}.")
    if request.command == UNIT_TESTS and request.failed:
        raise Mistake("-R says all that is to run; it does not go with --failed.")
    request.stages = catalog.named(names) if names else catalog.of_set(request.what)
    if names or (request.failed and not word):
        request.what = " ".join(["--stage", *names]) if names else "--failed"
        request.stages = request.stages if names else list(catalog.stages())
    return request


def find_file(name, there):
    """The test file that goes by this name, with or without its directories and its suffix."""
    plain = name.removesuffix(".py").rpartition("/")[2]
    for path in there:
        if path.removesuffix(".py").rpartition("/")[2] == plain:
            return path
    raise Mistake(f"there is no integration test '{name}'; there are "
                  f"{listed(path.removesuffix('.py') for path in there)}.")  # fmt: skip


def parse_integration(arguments, there):
    request = Request(INTEGRATION, INTEGRATION)
    while arguments:
        argument = arguments.pop(0)
        if argument == "-k":
            request.expression = value(arguments, argument, "an expression of names, as pytest does")
        elif argument == "--kernel":
            request.kernel = value(arguments, argument, "a series such as 6.18, or oldest")
        elif argument == "--clock":
            request.clock = True
        elif argument.startswith("-"):
            raise not_an_option(argument, " integration", OF_INTEGRATION)
        else:
            request.files.append(find_file(argument, there))
    check_machine(request)
    return request


def check_machine(request):
    """All the files have to be for the same kind of machine."""
    rooms = {file.rpartition("/")[0] for file in request.files}
    if REFUSED_DIRECTORY in rooms:
        raise Mistake(f"each test of {shards.REFUSED} wants a machine of its own; tests/run --stage boots them:"
                      " isolcpus, no-jit, type-information, stock-6.12.")  # fmt: skip
    if len(rooms) > 1:
        raise Mistake(f"{listed(request.files)} want different machines; name those of one directory at a time.")
    request.clock = request.clock or CLOCK_DIRECTORY in rooms
    request.caches = CACHES_DIRECTORY in rooms
    request.quotas = QUOTAS_DIRECTORY in rooms


def parse(arguments, there):
    """`there`: the integration tests' files, by their paths below tests/integration."""
    arguments = list(arguments)
    word = arguments.pop(0) if arguments and not arguments[0].startswith("-") else ""
    if word and word not in WORDS:
        raise Mistake(f"'{word}' is not known; there are {listed(WORDS)}, and --help says more.")
    if word == LIST:
        if arguments:
            raise Mistake(f"tests/run list takes nothing more, not '{arguments[0]}'.")
        return Request(LIST)
    if word == INTEGRATION:
        return parse_integration(arguments, there)
    return parse_set(word, arguments)
