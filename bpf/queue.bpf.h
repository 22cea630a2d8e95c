/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues: which one a task waits in, by which key or virtual time, how many wait, and taking the first.
 */
#ifndef SLO_QUEUE_BPF_H
#define SLO_QUEUE_BPF_H

#include "storage.bpf.h"

/* Queue ids: user queues have bit 63 clear. */
#define QUEUE_SHARED_SLO 1ull
#define QUEUE_SHARED_BEST_EFFORT 2ull
#define QUEUE_PINNED_SLO (1ull << 32)
#define QUEUE_PINNED_BEST_EFFORT (2ull << 32)

/* A head that may not run on this CPU must not hide the one behind it; so many are looked at. */
#define HEADS_MAX 8

static __always_inline u64 task_exec_ns(const struct task_ctx *tctx, u64 now)
{
	return slo_job_exec_ns(&tctx->acct.job, now);
}

static __always_inline u32 classify(const struct task_ctx *tctx, u64 now)
{
	return slo_class(tctx->acct.budget_ns, task_exec_ns(tctx, now), tctx->acct.max_exec_ns);
}

static __always_inline u64 key_of(const struct task_ctx *tctx, u64 now)
{
	return slo_key_ns(tctx->acct.job.wake_ns, tctx->acct.budget_ns, task_exec_ns(tctx, now));
}

static __always_inline u64 slice_of(const struct task_ctx *tctx)
{
	if (tctx->class == SLO_CLASS_SLO)
		return slo_slice_ns(tctx->acct.budget_ns, tick_ns);
	return slo_best_effort_slice_ns(tick_ns, nr_shared_slo.value);
}

static __always_inline void count_queue(const struct task_ctx *tctx, u64 by)
{
	struct cpu_ctx *cpu = cpu_ctx_of(tctx->queue_cpu);

	if (tctx->queue == SLO_QUEUE_SHARED_SLO)
		__sync_fetch_and_add(&nr_shared_slo.value, by);
	else if (tctx->queue == SLO_QUEUE_SHARED_BEST_EFFORT)
		__sync_fetch_and_add(&nr_shared_best_effort.value, by);
	else if (tctx->queue == SLO_QUEUE_PINNED_SLO)
		__sync_fetch_and_add(&cpu->nr_pinned_slo, (u32)by);
	else if (tctx->queue == SLO_QUEUE_PINNED_BEST_EFFORT)
		__sync_fetch_and_add(&cpu->nr_pinned_best_effort, (u32)by);
}

static __always_inline void leave_queue(struct task_ctx *tctx)
{
	if (tctx->queue == SLO_QUEUE_NONE)
		return;
	count_queue(tctx, (u64)-1);
	tctx->queue = SLO_QUEUE_NONE;
}

static __always_inline void join_queue(struct task_ctx *tctx, u32 queue, s32 cpu)
{
	leave_queue(tctx);
	tctx->queue = queue;
	tctx->queue_cpu = cpu;
	count_queue(tctx, 1);
}

/* Key or virtual time of the first task of a queue that may run on this CPU; false when there is none. */
static __noinline bool head_of(u64 queue, s32 cpu, u64 *at __arg_nonnull)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	bool found = false;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for (i, 0, HEADS_MAX) {
		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		if (bpf_cpumask_test_cpu((u32)cpu, p->cpus_ptr)) {
			*at = p->scx.dsq_vtime;
			found = true;
			break;
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	return found;
}

/* Takes the earlier head of the shared queue and of this CPU's own. */
static __always_inline bool take(s32 cpu, u64 shared, u64 pinned, u64 nr_shared, u64 nr_pinned)
{
	u64 shared_at = 0, pinned_at = 0;

	if (nr_pinned == 0)
		return nr_shared != 0 && slo_move_to_local(shared);
	if (nr_shared != 0 && head_of(shared, cpu, &shared_at) && head_of(pinned, cpu, &pinned_at) &&
	    slo_before(shared_at, pinned_at) && slo_move_to_local(shared))
		return true;
	return slo_move_to_local(pinned) || (nr_shared != 0 && slo_move_to_local(shared));
}

static __always_inline bool take_best_effort(s32 cpu, const struct cpu_ctx *cctx)
{
	return take(cpu, QUEUE_SHARED_BEST_EFFORT, QUEUE_PINNED_BEST_EFFORT | (u32)cpu,
		    nr_shared_best_effort.value, cctx->nr_pinned_best_effort);
}

static __always_inline bool take_slo(s32 cpu, const struct cpu_ctx *cctx)
{
	return take(cpu, QUEUE_SHARED_SLO, QUEUE_PINNED_SLO | (u32)cpu, nr_shared_slo.value,
		    cctx->nr_pinned_slo);
}

#endif
