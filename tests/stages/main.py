# SPDX-License-Identifier: GPL-2.0-only
"""What tests/run starts: main.py TOP CACHE BUILDS ARGUMENT…

The directories are the checkout, the cache, and this checkout's build trees in the cache.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import chosen
import commands
import listing
import options
import plan
import shards
import summary
from inputs import Inputs
from memory import Memory
from mistake import Mistake
from output import Output
from place import Place, orphaned_builds
from processes import Processes, as_root
from runner import Runner
from schedule import Queue, Workers
from scripts import Scripts


class Ended(BaseException):
    """Somebody ends this run: nothing below may take it for a failure."""

    def __init__(self, number):
        super().__init__(number)
        self.status = 128 + number


def end(number, _frame):
    # Once is enough: what follows ends all stages, however often it is asked for.
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise Ended(number)


def prepare(place):
    place.builds.mkdir(parents=True, exist_ok=True)
    (place.builds / "checkout").write_text(f"{place.top}\n", encoding="utf-8")
    for tree in orphaned_builds(place.cache):
        subprocess.run([*as_root(), "rm", "-rf", "--", str(tree)], check=False)


def has_rights(place):
    """Asked for now: later nobody may be there, and commands of stages cannot ask."""
    return subprocess.run([commands.BUILD, "rights"], cwd=place.top, check=False).returncode == 0


def work_off(made, runner):
    """Runs the queue; the status with which somebody ended it, or 0, and what was not run because of what."""
    queue = Queue(plan.jobs(made))
    workers = Workers(queue, runner.work({task.stage.name: task for task in made.run}))
    try:
        workers.run()
    except Ended as ended:
        runner.output.say("ending what runs …")
        workers.stop()
        runner.processes.stop()
        workers.join()
        return ended.status, []
    return 0, [(job.name, because) for job, because in queue.blocked()]


def run_stages(request, place, runner, strict):
    begin = time.monotonic()
    known = runner.known
    stages = plan.failed_last(request.stages, known) if request.failed else request.stages
    if not stages:
        runner.output.say("nothing failed the last time that it ran")
    made = plan.make(stages, Inputs(place, Scripts(place.top)), known, request.fresh or strict)
    for notice in made.notices:
        runner.output.say(notice)
    ended, blocked = 0, []
    if made.run:
        if not has_rights(place):
            return 1
        ended, blocked = work_off(made, runner)
    report = summary.Report(request.what, runner.results, time.monotonic() - begin, strict, made.remembered,
                            made.untested, blocked, ended != 0)  # fmt: skip
    status = finish(report, runner.output)
    return ended or status


def run_chosen(request, place, runner, run):
    begin = time.monotonic()
    if not has_rights(place):
        return 1
    try:
        results, ended = [run(request, place, runner)], 0
    except Ended as signalled:
        runner.processes.stop()
        results, ended = [], signalled.status
    report = summary.Report(request.what, results, time.monotonic() - begin, False, interrupted=ended != 0)
    status = finish(report, runner.output)
    return ended or status


def finish(report, output):
    for line in summary.lines(report):
        output.say(line)
    return report.status()


def main(arguments, place, environment=os.environ, stream=sys.stdout):
    """The status to end with."""
    strict = bool(environment.get("CI"))
    output = Output(stream, stream.isatty() and not strict and not environment.get("NO_COLOR"))
    try:
        shards.check(place.integration)
        request = options.parse(arguments, shards.files(place.integration))
        if request.command == options.LIST:
            for line in listing.lines(Inputs(place, Scripts(place.top)), Memory(place)):
                output.say(line)
            return 0
        prepare(place)
        runner = Runner(place, Memory(place), output, Processes(place.top))
        room = "" if request.command == options.RUN else f"-{request.command}"
        with place.locked(f"run-{place.builds.name}{room}", output.say):
            if request.command == options.RUN:
                return run_stages(request, place, runner, strict)
            run = chosen.integration if request.command == options.INTEGRATION else chosen.unit_tests
            return run_chosen(request, place, runner, run)
    except Mistake as mistake:
        print(f"tests/run: {mistake}", file=sys.stderr)
        return 2
    except Ended as ended:
        return ended.status
    except BrokenPipeError:
        # Whoever read has what was wanted; nothing is to be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, end)
    sys.exit(main(sys.argv[4:], Place(*map(pathlib.Path, sys.argv[1:4]))))
