# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU: its command line, its process, its two connections."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess

from qmp import Monitor

PR_SET_PDEATHSIG = 1


def command_line(parts, boot, initrd, console, agent, monitor):
    accel = "tcg" if boot.virtual_clock else parts.accel
    words = [*parts.emulator, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-m", boot.memory, "-smp", boot.smp, "-kernel", parts.kernel, "-initrd", initrd]
    words += ["-chardev", f"file,id=console,path={console},append=on", "-serial", "chardev:console"]
    words += ["-device", "virtio-serial-pci"]
    words += ["-chardev", f"socket,id=agent,fd={agent}", "-device", "virtserialport,chardev=agent,name=slo.agent"]
    words += ["-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control"]
    # Emulated as AMD's, each CPU would have a last-level cache of its own, whatever the topology.
    words += ["-cpu", "max" if accel == "kvm" else "max,vendor=GenuineIntel"]
    if boot.virtual_clock:
        words += ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-rtc", "clock=vm"]
    elif accel == "kvm":
        words += ["-accel", "kvm"]
    else:
        words += ["-accel", f"tcg,thread={'multi' if boot.parallel else 'single'}"]
    append = f"console=ttyS0 panic=-1 quiet mitigations=off rdinit=/lib/systemd/systemd{boot.append}"
    return [*words, "-append", append]


def dies_with_us():
    """Whatever ends us ends QEMU: nothing is left behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Emulator:
    """A machine that stands still until continued, and that waits for a state if it is to begin with one."""

    def __init__(self, parts, boot, initrd, console, waits_for_state):
        self.agent, agent = socket.socketpair()
        control, monitor = socket.socketpair()
        words = command_line(parts, boot, initrd, console, agent.fileno(), monitor.fileno())
        words += ["-incoming", "defer"] if waits_for_state else []
        libraries = pathlib.Path(parts.emulator[0]).parent / "qemu"
        with open(console, "ab") as said:
            self.process = subprocess.Popen(
                [*words, "-S"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(agent.fileno(), monitor.fileno()),
                env=os.environ | {"QEMU_MODULE_DIR": str(libraries)},
                preexec_fn=dies_with_us,
                start_new_session=True,
            )
        agent.close()
        monitor.close()
        try:
            self.monitor = Monitor(control)
        except BaseException:
            self.end()
            raise

    def end(self):
        self.process.kill()
        self.process.wait()
        self.agent.close()
