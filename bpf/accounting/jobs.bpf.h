/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scheduler and the observer share: a task's identity (which cgroup it is in, and which settings
 * hold there), the counters of its unit, and the events of missed jobs. The maps here are made by the daemon
 * and handed to each object that it loads, so that settings and counters outlive it.
 */
#ifndef SLO_ACCOUNTING_BPF_H
#define SLO_ACCOUNTING_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi/slo_abi.h"
#include "bpf/policy/histogram.h"
#include "bpf/policy/job.h"
#include "bpf/policy/policy.h"
#include "bpf/kernel/cgroup.bpf.h"
#include "bpf/accounting/cfg_map.bpf.h"
#include "bpf/accounting/miss.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32); /* shard * capacity + slot */
	__type(value, struct slo_stats);
} stats_map SEC(".maps");

/* Set before loading. */
const volatile u8 cpu_shard[SLO_MAX_CPUS];

/* Raised by the daemon after every change of cfg_map. */
volatile u32 cfg_generation = 1;

/* Set by the daemon. Scheduler and observer run side by side for a moment when one takes over from the other;
 * one of them counts. */
volatile u32 is_counting = 0;

/*
 * What no comparison in refresh_unit() would notice later is looked at each time: whether a kernel thread is
 * bound to its CPU, as long as it may still be bound, and whether a task that has a reserve as one of root's
 * is still root's.
 */
#define NEVER_A_PRIO 0

/* kernel/kthread.c */
static __always_inline bool is_bound_kthread(const struct task_struct *p)
{
	return BPF_CORE_READ((struct kthread *)p->worker_private, flags) & 1u << KTHREAD_IS_PER_CPU;
}

static __noinline void reload_unit(struct accounting *acct __arg_nonnull, struct task_struct *p __arg_trusted,
				   u64 cgroups, u32 generation) __must_hold(task)
{
	struct slo_cfg *cfg = find_by_cgroup(&cfg_map, p->cgroups->dfl_cgrp);
	int static_prio = p->static_prio;
	/* Not known before: in init_task the child of PID 1 still carries its parent's number, and a kernel
	 * thread gets its nice value after it was made. */
	bool is_vital = ((p->flags & PF_KTHREAD) && static_prio <= DEFAULT_PRIO) || p->tgid == 1;
	u64 own_budget_ns = is_vital ? SLO_IMPLICIT_BUDGET_NS : 0;
	bool is_roots = cfg && (cfg->flags & SLO_CFG_ROOT_ONLY);

	acct->static_prio = (u8)static_prio;
	acct->cgroup_id = p->cgroups->dfl_cgrp->kn->id;
	acct->cgroups = cgroups;
	acct->generation = generation;
	acct->slot = SLO_NO_SLOT;
	acct->unit = SLO_NO_UNIT;
	acct->budget_ns = own_budget_ns;
	acct->start_within_ns = slo_start_within_ns(own_budget_ns);
	acct->max_exec_ns = slo_default_max_exec_ns(own_budget_ns);
	acct->cfg_flags = 0;
	acct->server = SLO_NO_SLOT;
	if (p->flags & PF_KTHREAD) {
		if (!(p->flags & PF_NO_SETAFFINITY))
			acct->static_prio = NEVER_A_PRIO;
		if (is_vital && !is_bound_kthread(p))
			acct->server = SLO_SERVER_KERNEL;
	}
	if (is_roots) {
		acct->static_prio = NEVER_A_PRIO;
		if (p->real_cred->uid.val == 0)
			acct->server = cfg->server;
	}
	if (!cfg || (cfg->flags & SLO_CFG_NO_BUDGET))
		return;
	acct->budget_ns = cfg->budget_ns;
	acct->start_within_ns = slo_start_within_ns(cfg->budget_ns);
	if (cfg->flags & SLO_CFG_SHED)
		acct->start_within_ns += SLO_SHED_NS;
	acct->max_exec_ns = cfg->max_exec_ns;
	acct->slot = cfg->slot;
	acct->server = cfg->server;
	acct->unit = cfg->unit;
	acct->cfg_flags = cfg->flags;
}

/*
 * Brings the cached settings up to date: three comparisons unless the task or the configuration has moved,
 * or the nice value has changed. That one counts for kernel threads alone, but to ask for those costs as much
 * as to compare. A task that moves to another cgroup gets another css_set, and looking at its address alone
 * spares three dependent loads. One that moved twice without waking in between, to a set that was given the
 * memory of its first, would go unnoticed until the next change of either.
 */
static __always_inline void refresh_unit(struct accounting *acct, struct task_struct *p) __must_hold(task)
{
	/* Not frozen by the run queue's lock: read once. */
	u64 cgroups = (u64)p->cgroups;
	u32 generation = cfg_generation;

	if (acct->cgroups != cgroups || acct->generation != generation ||
	    acct->static_prio != (u8)p->static_prio)
		reload_unit(acct, p, cgroups, generation);
}

