# SPDX-License-Identifier: GPL-2.0-only
"""`tests/run list`: each stage, in which sets it is, how long it took, and whether it need run."""

import catalog
import memory
from scripts import Gone, Unknown
from summary import duration

STATES = {
    memory.PASSED: "passed for these inputs",
    memory.FAILED: "failed for these inputs",
    memory.FLAKY: "flaky: both passed and failed for these inputs",
    memory.BROKEN: "never came up for these inputs",
}


def state(stage, inputs, known):
    try:
        record = known.record(stage.name, inputs.key(stage))
    except Gone as gone:
        return f"not to be had: {gone}"
    except Unknown as unknown:
        return f"runs each time, as its inputs cannot be told: {unknown}"
    if record:
        return STATES[record.verdict]
    return "stale: its inputs changed" if known.records(stage.name) else "never run"


def lines(inputs, known):
    rows = [("STAGE", "SETS", "LAST", "STATE")]
    for stage in catalog.stages():
        seconds = known.seconds(stage.name)
        sets = " ".join(name for name in catalog.SETS if name in stage.sets)
        rows.append((stage.name, sets, "-" if seconds is None else duration(seconds), state(stage, inputs, known)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, sets, last, now in rows:
        yield f"{name:{widths[0]}}  {sets:{widths[1]}}  {last:>{widths[2]}}  {now}"
