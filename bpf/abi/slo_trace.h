/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that `scx-slo record` writes: when the tasks of chosen units woke, ran, stopped and slept, to be
 * replayed elsewhere. scx-slo-trace(5) describes it. Compiled on both sides; the recorder of bpf/ makes the
 * records, the daemon what stands around them.
 *
 *	slo_trace_header, slo_trace_unit * header.units, slo_trace_record * any number, slo_trace_end
 *
 * Little-endian, nothing between the parts. Whoever changes a struct raises SLO_TRACE_VERSION. A file without
 * slo_trace_end was cut short.
 */
#ifndef SLO_TRACE_H
#define SLO_TRACE_H

#include "bpf/abi/slo_abi.h"

typedef unsigned short slo_u16;

#define SLO_TRACE_MAGIC "SCXSLOTR" /* without its NUL */
#define SLO_TRACE_VERSION 1u
#define SLO_TRACE_CLOCK_MONOTONIC 1u
#define SLO_TRACE_UNITS_MAX 64u
#define SLO_TRACE_NAME_LEN 256u
#define SLO_TRACE_KERNEL_LEN 64u
#define SLO_TRACE_STATE_LEN 16u

struct slo_trace_header {
	char magic[8];
	slo_u32 version;
	slo_u32 header_size; /* bytes of each part */
	slo_u32 unit_size;
	slo_u32 record_size;
	slo_u32 units; /* how many, 1..SLO_TRACE_UNITS_MAX */
	slo_u32 cpus;  /* online at the start */
	slo_u32 clock; /* of all times but start_realtime_ns: SLO_TRACE_CLOCK_* */
	slo_u32 pad;
	slo_u64 start_ns;
	slo_u64 start_realtime_ns;         /* the same instant, since 1970 */
	slo_u64 planned_ns;                /* for how long it was asked for */
	char state[SLO_TRACE_STATE_LEN];   /* of the daemon at the start: "enforcing"; NUL-terminated */
	char kernel[SLO_TRACE_KERNEL_LEN]; /* its release; NUL-terminated */
};
static_assert(sizeof(struct slo_trace_header) == 144, "slo_trace_header");

/* slo_trace_unit.metric: what the budget bounds. */
#define SLO_TRACE_METRIC_WAIT 0u
#define SLO_TRACE_METRIC_RESPONSE 1u

/* A chosen unit, with what held for it at the start. */
struct slo_trace_unit {
	char name[SLO_TRACE_NAME_LEN]; /* NUL-terminated */
	slo_u64 cgroup_id;             /* 0: it did not run */
	slo_u64 budget_ns;             /* 0: none */
	slo_u64 max_exec_ns;           /* 0: without a budget */
	slo_u32 metric;
	slo_u32 pad;
};
static_assert(sizeof(struct slo_trace_unit) == 288, "slo_trace_unit");

#define SLO_TRACE_WAKE 1u  /* became runnable after a sleep; cpu: whose queue it was put on */
#define SLO_TRACE_FORK 2u  /* the same, for the first time */
#define SLO_TRACE_RUN 3u   /* was given the CPU */
#define SLO_TRACE_STOP 4u  /* lost the CPU, and still could run: was preempted, or yielded */
#define SLO_TRACE_SLEEP 5u /* left the CPU in order to sleep */
#define SLO_TRACE_EXIT 6u  /* exited, or is in none of the chosen units any more */
#define SLO_TRACE_LOST 7u  /* tid records are missing since the last one before this */
#define SLO_TRACE_END 8u   /* a slo_trace_end begins here */
/* Bit of kind, beside one of the first six: the task had a real-time priority then. */
#define SLO_TRACE_REAL_TIME 0x80u

/* slo_trace_record.unit and .cpu where there is none. */
#define SLO_TRACE_NO_UNIT 0xffu
#define SLO_TRACE_NO_CPU 0xffffu

struct slo_trace_record {
	slo_u64 time_ns;
	slo_u32 tid; /* in the initial pid namespace */
	slo_u16 cpu;
	slo_u8 unit; /* index; the nearest of the chosen ones, from the task's cgroup up */
	slo_u8 kind; /* SLO_TRACE_* */
};
static_assert(sizeof(struct slo_trace_record) == 16, "slo_trace_record");

#define SLO_TRACE_END_TIME 0u        /* the planned time was over */
#define SLO_TRACE_END_INTERRUPTED 1u /* by who had asked for it */
#define SLO_TRACE_END_DAEMON 2u      /* the daemon ended, or its reader was too slow */

/* Begins like a record. */
struct slo_trace_end {
	slo_u64 time_ns; /* what came later may not be in the trace */
	slo_u32 reason;  /* SLO_TRACE_END_* */
	slo_u16 cpu;     /* SLO_TRACE_NO_CPU */
	slo_u8 unit;     /* SLO_TRACE_NO_UNIT */
	slo_u8 kind;     /* SLO_TRACE_END */
	slo_u64 records; /* in the file, of the first six kinds */
	slo_u64 lost;    /* those that found no room, in all */
};
static_assert(sizeof(struct slo_trace_end) == 32, "slo_trace_end");

#endif
