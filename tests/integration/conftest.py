# SPDX-License-Identifier: GPL-2.0-only
import os

import complaints
import known_jobs
import machine
import pytest
from figures import figures


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="loads for 35 s each and not for 4, 100 starts and not 60")
    parser.addoption("--torture-seconds", type=int, help="how long limits are tortured, instead of a minute")


def pytest_collection_modifyitems(items):
    for item in items:
        marker = item.get_closest_marker("kernel_independent")
        if marker is not None and not (marker.args and marker.args[0]):
            raise pytest.UsageError(f"{item.nodeid}: kernel_independent takes the reason why it is")
    items.sort(key=lambda item: ("last" in item.keywords) - ("first" in item.keywords))


def pytest_terminal_summary(terminalreporter):
    """Shows the figures also of a run that passed: they are what such a run is for."""
    for text in figures:
        terminalreporter.write_line(text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    told = complaints.told() if report.failed else ""
    if told:
        report.sections.append(("what the kernel complains of", told))
    return report


@pytest.fixture
def units():
    """Makes unit files and drop-ins that are over after the test, with the units stopped."""
    made = Made()
    yield made
    made.clean()


@pytest.fixture(scope="module")
def module_units():
    """The same for what the tests of one file share."""
    made = Made()
    yield made
    made.clean()


@pytest.fixture(scope="module")
def anchor(module_units):
    """A unit with a budget that runs throughout: without any the daemon has nothing to enforce and stays idle."""
    module_units.service("anchor.service", "/bin/sleep infinity", budget="1s")
    machine.daemon_reload()
    machine.start("anchor.service")
    if machine.is_active("scx-slo"):  # else it is told of all units when it starts
        machine.wait_for("anchor.service is known", lambda: "anchor.service" in machine.list_units(), limit=30)


@pytest.fixture
def enforcing(anchor):
    machine.ensure_enforcing()


@pytest.fixture(scope="module")
def loaded(module_units):
    """loaded.service has a budget and works throughout."""
    module_units.service("loaded.service", machine.WORK, budget="10ms")
    machine.daemon_reload()
    machine.start("loaded.service")


@pytest.fixture(scope="module")
def full_load(loaded, module_units):
    """loaded.service beside hogs that would take all CPUs."""
    module_units.start_hogs()


@pytest.fixture(scope="module")
def known_services(request, anchor, module_units):
    """A service for each of the module's CASES."""
    known_jobs.write(module_units, request.module.CASES)
    yield
    machine.configure(None)


@pytest.fixture(scope="module", params=["observing", "enforcing"])
def known_state(request, known_services):
    known_jobs.enter(request.param)
    return request.param


class Made:
    def __init__(self):
        self.names = []

    def service(self, name, command, settings="", budget=None):
        """A service that runs `command`; takes effect with the next machine.daemon_reload()."""
        self.names.append(name)
        machine.write_unit(name, f"[Service]\nExecStart={command}\n{settings}")
        if budget is not None:
            self.budget(name, budget)

    def budget(self, name, value):
        if name not in self.names:
            self.names.append(name)
        return machine.write_drop_in(name, f"[X-Slo]\nSloBudget={value}\n")

    def start_hogs(self):
        """hogs.service, with two CPU hogs for each CPU; all of them run when this returns."""
        hogs = 2 * os.cpu_count()
        self.service("hogs.service", f"/usr/bin/stress-ng --cpu {hogs}", settings="Slice=batch.slice\n")
        machine.daemon_reload()
        machine.start("hogs.service")
        machine.wait_for("all hogs run", lambda: machine.running_hogs("hogs.service") >= hogs, limit=60)

    def clean(self):
        if not self.names:
            return
        units = [name for name in self.names if "@." not in name]  # a template is no unit
        machine.stop(*units, or_unloaded=True)
        machine.reset_failed(*units)
        for name in self.names:
            machine.leave_files(name)
