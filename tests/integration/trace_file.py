# SPDX-License-Identifier: GPL-2.0-only
"""Reads what scx-slo record writes, by the words of scx-slo-trace(5) and not by the program's own reader."""

import collections
import dataclasses
import struct

HEADER = struct.Struct("<8s8I3Q16s64s")
UNIT = struct.Struct("<256sQQQII")
RECORD = struct.Struct("<QIHBB")
END = struct.Struct("<QIHBBQQ")
KINDS = {1: "wake", 2: "fork", 3: "run", 4: "stop", 5: "sleep", 6: "exit"}
LOST, END_KIND, REAL_TIME = 7, 8, 0x80

Record = collections.namedtuple("Record", "time_ns tid cpu unit kind")
Unit = collections.namedtuple("Unit", "name cgroup_id budget_ns")

# What may follow in the records of one task; the first, and one after "exit", may be any.
NEXT = {
    "wake": {"run", "exit"},  # "exit" also says that it was moved out of the units
    "fork": {"run", "exit"},
    "run": {"stop", "sleep", "exit"},
    "stop": {"run", "exit"},
    "sleep": {"wake"},
}


@dataclasses.dataclass
class Trace:
    state: str
    start_ns: int
    planned_ns: int
    units: list
    records: list
    lost: int
    reason: int
    end_ns: int

    def of(self, name):
        index = [unit.name for unit in self.units].index(name)
        return [record for record in self.records if record.unit == index]

    def tasks(self):
        """The records of each task."""
        by_tid = collections.defaultdict(list)
        for record in self.records:
            by_tid[record.tid].append(record)
        return by_tid

    def check(self):
        """What holds for every trace without a hole."""
        assert self.lost == 0
        for tid, records in self.tasks().items():
            kinds = [record.kind for record in records]
            wrong = [pair for pair in zip(kinds, kinds[1:]) if pair[0] in NEXT and pair[1] not in NEXT[pair[0]]]
            assert not wrong, f"task {tid}: {wrong} in {records}"
            times = [record.time_ns for record in records]
            assert times == sorted(times), f"task {tid}: {records}"
        by_cpu = collections.defaultdict(list)
        seen = set()
        for record in self.records:
            # A task that waits when the recording begins left its CPU before.
            if record.kind in ("run", "sleep") or (record.kind == "stop" and record.tid in seen):
                by_cpu[record.cpu].append(record)
            seen.add(record.tid)
        for cpu, records in by_cpu.items():
            back = [pair for pair in zip(records, records[1:]) if pair[1].time_ns < pair[0].time_ns]
            assert not back, f"CPU {cpu}: {back}"
            # A CPU runs one task at a time: who leaves it is who came last.
            for before, after in zip(records, records[1:]):
                if before.kind == "run" and after.kind in ("stop", "sleep"):
                    assert before.tid == after.tid, f"CPU {cpu}: {before}, {after}"


def text(field):
    return field.partition(b"\0")[0].decode()


def read(path):
    data = path.read_bytes()
    magic, version, *sizes, cpus, clock, _, start, _, planned, state, _ = HEADER.unpack_from(data)
    assert (magic, version, clock) == (b"SCXSLOTR", 1, 1)
    assert sizes[:3] == [HEADER.size, UNIT.size, RECORD.size]
    assert cpus >= 1
    at = HEADER.size
    units = []
    for _ in range(sizes[3]):
        name, cgroup_id, budget_ns, *_ = UNIT.unpack_from(data, at)
        units.append(Unit(text(name), cgroup_id, budget_ns))
        at += UNIT.size
    records = []
    while True:
        time_ns, tid, cpu, unit, kind = RECORD.unpack_from(data, at)
        if kind == END_KIND:
            break
        if kind != LOST:
            records.append(Record(time_ns, tid, cpu, unit, KINDS[kind & ~REAL_TIME]))
        at += RECORD.size
    end_ns, reason, _, _, _, count, lost = END.unpack_from(data, at)
    assert at + END.size == len(data)
    assert count == len(records)
    return Trace(text(state), start, planned, units, records, lost, reason, end_ns)
