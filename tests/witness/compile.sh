#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# One source file after another through processes of their own that hand each other their output, as a compiler's
# driver does it: the machine has no compiler of C, but that of Python. With a pause after each, as without one they
# would take all that a budget can give, and what the long jobs of another unit then lack they never catch up with.
compile='import sys; sys.stdout.buffer.write(compile(sys.stdin.read(), "source", "exec").co_code)'
while :; do
    # shellcheck disable=SC2016
    find /usr/lib/python3/dist-packages /usr/lib/python3.* -name '*.py' -size -12k -print0 |
        xargs -0 -n 1 sh -c 'sed "s/^#.*//" "$1" | python3 -I -S -c "$0" | gzip >/dev/null; sleep 0.03' "$compile"
done
