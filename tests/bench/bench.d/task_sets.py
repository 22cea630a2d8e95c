# SPDX-License-Identifier: GPL-2.0-only
"""Random sets of periodic tasks that can be scheduled on one CPU, with what the machine and the floor take of it.

The shares are drawn by UUniFast (E. Bini, G. Buttazzo: Measuring the Performance of Schedulability Tests, Real-Time
Systems 30, 2005). A set is kept when it passes the processor demand criterion (S. Baruah, L. Rosier, R. Howell:
Algorithms and Complexity Concerning the Preemptive Scheduling of Periodic, Real-Time Tasks on One Processor,
Real-Time Systems 2, 1990): whatever the phases, all deadlines can be kept if for each deadline t after a release of
all tasks at 0

    sum over tasks with D <= t of (floor((t - D) / T) + 1) * (C + JOB)  +  taken(t)  <=  t

where D is exec and budget together, and JOB what one job costs beside its work: its wakeup by a timer, the switch to
it and the one back, and the system calls of the workload. taken(t) is what the tasks do not get: a turn of the floor
at the worst moment and one more each time that another is owed, and likewise the ticks:

    taken(t) = (TURN + SWITCHES) * (1 + floor(t / (TURN / floor)))  +  TICK * (1 + floor(t / 4 ms))

Both sides are bounded by straight lines, so that only t below (sum of the constant parts) / (1 - sum of the rates) can
fail.
"""

import dataclasses
import math
import random

# On the virtual clock, rounded up: a pipe round trip, two wakeups and two switches and four system calls, takes 18 us.
JOB_US = 40
SWITCHES_US = 20
TICK_EVERY_US, TICK_US = 4000, 20
FLOOR = 0.05
TURN_MOST_US = 1000

UTILISATION = (0.4, 0.85)
BUDGET_US = (1000, 100_000)
TASKS = (3, 5)
PERIOD_MOST_US = 250_000
EXEC_LEAST_US = 200


@dataclasses.dataclass(frozen=True)
class Task:
    exec_us: int
    period_us: int
    budget_us: int
    offset_us: int = 0

    @property
    def deadline_us(self):
        return self.exec_us + self.budget_us


def uunifast(dice, count, total):
    shares = []
    for left in range(count - 1, 0, -1):
        rest = total * dice.random() ** (1 / left)
        shares.append(total - rest)
        total = rest
    return [*shares, total]


def turn_us(tasks):
    """As the scheduler takes them: 1 ms, or half of the smallest budget."""
    return min(TURN_MOST_US, min(task.budget_us for task in tasks) / 2)


def taken_us(turn, t_us):
    turns = 1 + math.floor(t_us * FLOOR / turn)
    return (turn + SWITCHES_US) * turns + TICK_US * (1 + t_us // TICK_EVERY_US)


def demand_us(tasks, t_us):
    return sum(
        ((t_us - task.deadline_us) // task.period_us + 1) * (task.exec_us + JOB_US)
        for task in tasks
        if task.deadline_us <= t_us
    )


def horizon_us(tasks, turn):
    """From here on nothing can fail any more; None: the CPU is overloaded."""
    rate = (turn + SWITCHES_US) * FLOOR / turn + TICK_US / TICK_EVERY_US
    constant = turn + SWITCHES_US + TICK_US
    for task in tasks:
        part = (task.exec_us + JOB_US) / task.period_us
        rate += part
        constant += part * (task.period_us - task.deadline_us)
    return constant / (1 - rate) if rate < 1 else None


def is_feasible(tasks):
    turn = turn_us(tasks)
    horizon = horizon_us(tasks, turn)
    if horizon is None:
        return False
    deadlines = {
        task.deadline_us + task.period_us * job
        for task in tasks
        for job in range(max(0, math.floor((horizon - task.deadline_us) / task.period_us) + 1))
    }
    return all(demand_us(tasks, t_us) + taken_us(turn, t_us) <= t_us for t_us in deadlines)


def draw_task(dice, share):
    """Each order of magnitude of budgets is as likely as another. A job is due before the next one is released."""
    least, most = map(math.log, BUDGET_US)
    budget_us = round(math.exp(dice.uniform(least, most)))
    period_us = round(budget_us * dice.uniform(1, 3) / (1 - share))
    exec_us = math.floor(share * period_us)
    return Task(exec_us, period_us, min(budget_us, period_us - exec_us))


def draw_set(seed):
    """Every other set is released all at once, the worst there is; in the others each task has a phase of its own."""
    dice = random.Random(seed)
    while True:
        shares = uunifast(dice, dice.randint(*TASKS), dice.uniform(*UTILISATION))
        tasks = [draw_task(dice, share) for share in shares]
        fits = all(task.exec_us >= EXEC_LEAST_US and task.period_us <= PERIOD_MOST_US for task in tasks)
        if fits and all(task.budget_us >= BUDGET_US[0] for task in tasks) and is_feasible(tasks):
            break
    return tuple(
        dataclasses.replace(task, offset_us=dice.randrange(task.period_us) if seed % 2 else 0) for task in tasks
    )


def utilisation(tasks):
    return sum(task.exec_us / task.period_us for task in tasks)
