/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler's own state: of a task, of a CPU, and what they share.
 */
#ifndef SLO_STORAGE_BPF_H
#define SLO_STORAGE_BPF_H

#include "kfunc_compat.h"
#include "accounting.bpf.h"

/* Which queue a task waits in, for the lengths that are counted here. */
enum slo_queue {
	SLO_QUEUE_NONE = 0,
	SLO_QUEUE_SHARED_SLO,
	SLO_QUEUE_SHARED_BEST_EFFORT,
	SLO_QUEUE_PINNED_SLO,
	SLO_QUEUE_PINNED_BEST_EFFORT,
};

struct task_ctx {
	struct accounting acct;
	u64 vtime_ns;
	u64 ran_from_ns;
	u32 class;
	u32 queue;     /* enum slo_queue */
	s32 queue_cpu; /* of a pinned queue */
};

/* State of one CPU. Written by that CPU (kick_pending also by others), so no line is shared on every switch.
 */
struct cpu_ctx {
	u64 key_ns;      /* of the SLO task that runs, when it began to */
	u64 ran_from_ns; /* when it began to */
	u64 floor_credit_ns;
	u64 floor_charged_ns;    /* the credit is right up to here */
	u64 floor_turn_until_ns; /* best effort has its turn up to here; 0: no turn */
	u32 class;               /* SLO_CLASS_* of what runs */
	u32 kick_pending;        /* asked to reschedule and has not looked at the queues since */
	u32 nr_pinned_slo;
	u32 nr_pinned_best_effort;
	u32 in_best_effort_mask;
} __attribute__((aligned(128)));

/* A counter on a line of its own, written by all CPUs. */
struct counter {
	volatile u64 value;
} __attribute__((aligned(128)));

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_map SEC(".maps");

struct floor_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLO_MAX_CPUS);
	__type(key, u32); /* CPU */
	__type(value, struct floor_timer);
} floor_timers SEC(".maps");

/* Set before loading. */
const volatile u32 nr_cpus = 1;
const volatile u64 tick_ns = 4 * SLO_NSEC_PER_MSEC;

/* Written by the daemon while the scheduler runs. */
volatile u64 smallest_budget_ns = 0;

/* Written by ops.exit, read by the daemon. */
struct slo_exit_record exit_record;

/* Static: the daemon has no business here, and the skeleton leaves them out. */
static struct cpu_ctx cpus[SLO_MAX_CPUS];
static struct counter nr_shared_slo;
static struct counter nr_shared_best_effort;
static struct counter vtime_now_ns;
/* CPUs that ran best effort when last seen: a hint where to look for a victim. A power of two, to be masked.
 */
#define BEST_EFFORT_WORDS (SLO_MAX_CPUS / 64)
static u64 best_effort_cpus[BEST_EFFORT_WORDS];

/* CPU numbers are below SLO_MAX_CPUS (init refuses more); the mask is how the verifier knows. */
static __always_inline struct cpu_ctx *cpu_ctx_of(s32 cpu)
{
	static_assert((SLO_MAX_CPUS & (SLO_MAX_CPUS - 1)) == 0, "a mask needs a power of two");
	return &cpus[(u32)cpu & (SLO_MAX_CPUS - 1)];
}

/* NULL only for a task that init_task never saw; init_task makes the storage, as making it elsewhere may
 * fail. */
static __always_inline struct task_ctx *task_ctx_of(struct task_struct *p)
{
	return bpf_task_storage_get(&task_map, p, NULL, 0);
}

#endif
