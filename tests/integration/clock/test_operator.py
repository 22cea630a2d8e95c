# SPDX-License-Identifier: GPL-2.0-only
"""Root has an answer soon from a session of its own, and nobody else gets into what is reserved for it."""

import json
import time

import answers
import machine
import pytest
import root_session
import three_units
from figures import figures

GREEDY = "greedy.service"
HOGS = 2
MOST_MS = 500
SECONDS = 4


@pytest.fixture(scope="module", autouse=True)
def hogs(module_units):
    module_units.service(GREEDY, "/usr/bin/stress-ng --poll 4 --timeout 0", budget="50ms")
    three_units.write_hogs(HOGS)
    machine.daemon_reload()
    machine.start("scx-slo")
    machine.wait_for_state("enforcing")
    three_units.start_hogs(HOGS)
    yield
    machine.configure(None)
    machine.stop("scx-slo")
    three_units.remove()


def test_an_answer_comes_beside_a_unit_that_takes_all_it_can_get():
    machine.start(GREEDY)
    took = root_session.answered(root_session.ask(root_session.STATUS))
    machine.stop(GREEDY)
    figures.append(f"systemctl status beside a greedy unit: {', '.join(f'{ms:.0f}' for ms in took)} ms")
    assert machine.enforcing()
    assert max(took) <= MOST_MS


def share_in_roots_sessions(units, name, user):
    """Of a task that never sleeps, beside two hogs of which each has a third."""
    units.service(name, "/bin/sh -c 'while :; do :; done'", settings=f"Slice=user-0.slice\nUser={user}\n")
    machine.daemon_reload()
    machine.start(name)
    begin = time.monotonic() + 1
    share = machine.cpu_share(machine.cgroup_of(name), begin, begin + SECONDS)
    machine.stop(name)
    return share


def test_the_reserve_is_for_root_alone(units):
    roots = share_in_roots_sessions(units, "spinner-of-root.service", "root")
    users = share_in_roots_sessions(units, "spinner-of-user.service", answers.USER)
    figures.append(f"in user-0.slice beside {HOGS} hogs: root's {100 * roots:.1f}%, a user's {100 * users:.1f}%")
    # Of two thirds that would be others' it takes so much: the reserve, and what was saved up in two seconds.
    assert roots > users + 0.02
    assert roots < users + 0.05 + 0.1 / SECONDS + 0.02


def test_status_says_what_is_reserved():
    assert "5% of a CPU is for root's sessions and logins" in machine.output("scx-slo", "status")
    machine.configure("[Scheduler]\nOperatorReserve=0%\n")
    assert "OperatorReserve=0%" in machine.output("scx-slo", "status")
    assert json.loads(machine.output("scx-slo", "status", "--json"))["operator_reserve_per_sec_usec"] == 0
    mark = machine.journal_mark()
    machine.configure("[Scheduler]\nOperatorReserve=60%\n")
    machine.wait_for("the journal names it", lambda: any("OperatorReserve" in line for line in machine.journal(mark)))
    assert machine.bus_property("OperatorReservePerSecUSec") == 50_000
    machine.configure(None)
