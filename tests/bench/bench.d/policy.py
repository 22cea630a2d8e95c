# SPDX-License-Identifier: GPL-2.0-only
"""The bounds that the policy keeps, section by section, beside what the kernel's scheduler makes of the same."""

import traceback

import abuse
import arms
import cost
import deep
import feasible
import limited
import measures
import mistaken
import operator_answers
import others
import overload
import response
import starting
import switches
import three

# One round of a scenario says it: the virtual clock knows no noise. Costs are so cheap that there may be more.
COST_ROUNDS = 3


def costs(rounds, say):
    rounds = max(rounds, COST_ROUNDS)
    return [
        measure
        for measured in (
            cost.measure,
            cost.measure_limited,
            cost.measure_messages,
            cost.measure_compile,
            deep.measure,
        )
        for measure in measured(rounds, say)
    ]


SECTIONS = {
    "abuse": abuse.measure,
    "mistaken": mistaken.measure,
    "overload": overload.measure,
    "feasible": feasible.measure,
    "response": response.measure,
    "three-units": three.measure,
    "others": others.measure,
    "operator": operator_answers.measure,
    "limits": limited.measure,
    "starts": starting.measure,
    "cost": costs,
    "switches": switches.measure,
}


def measure(rounds, say, only=()):
    """A section that cannot be measured does not keep the others from it."""
    measured = []
    for name in only or SECTIONS:
        print(f"policy, {name}:", flush=True)
        try:
            measured += SECTIONS[name](rounds, say)
        except Exception as failure:  # pylint: disable=broad-exception-caught
            traceback.print_exc()
            measured.append(measures.failed(name, f"{type(failure).__name__}, told above"))
            arms.leave()
    return measured
