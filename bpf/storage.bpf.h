/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All maps and shared variables, their typed look-ups, and a task's identity: which cgroup it is in, and
 * which settings hold there.
 */
#ifndef SLO_STORAGE_BPF_H
#define SLO_STORAGE_BPF_H

#include "kfunc_compat.h"
#include "slo_abi.h"
#include "slo_histogram.h"
#include "job.h"
#include "policy.h"

/* Cgroups deeper than this below a configured one do not inherit from it; systemd itself nests a handful. */
#define SLO_MAX_DEPTH 64

/* Statistics slot of tasks that no configured unit answers for. */
#define SLO_NO_SLOT SLO_CAPACITY

/* Which queue a task waits in, for the lengths that are counted here. */
enum slo_queue {
	SLO_QUEUE_NONE = 0,
	SLO_QUEUE_SHARED_SLO,
	SLO_QUEUE_SHARED_BEST_EFFORT,
	SLO_QUEUE_PINNED_SLO,
	SLO_QUEUE_PINNED_BEST_EFFORT,
};

struct task_ctx {
	struct slo_job job;
	u64 cgroup_id; /* settings below are those of this cgroup at this generation */
	u64 budget_ns;
	u64 max_exec_ns;
	u64 vtime_ns;
	u64 ran_from_ns;
	u64 job_budget_ns; /* budget that the present job is judged by: that of its start */
	u32 generation;
	u32 slot;
	u32 job_slot; /* slot at the start of the present job */
	u32 class;
	u32 queue;     /* enum slo_queue */
	s32 queue_cpu; /* of a pinned queue */
	bool demoted;  /* the present job went over max_exec_ns */
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
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * SLO_CAPACITY);
	__type(key, u64); /* cgroup id */
	__type(value, struct slo_cfg);
} cfg_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLO_CAPACITY); /* times the number of shards, set before loading */
	__type(key, u32);                  /* shard * SLO_CAPACITY + slot */
	__type(value, struct slo_stats);
} stats_map SEC(".maps");

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
const volatile u8 cpu_shard[SLO_MAX_CPUS];

/* Written by the daemon while the scheduler runs: the generation is raised after every change of cfg_map. */
volatile u32 cfg_generation = 1;
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

/* Settings of the nearest configured cgroup from `cgrp` up. */
static __always_inline struct slo_cfg *find_cfg(struct cgroup *cgrp)
{
	struct slo_cfg *cfg = NULL;
	int i;

	bpf_for (i, 0, SLO_MAX_DEPTH) {
		struct cgroup_subsys_state *parent;
		u64 id = cgrp->kn->id;

		cfg = bpf_map_lookup_elem(&cfg_map, &id);
		if (cfg)
			break;
		parent = cgrp->self.parent;
		if (!parent)
			break;
		cgrp = parent->cgroup;
	}
	return cfg;
}

static __noinline void reload_unit(struct task_ctx *tctx __arg_nonnull, struct task_struct *p __arg_trusted,
				   u64 cgroup_id, u32 generation)
{
	struct slo_cfg *cfg = find_cfg(p->cgroups->dfl_cgrp);
	/* Not known before: in init_task the child of PID 1 still carries its parent's number. */
	bool is_vital = (p->flags & PF_KTHREAD) || p->tgid == 1;
	u64 own_budget_ns = is_vital ? SLO_IMPLICIT_BUDGET_NS : 0;

	tctx->cgroup_id = cgroup_id;
	tctx->generation = generation;
	tctx->slot = SLO_NO_SLOT;
	tctx->budget_ns = own_budget_ns;
	tctx->max_exec_ns = slo_default_max_exec_ns(own_budget_ns);
	if (!cfg || (cfg->flags & SLO_CFG_NO_BUDGET))
		return;
	tctx->budget_ns = cfg->budget_ns;
	tctx->max_exec_ns = cfg->max_exec_ns;
	tctx->slot = cfg->slot;
}

/* Brings the cached settings up to date: two comparisons unless the task or the configuration has moved. */
static __always_inline void refresh_unit(struct task_ctx *tctx, struct task_struct *p)
{
	/* Not frozen by the run queue's lock: read once. */
	u64 cgroup_id = p->cgroups->dfl_cgrp->kn->id;
	u32 generation = cfg_generation;

	if (tctx->cgroup_id != cgroup_id || tctx->generation != generation)
		reload_unit(tctx, p, cgroup_id, generation);
}

static __always_inline void raise_max(u64 *max, u64 value)
{
	u64 seen = *max;
	int i;

	/* Lost races are with larger values; after a few the maximum is close enough to right. */
	for (i = 0; i < 4 && value > seen; i++) {
		u64 now = __sync_val_compare_and_swap(max, seen, value);

		if (now == seen)
			return;
		seen = now;
	}
}

static __always_inline void count_in(u64 *histogram, u64 value_ns)
{
	u32 index = slo_hist_index(value_ns);

	/* Always so; verifiers before 7.0 have to be shown. */
	barrier_var(index);
	if (index < SLO_HIST_BUCKETS)
		__sync_fetch_and_add(&histogram[index], 1);
}

/*
 * Counts a finished job of its unit. One that began elsewhere (the child of PID 1 that becomes a service, a
 * task that was moved), or before the unit had settings, is nobody's: its wait was not bounded by the budget.
 */
static __always_inline void count_job(const struct task_ctx *tctx, const struct slo_job_end *end, s32 cpu)
{
	struct slo_stats *stats;
	u32 slot = tctx->slot;
	u32 key;

	if (slot >= SLO_CAPACITY || slot != tctx->job_slot)
		return;
	key = cpu_shard[(u32)cpu & (SLO_MAX_CPUS - 1)] * SLO_CAPACITY + slot;
	stats = bpf_map_lookup_elem(&stats_map, &key);
	if (!stats)
		return;
	__sync_fetch_and_add(&stats->jobs, 1);
	if (end->wait_ns > tctx->job_budget_ns)
		__sync_fetch_and_add(&stats->misses, 1);
	if (tctx->demoted)
		__sync_fetch_and_add(&stats->demotions, 1);
	__sync_fetch_and_add(&stats->wait_sum_ns, end->wait_ns);
	__sync_fetch_and_add(&stats->exec_sum_ns, end->exec_ns);
	raise_max(&stats->wait_max_ns, end->wait_ns);
	raise_max(&stats->response_max_ns, end->response_ns);
	count_in(stats->wait_hist, end->wait_ns);
	count_in(stats->response_hist, end->response_ns);
}

#endif
