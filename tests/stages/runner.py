# SPDX-License-Identifier: GPL-2.0-only
"""Runs stages: their commands, their output, what came of them, and what is remembered of it."""

import dataclasses
import time

import commands
import junit
import memory
from catalog import Stage
from inputs import Inputs
from output import plain
from scripts import Gone, Scripts, Unknown

# Of tests/vm/run: the machine itself failed, or never came up.
NO_MACHINE = 125


@dataclasses.dataclass(frozen=True)
class Result:
    name: str
    outcome: str
    seconds: float
    status: object  # of the command that failed, or why there is none
    tests: junit.Results
    log: object
    record: memory.Record | None = None  # of this and earlier runs with the same inputs


def outcome(status, boots):
    if status is None:
        return memory.INTERRUPTED
    if status == 0:
        return memory.PASSED
    return memory.BROKEN if boots and status == NO_MACHINE else memory.FAILED


class Runner:
    def __init__(self, place, known, output, processes):
        self.place = place
        self.known = known
        self.output = output
        self.processes = processes
        self.results = []

    def follow(self, name, stage_commands):
        """Runs the commands until one fails; the status of the last."""
        self.place.clear_results(name)
        status = 0
        with open(self.place.results(name) / "log", "w", encoding="utf-8") as log:

            def take_line(line):
                log.write(plain(line) + "\n")
                log.flush()
                self.output.line(name, line)

            for command in stage_commands:
                status = self.processes.run(command, take_line)
                if status != 0:
                    break
        return status

    def run(self, name, stage_commands, boots=False):
        begin = time.monotonic()
        status = self.follow(name, stage_commands)
        directory = self.place.results(name)
        return Result(name, outcome(status, boots), time.monotonic() - begin, status,
                      junit.read(directory / "junit.xml"), directory / "log")  # fmt: skip

    def remember(self, task, result):
        """What is known of the stage's inputs with this result."""
        if not task.key or result.outcome == memory.INTERRUPTED:
            return None
        try:
            # Somebody may have gone on editing: what ran was neither the one nor the other.
            same = Inputs(self.place, Scripts(self.place.top)).key(task.stage) == task.key
        except (Unknown, Gone, OSError):
            same = False
        if not same:
            self.output.line(result.name, "what it depends on changed while it ran: not remembered")
            return None
        return self.known.add(result.name, task.key, result.outcome, result.seconds, result.tests.counts(), time.time())

    def run_task(self, task):
        stage: Stage = task.stage
        self.output.line(stage.name, f"begins; {round(task.seconds)} s are expected")
        result = self.run(stage.name, commands.of(stage, self.place, self.output.colour), stage.boots)
        return dataclasses.replace(result, record=self.remember(task, result))

    def work(self, tasks):
        """Of Workers: runs one job; `tasks` by their names."""

        def run(job):
            try:
                if job.name in tasks:
                    result = self.run_task(tasks[job.name])
                else:
                    result = self.run(job.name, commands.workloads())
            except Exception as error:  # it is told as any other failure, and the rest goes on
                log = self.place.results(job.name) / "log"
                result = Result(job.name, memory.FAILED, 0, f"none ({error})", junit.Results(), log)
            self.results.append(result)
            self.output.line(job.name, f"{said(result)} after {round(result.seconds)} s")
            return result.outcome == memory.PASSED

        return run


def said(result):
    """What came of it, in words."""
    if result.outcome == memory.BROKEN:
        return "the machine did not come up, or died"
    if result.outcome == memory.FAILED:
        return f"failed with status {result.status}"
    return result.outcome
