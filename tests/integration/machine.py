# SPDX-License-Identifier: GPL-2.0-only
"""What the tests and the demo do to the booted machine, in one place. Run as root there."""

# ruff: noqa: F401
from bus import Refused
from commands import output, run, sleep_until, wait_for
from daemon import (
    BUS,
    CONFIG_DIR,
    WORK,
    Listener,
    budget_usec,
    bus_call,
    bus_call_as,
    bus_property,
    charged_kib,
    configure,
    counting,
    ensure_enforcing,
    fault,
    get_stats,
    get_stats_as,
    get_unit,
    kill_daemon,
    list_units,
    main_pid,
    memory_kib,
    refusal,
    state,
    wait_for_state,
)
from journal import ends_told, journal, journal_mark, misses_told, synchronize
from kernel import (
    SCHED_EXT,
    cpu_share,
    cpu_usec,
    enable_seq,
    enforcing,
    freeze,
    guards_against_real_time,
    kernel_hands_back,
    kernel_ops,
    kernel_state,
    running_hogs,
)
from systemd import (
    CGROUP,
    cgroup_of,
    daemon_reload,
    is_active,
    is_loaded,
    object_path,
    reset_failed,
    restart,
    show,
    start,
    stop,
)
from unit_files import (
    UNIT_DIR,
    drop_in_path,
    leave_files,
    remove_drop_in,
    remove_files,
    write_drop_in,
    write_unit,
)
