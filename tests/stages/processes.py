# SPDX-License-Identifier: GPL-2.0-only
"""Commands of stages, each in a process group of its own, so that all of it can be ended and nothing else."""

import contextlib
import os
import signal
import subprocess
import threading
import time

# A machine that is told to end takes a moment to take its files along.
GRACE_SECONDS = 20


def as_root():
    """What has to be before a command that needs root."""
    return [] if os.geteuid() == 0 else ["sudo", "-n", "--"]


def end_group(group, number):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    if as_root():
        # What runs in a root there belongs to root.
        kill = [*as_root(), "kill", f"-{int(number)}", "--", f"-{group}"]
        subprocess.run(kill, stderr=subprocess.DEVNULL, check=False)


def end(process):
    """Ends it and all that is in its group, gently first."""
    end_group(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        end_group(process.pid, signal.SIGKILL)
        process.wait()


class Processes:
    def __init__(self, top):
        self.top = top
        self.lock = threading.Lock()
        self.running = set()
        self.stopped = False

    def run(self, command, take_line):
        """Runs it to its end and hands over each line that it prints; returns its status, None if all was stopped."""
        with self.lock:
            if self.stopped:
                return None
            process = subprocess.Popen(
                command, cwd=self.top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                process_group=0,
            )  # fmt: skip
            self.running.add(process)
        try:
            with process.stdout:
                for line in process.stdout:
                    take_line(line.decode(errors="replace").rstrip("\r\n"))
            status = process.wait()
        except BaseException:  # nobody is there any more to take its lines
            end(process)
            raise
        finally:
            with self.lock:
                self.running.discard(process)
        return None if self.stopped and status != 0 else status

    def stop(self):
        """Ends what runs, and lets nothing begin any more."""
        with self.lock:
            self.stopped = True
            ending = list(self.running)
        for process in ending:
            end_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while any(process in self.running for process in ending) and time.monotonic() < until:
            time.sleep(0.05)
        for process in ending:
            if process in self.running:
                end_group(process.pid, signal.SIGKILL)
