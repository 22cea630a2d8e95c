# SPDX-License-Identifier: GPL-2.0-only
"""Inside the test machine: runs the commands that the host asks for. guest/start hands it `port` and `read`.

A frame is the number of a session, a kind, a length and as many bytes. To here: X a command (JSON) that begins the
session, I its input, E the input's end, S a signal for its process group, T the time of day in seconds (session 0). From
here: U the machine is up, D it is not and why (session 0), O output, R errors, C the
command's status, which is the session's last.
"""

import fcntl
import json
import os
import pty
import queue
import signal
import struct
import subprocess
import termios
import threading
import time

HEADER = struct.Struct("!IcI")
BLOCK = 1 << 16
# What a daemon left behind may hold open: what was written is passed on by then.
LEFTOVER_SECONDS = 5
ENVIRONMENT = {
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "OUT": "/run/out",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}

sending = threading.Lock()
sessions = {}


def send(session, kind, payload=b""):
    data = memoryview(HEADER.pack(session, kind, len(payload)) + payload)
    with sending:
        while data:
            data = data[os.write(port, data) :]


def pump(source, session, kind):
    """Passes on what comes from the file until its end; a terminal whose other side is gone says EIO."""
    while True:
        try:
            block = os.read(source, BLOCK)
        except OSError:
            return
        if not block:
            return
        send(session, kind, block)


class Session:
    def __init__(self, number, request):
        self.number = number
        self.inputs = queue.SimpleQueue()
        self.terminal = None
        sessions[number] = self
        if request["terminal"]:
            self.start_in_terminal(request)
        else:
            self.start(request)
        threading.Thread(target=self.feed, daemon=True).start()
        threading.Thread(target=self.finish, daemon=True).start()

    def popen(self, request, **files):
        os.makedirs(ENVIRONMENT["OUT"], exist_ok=True)
        environment = ENVIRONMENT | request["environment"]
        return subprocess.Popen(
            request["command"], cwd="/root", env=environment, start_new_session=True, **files
        )

    def start(self, request):
        given = subprocess.PIPE if request["input"] else subprocess.DEVNULL
        self.process = self.popen(request, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.input = self.process.stdin.fileno() if request["input"] else None
        self.outputs = [(self.process.stdout.fileno(), b"O"), (self.process.stderr.fileno(), b"R")]

    def start_in_terminal(self, request):
        self.terminal, inside = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *request["terminal"], 0, 0))
        command = ["setsid", "--ctty", "--wait", *request["command"]]
        self.process = self.popen(request | {"command": command}, stdin=inside, stdout=inside, stderr=inside)
        os.close(inside)
        self.input = self.terminal
        self.outputs = [(self.terminal, b"O")]

    def feed(self):
        while True:
            block = self.inputs.get()
            try:
                if block is None:
                    if self.input is not None and self.terminal is None:
                        self.process.stdin.close()
                    return
                while block:
                    block = block[os.write(self.input, block) :]
            except OSError:  # the command does not read any more
                return

    def finish(self):
        pumps = [threading.Thread(target=pump, args=(file, self.number, kind), daemon=True) for file, kind in self.outputs]
        for thread in pumps:
            thread.start()
        status = self.process.wait()
        end = time.monotonic() + LEFTOVER_SECONDS
        for thread in pumps:
            thread.join(max(0, end - time.monotonic()))
        self.inputs.put(None)
        sessions.pop(self.number, None)
        # As a shell says it.
        send(self.number, b"C", str(status if status >= 0 else 128 - status).encode())

    def handle(self, kind, payload):
        if kind == b"I":
            self.inputs.put(payload)
        elif kind == b"E":
            self.inputs.put(None)
        elif kind == b"S":
            try:
                os.killpg(self.process.pid, int(payload))
            except ProcessLookupError:
                pass


def begin(number, payload):
    request = json.loads(payload)
    try:
        Session(number, request)
    except OSError as error:
        sessions.pop(number, None)
        send(number, b"R", f"{request['command'][0]}: {error.strerror}\n".encode())
        send(number, b"C", b"127" if isinstance(error, FileNotFoundError) else b"126")


def announce():
    """Up is a machine whose units have started and whose bus answers: now and then one comes up without."""
    state = subprocess.run(["systemctl", "is-system-running", "--wait"], capture_output=True, text=True).stdout.strip()
    ask = ["busctl", "--timeout=60", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus"]
    answer = subprocess.run([*ask, "org.freedesktop.DBus", "GetId"], capture_output=True, text=True)
    if answer.returncode == 0:
        send(0, b"U", state.encode())
    else:
        send(0, b"D", f"the system is {state}, and the bus does not answer: {answer.stderr.strip()}".encode())


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    threading.Thread(target=announce, daemon=True).start()
    while True:
        number, kind, length = HEADER.unpack(read(port, HEADER.size))
        payload = read(port, length)
        if kind == b"X":
            begin(number, payload)
        elif kind == b"T":
            time.clock_settime(time.CLOCK_REALTIME, float(payload))
        elif number in sessions:
            sessions[number].handle(kind, payload)


main()
