#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tests/vm is made of, without a machine: command lines, keys, states, and the agent itself over a socket."""

import contextlib
import io
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
from unittest import mock

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/vm/machine"))

import base  # noqa: E402
import files  # noqa: E402
import machine  # noqa: E402
import main  # noqa: E402
import options  # noqa: E402
import parts  # noqa: E402
import place  # noqa: E402
import session  # noqa: E402
import states  # noqa: E402
import usage  # noqa: E402
from link import Link  # noqa: E402

# The agent as the machine runs it, with a socket for its port; what it asks systemd is asked of a script.
AGENT = """
import os, sys
port = int(sys.argv[1])
def read(port, count):
    data = b""
    while len(data) < count:
        block = os.read(port, count - len(data))
        if not block:
            os._exit(0)
        data += block
    return data
source = read(port, int(read(port, 8), 16)).replace(b"/run/out", sys.argv[2].encode()).replace(b"/root", b"/")
exec(compile(source, "agent", "exec"), {"__name__": "agent", "port": port, "read": read})
"""


def options_of(**changes):
    boot = options.Boot(**changes)
    boot.check()
    return boot


def said_by(program, *arguments):
    """The status, and what goes to either stream."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main.main(program, list(arguments))
    return status, out.getvalue(), err.getvalue()


class CommandLine(unittest.TestCase):
    MISTAKES = (
        ("run", ("--bogus", "--", "true"), "no option '--bogus'", "--virtual-clock"),
        ("run", (), "there is no command",),
        ("run", ("true",), "'true' is no option", "after --"),
        ("run", ("--smp", "0", "--", "true"), "--smp is '0'", "4,sockets=2"),
        ("run", ("--memory", "lots", "--", "true"), "--memory is 'lots'", "3G"),
        ("run", ("--timeout", "soon", "--", "true"), "--timeout is 'soon'", "seconds"),
        ("run", ("--add", "/no/such", "--", "true"), "there is no /no/such"),
        ("run", ("--add", "/etc/passwd:etc", "--", "true"), "must begin with /"),
        ("run", ("--kernel",), "--kernel takes a value"),
        ("up", ("--timeout", "5"), "no option '--timeout'"),
        ("up", ("one", "two"), "'two' is one word too many"),
        ("up", ("../etc",), "'../etc' is no name", "A-Z a-z"),
        ("exec", ("--", ), "there is no command"),
        ("exec", ("other", "--", "true"), "there is no machine 'other'", "none is up"),
        ("push", ("other",), "there is no machine 'other'"),
        ("reset", ("other",), "there is no machine 'other'"),
        ("down", ("other",), "there is no machine 'other'"),
        ("list", ("other",), "'other' is one word too many"),
    )  # fmt: skip

    def test_each_mistake_is_one_sentence_and_status_2(self):
        with tempfile.TemporaryDirectory() as empty, mock.patch.object(place, "DIRECTORY", pathlib.Path(empty)):
            for program, arguments, *words in self.MISTAKES:
                with self.subTest(program=program, arguments=arguments):
                    status, out, err = said_by(program, *arguments)
                    self.assertEqual((status, out), (base.USAGE, ""))
                    self.assertEqual(len(err.splitlines()), 1, err)
                    for word in words:
                        self.assertIn(word, err)

    def test_a_name_in_use_is_one_sentence_and_status_2(self):
        with tempfile.TemporaryDirectory() as cache, mock.patch.object(place, "DIRECTORY", pathlib.Path(cache)):
            with place.try_lock("mine"):
                status, _, err = said_by("up", "mine")
                self.assertEqual(status, base.USAGE)
                self.assertIn("'mine' is up already", err)
            self.assertEqual(place.names(), [], "what nobody keeps is gone")
            self.assertFalse((pathlib.Path(cache) / "mine").exists())

    def test_every_command_has_its_help_with_each_of_its_options(self):
        for program, known in options.KNOWN.items():
            status, out, _ = said_by(program, "--help")
            self.assertEqual(status, 0)
            self.assertTrue(out.startswith(f"Usage: tests/vm/{'run' if program == 'shell' else program}"), program)
            for option in known:
                if program != "shell" and option not in ("--help", "--all"):
                    self.assertIn(f"  {option} ", out, program)

    def test_help_after_the_dashes_is_the_commands_own(self):
        request = options.parse("run", ["--smp", "4", "--", "ls", "--help"], options.KNOWN["run"])
        self.assertEqual((request.command, request.boot.cpus), (["ls", "--help"], 4))

    def test_the_virtual_clock_has_one_cpu_unless_told(self):
        parse = lambda *words: options.parse("run", list(words), options.KNOWN["run"]).boot.smp
        self.assertEqual(parse("--virtual-clock"), "1")
        self.assertEqual(parse("--virtual-clock", "--smp", "4"), "4")
        self.assertEqual(parse(), "2")

    def test_every_usage_belongs_to_a_command(self):
        self.assertEqual(set(usage.USAGES), set(options.KNOWN))
        for program in usage.USAGES:
            self.assertTrue((TOP / "tests/vm" / program).exists(), program)


class Keys(unittest.TestCase):
    def key(self, **changes):
        found = parts.Parts(("qemu",), "vmlinuz", ("root",), (), "7.3.4", "tcg", changes.pop("key", "parts"))
        return parts.machine_key(found, options_of(**changes))

    def test_all_that_makes_another_machine_makes_another_key(self):
        keys = [
            self.key(), self.key(key="other"), self.key(smp="4"), self.key(append=" isolcpus=1"), self.key(memory="2G"),
            self.key(virtual_clock=True), self.key(parallel=True),
        ]  # fmt: skip
        self.assertEqual(len(set(keys)), len(keys))
        self.assertEqual(self.key(), self.key(boot=True))

    def test_each_script_of_the_machine_is_in_it(self):
        for script in parts.SCRIPTS:
            with tempfile.TemporaryDirectory() as directory:
                other = pathlib.Path(directory) / script.name
                other.write_bytes(script.read_bytes() + b"\n")
                changed = tuple(other if path == script else path for path in parts.SCRIPTS)
                before = self.key()
                with mock.patch.object(parts, "SCRIPTS", changed):
                    self.assertNotEqual(self.key(), before, script)


class States(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.cache = pathlib.Path(directory.name)
        patch = mock.patch.object(states, "DIRECTORY", self.cache / "states")
        patch.start()
        self.addCleanup(patch.stop)

    def keep(self, key):
        made = self.cache / "made"
        made.write_text(key)
        states.keep(key, made)

    def test_what_was_kept_is_found_by_its_key_alone(self):
        self.keep("one")
        self.assertEqual(states.find("one").read_text(), "one")
        self.assertIsNone(states.find("two"))

    def test_the_least_used_go(self):
        for number in range(states.KEPT):
            self.keep(f"key {number}")
            time.sleep(0.01)
        states.find("key 0")
        self.keep("one more")
        self.assertIsNone(states.find("key 1"))
        self.assertIsNotNone(states.find("key 0"))
        self.assertIsNotNone(states.find("one more"))


class Starts(unittest.TestCase):
    """How a machine begins; what QEMU would do is noted."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        cache = pathlib.Path(directory.name)
        for module in (states, machine):
            patch = mock.patch.object(module, "CACHE", cache)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.object(states, "DIRECTORY", cache / "states")
        patch.start()
        self.addCleanup(patch.stop)
        self.cache = cache
        self.did = []

    def machine(self, accel="tcg", **options):
        boot = options_of(**options)
        found = parts.Parts(("qemu",), "vmlinuz", ("root",), (), "7.3.4", accel, "parts")
        one = machine.Machine(found, boot, parts.machine_key(found, boot), self.cache)
        one._boot = lambda: self.did.append("boot")
        one.emulator = types.SimpleNamespace(monitor=self, end=lambda: None)
        return one

    def save(self, path):
        self.did.append("save")
        path.write_text("state")

    def call(self, command):
        self.did.append(command)

    def start(self, one):
        self.did.clear()
        with contextlib.redirect_stderr(io.StringIO()):
            one.start()
        return self.did

    def test_the_first_boots_and_the_next_goes_on_from_there(self):
        self.assertEqual(self.start(self.machine()), ["boot", "save", "cont"])
        one = self.machine()
        one._launch = lambda state: self.did.append(state.read_text())
        self.assertEqual(self.start(one), ["state"])
        self.assertEqual(self.start(self.machine(smp="4")), ["boot", "save", "cont"], "another machine")

    def test_on_the_virtual_clock_it_stands_still_until_there_is_a_command(self):
        self.assertEqual(self.start(self.machine(virtual_clock=True)), ["boot", "save"])

    def test_who_asks_for_a_boot_gets_one(self):
        self.assertEqual(self.start(self.machine(boot=True)), ["boot"])
        self.assertEqual(self.start(self.machine(accel="kvm")), ["boot"])

    def test_a_state_of_no_use_is_forgotten_and_the_machine_boots(self):
        self.start(self.machine())
        one = self.machine()
        one._launch = mock.Mock(side_effect=base.MachineError("damaged"))
        self.assertEqual(self.start(one), ["boot"])
        self.assertIsNone(states.find(one.key))

    def test_an_emulated_machine_that_does_not_come_up_is_booted_once_more(self):
        one = self.machine(boot=True)
        one.console = self.cache / "console"
        one.console.write_text("oops")
        one._boot = mock.Mock(side_effect=[base.MachineError("no bus"), None])
        with mock.patch.object(base, "log_file", lambda kind: one.console):
            self.start(one)
            self.assertEqual(one._boot.call_count, 2)
            one._boot = mock.Mock(side_effect=base.MachineError("no bus"))
            with self.assertRaises(base.MachineError):
                self.start(one)


