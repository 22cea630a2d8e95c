# SPDX-License-Identifier: GPL-2.0-only
"""How long systemctl, a login and the journal take to answer beside CPU hogs, none of them with a budget of its own."""

import answers
import arms
import machine
import three_units
from measures import Measure

# On the virtual clock a second is 10⁹ instructions, about what it is on real hardware.
MOST_MS = 1000
HOGS = 4


def prepare():
    arms.write_beside()
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    machine.run("systemctl", "start", arms.BESIDE)
    three_units.start_hogs(HOGS)


def measure(rounds, say):
    compared = (arms.KERNEL, arms.OURS)
    measures = {name: Measure(f"answer of {name}", "ms", compared, most=MOST_MS) for name in answers.ALL}
    prepare()
    for number in range(rounds):
        for arm in arms.order(compared, number):
            arms.enter(arm)
            machine.wait_for("the hogs run", lambda: machine.running_hogs(three_units.HOGS) >= HOGS, 60)
            for name, figure in measures.items():
                figure.values[arm].append(1000 * answers.seconds(name))
                say(f"round {number + 1}, {arm}: {figure.name}: {figure.values[arm][-1]:.0f} ms")
            arms.check(arm)
    machine.run("systemctl", "stop", three_units.HOGS, arms.BESIDE)
    return list(measures.values())
