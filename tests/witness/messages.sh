#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Bursts of messages between new processes, with a pause: without one they would take all that a budget can give.
while :; do
    hackbench -l 50 -g 1 -f 3
    sleep 0.5
done