class Agent(unittest.TestCase):
    """The agent, and the host's side of it, over a socket instead of a port."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        for name, script in (("systemctl", "echo running"), ("busctl", "exit 0")):
            path = self.directory / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        self.start({"PATH": f"{self.directory}:/usr/bin:/bin"})

    def start(self, environment):
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", AGENT, str(theirs.fileno()), str(self.directory / "out")]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        self.announced, self.up = [], threading.Event()
        source = (TOP / "tests/vm/guest/agent.py").read_bytes()
        link = Link(ours, source, lambda kind, payload: (self.announced.append((kind, payload)), self.up.set()))
        self.machine = types.SimpleNamespace(link=link, clock=types.SimpleNamespace(runs=contextlib.nullcontext))
        self.addCleanup(self.process.wait)
        self.addCleanup(ours.close)
        self.addCleanup(self.process.kill)

    def run_command(self, *command, end=None, read=None, then=None):
        out, err = [], []
        one = session.Session(
            self.machine, session.request(list(command), has_input=read is not None), out.append, err.append
        )
        if read:
            one.feed(read)
        if then:
            then(one)
        return one.wait(end), b"".join(out).decode(), b"".join(err).decode()

    def test_it_says_that_the_machine_is_up(self):
        self.assertTrue(self.up.wait(30))
        self.assertEqual(self.announced, [(b"U", b"running")])

    def test_a_machine_without_its_bus_is_not_up(self):
        (self.directory / "busctl").write_text("#!/bin/sh\necho 'no bus' >&2; exit 1\n")
        self.start({"PATH": f"{self.directory}:/usr/bin:/bin"})
        self.assertTrue(self.up.wait(30))
        (kind, why), = self.announced
        self.assertEqual(kind, b"D")
        self.assertIn(b"no bus", why)

    def test_output_and_status_come_back(self):
        self.assertEqual(self.run_command("sh", "-c", "echo out; echo err >&2; exit 7"), (7, "out\n", "err\n"))

    def test_input_goes_there_whole(self):
        blocks = [b"x" * 100_000, b"y" * 100_000, b""]
        status, out, _ = self.run_command("cat", read=lambda count: blocks.pop(0))
        self.assertEqual((status, out), (0, "x" * 100_000 + "y" * 100_000))

    def test_without_input_there_is_none(self):
        self.assertEqual(self.run_command("cat"), (0, "", ""))

    def test_a_command_that_is_not_there_is_told_as_a_shell_does(self):
        status, _, err = self.run_command("no-such-command")
        self.assertEqual(status, 127)
        self.assertIn("no-such-command", err)

    def test_a_signal_ends_the_command_and_what_it_started(self):
        status, _, _ = self.run_command("sh", "-c", "sleep 600 & wait", then=lambda one: one.signal(15))
        self.assertEqual(status, 143)
        self.assertEqual(self.run_command("true")[0], 0, "the agent goes on")

    def test_a_command_that_does_not_end_in_time_is_ended(self):
        with mock.patch.object(session, "GRACE_SECONDS", 0.2):
            status, _, _ = self.run_command("sh", "-c", "trap '' TERM; sleep 600", end=time.monotonic() + 0.2)
        self.assertEqual(status, base.TIMED_OUT)

    def test_a_terminal_is_one(self):
        out = []
        one = session.Session(self.machine, session.request(["stty", "size"], terminal=[33, 77]), out.append, None)
        self.assertEqual(one.wait(), 0)
        self.assertEqual(b"".join(out).strip(), b"33 77")

    def test_two_commands_run_side_by_side(self):
        slow = session.Session(self.machine, session.request(["sleep", "600"]), None, None)
        self.assertEqual(self.run_command("echo", "here"), (0, "here\n", ""))
        slow.signal(9)
        self.assertEqual(slow.wait(), 137)

    def test_an_agent_that_is_gone_ends_its_sessions(self):
        one = session.Session(self.machine, session.request(["sleep", "600"]), None, None)
        self.process.kill()
        with self.assertRaises(base.MachineError):
            one.wait(time.monotonic() + 30)

    def test_what_is_left_in_out_comes_back(self):
        self.assertEqual(self.run_command("sh", "-c", 'echo result >"$OUT/file"')[0], 0)
        with mock.patch.object(files, "OUT", str(self.directory / "out")):
            files.get(self.machine, self.directory / "here")
        self.assertEqual((self.directory / "here/file").read_text(), "result\n")

    def test_files_arrive_as_roots_at_their_place(self):
        source = self.directory / "source"
        source.mkdir()
        (source / "file").write_text("content")
        (source / "link").symlink_to("file")
        target = self.directory / "target"
        unpack = ["tar", "-x", "-C", "/", "--no-same-owner"]
        with mock.patch.object(files, "UNPACK", unpack):
            files.put(self.machine, [(source, str(target))])
        self.assertEqual((target / "link").read_text(), "content")
        self.assertFalse((target / "link").is_symlink())


if __name__ == "__main__":
    unittest.main()
