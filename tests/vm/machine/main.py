# SPDX-License-Identifier: GPL-2.0-only
"""The commands of tests/vm that start machines and work with them; the first argument is the command's name."""

import sys

import base
import once
import options
import standing
import usage
from base import MachineError, UsageError, say


def commands():
    return {
        "run": once.run,
        "shell": once.run,
        "up": standing.up,
        "exec": standing.execute,
        "push": standing.push,
        "reset": standing.reset,
        "down": standing.down,
        "list": standing.show,
    }


def main(program, arguments):
    base.program = program
    try:
        if "--help" in arguments[: arguments.index("--") if "--" in arguments else None]:
            print(usage.USAGES[program], end="")
            return 0
        return commands()[program](options.parse(program, arguments, options.KNOWN[program]))
    except UsageError as mistake:
        say(mistake)
        return base.USAGE
    except MachineError as failure:
        say(failure)
        return base.MACHINE_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
