#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Holds the witness itself to known answers: pages become events, events become jobs, and what differs is said."""

import pathlib
import struct
import sys
import unittest

top = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(top / "tests/witness"), str(top / "tests/integration")]

import compare  # noqa: E402
import jobs  # noqa: E402
import misses  # noqa: E402
import ring  # noqa: E402
import witness  # noqa: E402

FORMAT = """name: sched_wakeup
ID: 330
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;

\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;
\tfield:int prio;\toffset:28;\tsize:4;\tsigned:1;

print fmt: "comm=%s"
"""

SWITCH = """name: sched_switch
ID: 314
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;
\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;
\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;
\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;
\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;
\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;
"""


def record(pid, prio=120, comm=b"task"):
    return struct.pack("<HBBi16sii", 330, 0, 0, 0, comm, pid, prio)


def event(delta, data):
    return struct.pack("<I", delta << 5 | len(data) // 4) + data


def page(time_ns, *parts, flags=0):
    body = b"".join(parts)
    return (struct.pack("<QQ", time_ns, len(body) | flags) + body).ljust(ring.PAGE_SIZE, b"\0")


def events(pages):
    form = ring.parse_format(FORMAT)
    return [(e.time_ns, e.values["pid"]) for e in ring.events_of_cpu(0, pages, {form.number: form})]


class Pages(unittest.TestCase):
    def test_times_add_up_over_events_and_begin_anew_with_each_page(self):
        pages = page(1000, event(5, record(1)), event(7, record(2))) + page(5000, event(0, record(3)))
        self.assertEqual(events(pages), [(1005, 1), (1012, 2), (5000, 3)])

    def test_long_gaps_and_absolute_times(self):
        extend = struct.pack("<II", 3 << 5 | ring.TIME_EXTEND, 2)
        stamp = struct.pack("<II", 1 << 5 | ring.TIME_STAMP, 100)
        pages = page(1000, extend, event(4, record(1)), stamp, event(0, record(2)))
        self.assertEqual(events(pages), [(1000 + 3 + (2 << 27) + 4, 1), (1 + (100 << 27), 2)])

    def test_an_event_with_a_length_of_its_own(self):
        data = record(9)
        long = struct.pack("<II", 6 << 5, len(data) + 4) + data
        self.assertEqual(events(page(0, long, event(1, record(8)))), [(6, 9), (7, 8)])

    def test_padding_ends_a_page_or_is_skipped(self):
        skipped = struct.pack("<II", 2 << 5 | ring.PADDING, 8) + b"\0" * 4
        end = struct.pack("<I", ring.PADDING) + b"\0" * 8
        self.assertEqual(events(page(0, skipped, event(1, record(1)), end)), [(3, 1)])

    def test_lost_events_make_a_trace_useless(self):
        with self.assertRaises(ring.EventsLost):
            events(page(0, event(1, record(1)), flags=ring.MISSED_EVENTS))

    def test_dropped_events_make_it_useless_too(self):
        stats = "entries: 5\noverrun: 0\ncommit overrun: 0\nnow ts:  1.5\ndropped events: {}\nread events: 0\n"
        ring.check_complete(stats.format(0))
        with self.assertRaises(ring.EventsLost):
            ring.check_complete(stats.format(3))

    def test_an_event_without_what_is_needed_is_refused(self):
        with self.assertRaisesRegex(ValueError, "prio"):
            ring.parse_format(FORMAT.replace("int prio", "int other"))

    def test_text_ends_at_its_zero(self):
        form = ring.parse_format(SWITCH)
        data = struct.pack("<HBBi16siiq16sii", 314, 0, 0, 0, b"abc\0junk", 7, 120, 256, b"x", 8, 99)
        self.assertEqual(list(ring.values_of(form, data).values()), ["abc", 7, 120, 256, 8, 99])
        self.assertEqual(form.fields, ring.EVENTS["sched_switch"])


def told(number):
    return struct.pack("<QQQQQQQQIIIIII16s", number, 2, 3, 4, 500, 600, 7, 8, 9, 1, 77, 0, 0, 0, b"comm")


class Told(unittest.TestCase):
    """The ring of misses, as the kernel writes it: the writer's position, then the ring twice in a row."""

    SIZE = 4096

    def setUp(self):
        self.data, self.written = bytearray(self.SIZE), 0
        self.ring = misses.Ring(self.memory(), self.SIZE)

    def memory(self):
        return struct.pack("<Q", self.written).ljust(misses.mmap.PAGESIZE, b"\0") + bytes(self.data) * 2

    def write(self, number, flags=0):
        record = told(number)
        for byte in struct.pack("<II", len(record) | flags, 0) + record:
            self.data[self.written % self.SIZE] = byte
            self.written += 1
        self.ring.memory = self.memory()

    def read(self):
        return [misses.decode(record).time_ns for record in self.ring.read()]

    def test_a_record(self):
        self.write(123)
        self.assertEqual(misses.decode(self.ring.read()[0]), (123, 77, "late-start", 500, 600))

    def test_each_is_read_once_also_across_the_end(self):
        numbers = []
        for number in range(100):
            self.write(number)
            if number % 7 == 6:
                numbers += self.read()
        self.assertEqual(numbers + self.read(), list(range(100)))
        self.assertFalse(self.ring.overwritten)

    def test_what_is_still_being_written_is_read_later_and_what_was_given_up_never(self):
        self.write(1, misses.DISCARDED)
        self.write(2)
        at = self.written
        self.write(3, misses.BUSY)
        self.assertEqual(self.read(), [2])
        self.data[at : at + 8] = struct.pack("<II", len(told(3)), 0)
        self.ring.memory = self.memory()
        self.assertEqual(self.read(), [3])

    def test_it_tells_when_it_was_read_too_late(self):
        for number in range(100):
            self.write(number)
        self.ring.read()
        self.assertTrue(self.ring.overwritten)


class Jobs(unittest.TestCase):
    def setUp(self):
        self.witness = jobs.Witness({7: "a.service"})

    def feed(self, name, at, **values):
        known = {"prio": 120, "prev_prio": 120, "next_prio": 120, "prev_comm": "t"}
        self.witness.feed(ring.Event(at, 0, name, known | values))

    def switch(self, at, prev, following, state=0, **values):
        self.feed("sched_switch", at, prev_pid=prev, prev_state=state, next_pid=following, **values)

    def one(self):
        self.assertEqual(len(self.witness.jobs["a.service"]), 1)
        job = self.witness.jobs["a.service"][0]
        return job.first_wait_ns, job.wait_ns, job.exec_ns

    def test_wait_begins_with_the_waking_and_every_wait_counts(self):
        self.feed("sched_waking", 100, pid=7)
        self.feed("sched_wakeup", 110, pid=7)
        self.switch(130, 1, 7)
        self.switch(150, 7, 1, state=jobs.PREEMPTED)
        self.switch(190, 1, 7)
        self.switch(200, 7, 1, state=1)
        self.assertEqual(self.one(), (30, 70, 30))

    def test_a_waking_before_the_sleep_counts_from_the_sleep(self):
        self.feed("sched_wakeup", 10, pid=7)
        self.switch(20, 1, 7)
        self.feed("sched_waking", 25, pid=7)
        self.switch(30, 7, 1, state=1)
        self.feed("sched_wakeup", 35, pid=7)
        self.switch(40, 1, 7)
        self.switch(45, 7, 1, state=1)
        self.assertEqual([job.wait_ns for job in self.witness.jobs["a.service"]], [10, 10])

    def test_a_wakeup_in_mid_job_begins_nothing(self):
        self.feed("sched_wakeup", 10, pid=7)
        self.switch(20, 1, 7)
        self.feed("sched_wakeup", 25, pid=7)
        self.switch(30, 7, 1, state=1)
        self.assertEqual(self.one(), (10, 10, 10))

    def test_a_job_that_nobody_saw_begin_is_not_counted(self):
        self.switch(20, 1, 7)
        self.switch(30, 7, 1, state=1)
        self.assertEqual(self.witness.jobs["a.service"], [])
        self.assertEqual(self.witness.unseen, 1)

    def test_children_belong_to_the_unit_of_their_parent(self):
        self.feed("sched_process_fork", 5, parent_pid=7, child_pid=8)
        self.feed("sched_wakeup_new", 6, pid=8)
        self.switch(9, 1, 8)
        self.switch(11, 8, 1, state=32)
        self.assertEqual(self.one(), (3, 3, 2))

    def test_a_number_used_again_belongs_to_whom_has_it_now(self):
        self.feed("sched_process_fork", 5, parent_pid=1, child_pid=7)
        self.feed("sched_wakeup_new", 6, pid=7)
        self.switch(9, 1, 7)
        self.switch(11, 7, 1, state=32)
        self.assertEqual(self.witness.jobs["a.service"], [])

    def test_real_time_tasks_have_no_jobs(self):
        self.feed("sched_wakeup", 10, pid=7, prio=50)
        self.switch(20, 1, 7, next_prio=50)
        self.switch(30, 7, 1, state=1, prev_prio=50)
        self.feed("sched_wakeup", 40, pid=7)
        self.switch(50, 1, 7)
        self.switch(60, 7, 1, state=1, prev_prio=50)  # became one in mid-job
        self.assertEqual(self.witness.jobs["a.service"], [])


class Causes(unittest.TestCase):
    def cause(self, metric, first_wait, wait, execution):
        return jobs.cause_of(jobs.Job(1, "t", 0, 0, first_wait, wait, execution), metric, 10, 100)

    def test_of_waits(self):
        self.assertIsNone(self.cause("wait", 5, 10, 50))
        self.assertEqual(self.cause("wait", 11, 11, 1), "late-start")
        self.assertEqual(self.cause("wait", 5, 11, 1), "preempted")
        self.assertEqual(self.cause("wait", 11, 11, 101), "overlong")

    def test_of_responses(self):
        self.assertIsNone(self.cause("response", 5, 5, 5))
        self.assertEqual(self.cause("response", 5, 5, 6), "late-start")
        self.assertEqual(self.cause("response", 4, 5, 6), "preempted")
        self.assertEqual(self.cause("response", 0, 0, 11), "overrun")
        self.assertEqual(self.cause("response", 0, 0, 101), "overlong")


def job(wait_us=0, tid=1, end_ns=0, exec_us=1):
    return jobs.Job(tid, "t", 0, end_ns, int(wait_us * 1000), int(wait_us * 1000), exec_us * 1000)


WAIT_100_US = compare.Settings("wait", 100_000, 10**9)


class Comparison(unittest.TestCase):
    def lines(self, waits_us, counter, told=()):
        lines, _ = compare.compare([job(wait) for wait in waits_us], counter, told, WAIT_100_US)
        return {line.what.strip(): line.agrees for line in lines}

    def counter(self, number=1000, misses=0, edges=(9216, 10240), **causes):
        histograms = {"Wait": {edges: number}, "Response": {(edges[0] + 1024, edges[1] + 1024): number}}
        return compare.Counted(number, misses, dict.fromkeys(compare.CAUSES, 0) | causes, histograms)

    def test_the_same_agrees(self):
        lines = self.lines([10] * 1000, self.counter())
        self.assertTrue(all(lines.values()), lines)

    def test_jobs_apart(self):
        self.assertTrue(self.lines([10] * 1000, self.counter(1005))["jobs"])
        self.assertFalse(self.lines([10] * 1000, self.counter(1010))["jobs"])

    def test_misses_and_causes_apart(self):
        lines = self.lines([10] * 800 + [200] * 200, self.counter(misses=200, preempted=200))
        self.assertTrue(lines["misses"])
        self.assertFalse(lines["same cause, by their sums"])
        lines = self.lines([10] * 800 + [200] * 200, self.counter(misses=198, **{"late-start": 198}))
        self.assertFalse(lines["misses"])
        self.assertTrue(lines["same cause, by their sums"])

    def test_a_quantile_one_bucket_away_agrees_and_two_away_does_not(self):
        self.assertTrue(self.lines([200] * 1000, self.counter(edges=(180224, 196608)))["p50 of wait, us"])
        self.assertFalse(self.lines([200] * 1000, self.counter(edges=(163840, 180224)))["p50 of wait, us"])

    def test_a_short_wait_may_be_apart_by_less_than_a_switch(self):
        self.assertTrue(self.lines([10] * 1000, self.counter(edges=(2048, 2304)))["p50 of wait, us"])
        self.assertFalse(self.lines([13] * 1000, self.counter(edges=(2048, 2304)))["p50 of wait, us"])

    def test_buckets_are_eighths_of_powers_of_two(self):
        self.assertEqual([compare.bucket(ns) for ns in (0, 1023, 1024, 1151, 1152, 2047, 2048)], [0, 0, 1, 1, 2, 8, 9])

    def test_other_buckets_are_refused(self):
        with self.assertRaises(ValueError):
            self.lines([10] * 1000, self.counter(edges=(8192, 10240)))

    def test_misses_told_one_by_one_are_found_by_task_and_time(self):
        seen = [job(200, end_ns=10**9), job(200, end_ns=2 * 10**9), job(10, tid=2, end_ns=10**9)]
        seen.append(job(100.5, end_ns=10**10))
        told = [
            witness.Miss(10**9 + 1000, 1, "late-start", 200_000, 1000),
            witness.Miss(2 * 10**9 - 1000, 1, "preempted", 200_000, 1000),
            witness.Miss(10**9, 2, "late-start", 110_000, 1000),
            witness.Miss(5 * 10**9, 1, "late-start", 200_000, 1000),
            witness.Miss(10**9, 3, "late-start", 200_000, 1000),  # of another unit
        ]
        singles = compare.single_misses(seen, told, WAIT_100_US)
        self.assertEqual(singles.told, 4)
        self.assertEqual([miss for miss, _ in singles.others], told[1:4])
        self.assertEqual(singles.untold, [seen[3]])
        said = list(compare.describe(singles, WAIT_100_US))
        self.assertEqual(len(said), 4)
        self.assertIn("no job that ends there", said[2])
        self.assertIn("500 ns over the budget", said[3])

    def test_what_is_compared_is_what_grew(self):
        def stats(jobs_counted, late, waits):
            causes = {key: late if key == "MissesLateStart" else 0 for key in compare.CAUSES.values()}
            histograms = {"WaitHistogramNSec": waits, "ResponseHistogramNSec": []}
            return {"Jobs": jobs_counted, "Misses": late} | causes | histograms

        grown = compare.counted(stats(15, 3, [[0, 1024, 12], [1024, 1152, 3]])).since(
            compare.counted(stats(10, 1, [[0, 1024, 10]]))
        )
        self.assertEqual((grown.jobs, grown.misses, grown.causes["late-start"]), (5, 2, 2))
        self.assertEqual(grown.histograms["Wait"], {(0, 1024): 2, (1024, 1152): 3})


if __name__ == "__main__":
    unittest.main()