/* What a job is judged by is what holds at its start: for settings that are up to date. */
static __always_inline void begin_job(struct accounting *acct) __must_hold(task)
{
	acct->job_unit = acct->unit;
	acct->job_budget_ns = acct->budget_ns;
	acct->job_max_exec_ns = acct->max_exec_ns;
	acct->job_key_exec_ns = 0;
	acct->job_throttled_exec_ns = 0;
	acct->job_cfg_flags = acct->cfg_flags;
	acct->demoted = false;
}

static __always_inline void forget_job(struct accounting *acct) __must_hold(task)
{
	slo_job_reset(&acct->job);
	acct->demoted = false;
}

/* It ran by key up to here, and goes on. */
static __always_inline void note_demotion(struct accounting *acct, u64 exec_ns) __must_hold(task)
{
	if (exec_ns >= slo_covered_exec_ns(acct->max_exec_ns, acct->job.wait_ns))
		acct->demoted = true;
}

/* A job under way of which the beginning is not known: it is scheduled like any other, and nobody's. */
static __always_inline void begin_uncounted_job(struct accounting *acct, u64 now) __must_hold(task)
{
	acct->job_unit = SLO_NO_UNIT;
	acct->demoted = false;
	slo_job_wakes(&acct->job, now);
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

/* Where jobs of its unit are counted, or NULL: it is nobody's. */
static __always_inline struct slo_stats *stats_of(const struct accounting *acct, s32 cpu)
{
	u32 key;

	if (acct->slot >= tunables.capacity || acct->unit != acct->job_unit || !is_counting)
		return NULL;
	key = cpu_shard[(u32)cpu & (SLO_MAX_CPUS - 1)] * tunables.capacity + acct->slot;
	return bpf_map_lookup_elem(&stats_map, &key);
}

/* A job may go on for long after this: what it used so far is told now. */
static __always_inline void count_renewal(struct accounting *acct, s32 cpu, u64 now) __must_hold(task)
{
	struct slo_stats *stats = stats_of(acct, cpu);

	if (!stats)
		return;
	__sync_fetch_and_add(&stats->renewals, 1);
	tell_lag(now);
	__sync_fetch_and_add(&stats->key_exec_ns, acct->job_key_exec_ns);
	acct->job_key_exec_ns = 0;
}

static __always_inline void count_miss(struct slo_stats *stats, struct accounting *acct,
				       struct task_struct *p, struct slo_job_end *end, u64 miss_ns, s32 cpu,
				       u64 log_now) __must_hold(rq)
{
	struct miss miss = {.end = end, .miss_ns = miss_ns, .log_now = log_now, .cpu = cpu};
	u32 cause;

	cause = slo_job_cause(end, acct->job_budget_ns, acct->job_max_exec_ns, acct->job_cfg_flags);
	__sync_fetch_and_add(&stats->misses, 1);
	barrier_var(cause);
	if (cause < SLO_CAUSES)
		__sync_fetch_and_add(&stats->misses_by_cause[cause], 1);
	miss.cause = cause;
	report_miss(stats, acct, p, &miss);
}

/*
 * Counts a finished job of its unit. One that began elsewhere (the child of PID 1 that becomes a service, a
 * task that was moved), or before the unit had settings, is nobody's: its wait was not bounded by the budget.
 * log_now: on the clock of the run log.
 */
static __always_inline void count_job(struct accounting *acct, struct task_struct *p, struct slo_job_end *end,
				      s32 cpu, u64 log_now) __must_hold(rq)
{
	struct slo_stats *stats = stats_of(acct, cpu);
	u64 miss_ns;

	if (!stats)
		return;
	__sync_fetch_and_add(&stats->jobs, 1);
	miss_ns = slo_job_miss_ns(end, acct->job_budget_ns, acct->job_cfg_flags);
	if (miss_ns != 0)
		count_miss(stats, acct, p, end, miss_ns, cpu, log_now);
	if (acct->demoted)
		__sync_fetch_and_add(&stats->demotions, 1);
	__sync_fetch_and_add(&stats->wait_sum_ns, end->wait_ns);
	__sync_fetch_and_add(&stats->exec_sum_ns, end->exec_ns);
	if (acct->job_key_exec_ns != 0)
		__sync_fetch_and_add(&stats->key_exec_ns, acct->job_key_exec_ns);
	if (acct->job_throttled_exec_ns != 0)
		__sync_fetch_and_add(&stats->throttled_exec_ns, acct->job_throttled_exec_ns);
	raise_max(&stats->wait_max_ns, end->wait_ns);
	raise_max(&stats->response_max_ns, end->response_ns);
	count_in(stats->wait_hist, end->wait_ns);
	count_in(stats->response_hist, end->response_ns);
}

#endif
