# SPDX-License-Identifier: GPL-2.0-only
"""What each command says of itself."""

BOOT = """\
  --kernel SERIES    a series of Debian's archive (6.18), a release of it (6.18.15), or "oldest":
                     the oldest whose sched_ext works; default: the newest whose sched_ext works.
                     6.12 is compiled once from Debian's source (10 minutes), as Debian builds it
                     without sched_ext: that build is 6.12-stock, which dies in every other emulated
                     boot, except with --virtual-clock
  --smp N[,TOPOLOGY] number of CPUs, default 2; as QEMU takes it, so 4,sockets=2 has two last-level caches
  --append WORDS     more words for the kernel's command line, such as isolcpus=1
  --virtual-clock    time is the count of instructions, one each nanosecond: repeatable. One CPU unless
                     --smp says more. The clock counts the instructions of all CPUs, which take turns:
                     on N CPUs each second has 1/N of the instructions for each, so what costs a fixed
                     number of them (a wakeup, a tick, a system call) costs N times as much. Good with
                     several CPUs: shares, order, who runs where, at loads that leave room. Not good:
                     latencies below a tick (a CPU may stand still for a part of one), loads near 1
  --parallel         emulate each CPU in a thread of its own: faster under load, but the emulator then
                     breaks a kernel that patches its own code, as each attach of a scheduler makes it do
  --memory M         as QEMU takes it, default 3G; the machine's root is in it
  --bare             the machine without the package
"""

RUN = f"""\
Usage: tests/vm/run [OPTION]… -- COMMAND…
       tests/vm/shell [OPTION]…               a root shell for a person instead of COMMAND

Starts a Debian 13 machine with a sched_ext kernel and the scx-slo package installed, runs COMMAND
there as root when systemd is up, streams its output, ends the machine, and ends with COMMAND's
status. Nothing the command does stays: the next machine is the same. What is missing is made first
(the package, the machine, the kernel, QEMU) and kept under ${{XDG_CACHE_HOME:-~/.cache}}/scx-slo.
There, too, is the state of an emulated machine just after its boot: the next one begins with it
instead of booting. Its boot id is then that of the boot; the time of day is this host's.

{BOOT}\
  --boot             boot in any case, and keep no state
  --timeout S        seconds for all of it, default 600; then the machine is ended, with status 124
  --add PATH[:DEST]  put a file or directory into the machine, by default below /root
  --out DIRECTORY    what COMMAND leaves in $OUT (/run/out) is copied here
  --key              print one line that names all that the machine would be made of, and start nothing
  --help             this text

SCX_SLO_VM_ACCEL=kvm|tcg decides about acceleration; otherwise KVM is used where it really works.
Status 2: the command line is wrong. 3: the archive has no such kernel. 125: the machine itself failed;
the console's log is named then.
"""

UP = f"""\
Usage: tests/vm/up [OPTION]… [NAME]

Starts a machine as tests/vm/run does, and leaves it running under NAME (default: slo). Use it with

  tests/vm/exec [NAME] -- COMMAND…    run COMMAND as root there
  tests/vm/push [NAME]                build what changed in this checkout and put it into the machine
  tests/vm/reset [NAME]               back to the state just after the boot
  tests/vm/list                       which machines there are
  tests/vm/down [NAME]                end it

With --virtual-clock the machine stands still between commands. A machine in which nothing was run
for 30 minutes is ended, and so is one whose checkout is gone.

{BOOT}\
  --boot             boot in any case, instead of beginning with the state kept from an earlier boot
  --add PATH[:DEST]  put a file or directory into the machine, by default below /root
  --help             this text

Status 2: the command line is wrong, or there is a machine of that name. 3: the archive has no such
kernel. 125: the machine did not come up.
"""

EXEC = """\
Usage: tests/vm/exec [--timeout S] [--terminal] [NAME] -- COMMAND…

Runs COMMAND as root in the machine NAME (default: slo) that tests/vm/up made, streams its output, and
ends with its status. What comes from a pipe or a file on standard input is COMMAND's input. Ctrl-C ends
the command, twice at once, and not the machine.

  --timeout S        seconds for the command; then it is ended, with status 124
  --terminal         give the command a terminal, for a shell or an editor
  --help             this text

Status 2: the command line is wrong, or there is no such machine. 125: the machine ended meanwhile.
"""

PUSH = """\
Usage: tests/vm/push [NAME]

Builds what changed in this checkout, copies what differs into the machine NAME (default: slo): daemon
with its BPF objects, command line, unit, bus and configuration files, the workloads of tests/workloads
(/usr/local/bin), the integration tests (/opt/integration); then restarts scx-slo if it runs and its
files changed.

  --help             this text

Status 1: it could not be built. 2: there is no such machine.
"""

RESET = """\
Usage: tests/vm/reset [NAME]

Takes the machine NAME (default: slo) back to just after its boot: nothing that ran or was pushed since
is there any more. Commands that run there are ended. The boot id stays that of the boot, and so does the
journal up to then; the time of day is this host's.
"""

DOWN = """\
Usage: tests/vm/down [NAME | --all]

Ends the machine NAME (default: slo), or all of them, with the commands that run there.
"""

LIST = """\
Usage: tests/vm/list

Shows the machines that tests/vm/up made and that run: name, kernel, CPUs, clock, since when, for how
long idle, checkout.
"""

USAGES = {
    "run": RUN, "shell": RUN, "up": UP, "exec": EXEC, "push": PUSH, "reset": RESET, "down": DOWN, "list": LIST,
}  # fmt: skip
