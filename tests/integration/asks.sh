#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: asks.sh NUMBER COMMAND…
#
# Runs COMMAND so often, a second apart, and prints how many milliseconds each took. It looks at the clock itself:
# where CPU time is scarce, a process for that would take as long as COMMAND.

number=$1
shift
while ((number-- > 0)); do
    sleep 1
    begin=${EPOCHREALTIME/[.,]/}
    "$@" >/dev/null 2>&1 || exit 1
    end=${EPOCHREALTIME/[.,]/}
    echo $(((end - begin) / 1000))
done
