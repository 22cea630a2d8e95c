/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that change their place while they wait: tardy ones step back, and those of a unit whose reserve is
 * full again go from best effort to the SLO tasks.
 */
#ifndef SLO_MOVE_BPF_H
#define SLO_MOVE_BPF_H

#include "preempt.bpf.h"

/* Of one queue per look; who is behind them steps back at the next. */
#define STEP_BACK_MAX 8

/* Tardy tasks at the head of a queue give way. False: there may be more of them. */
static __noinline bool step_back(u64 queue, u64 now)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	bool done = false;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for (i, 0, STEP_BACK_MAX) {
		p = bpf_iter_scx_dsq_next(&it);
		done = !p || !slo_has_to_step_back(p->scx.dsq_vtime, now);
		if (done)
			break;
		slo_move(&it, p, queue, slo_key_in_band_ns(p->scx.dsq_vtime, now));
	}
	bpf_iter_scx_dsq_destroy(&it);
	return done;
}

/* Looks at the queues only after a task came to run that was tardy: then others are likely to be. */
static __always_inline void let_tardy_step_back(s32 cpu, const struct cpu_ctx *cctx)
{
	u32 index = shard_of(cpu);
	struct shard_ctx *shard = shard_ctx_of(index);
	bool done = true;
	u64 now;

	if (shard->has_tardy.value == 0)
		return;
	now = slo_rq_now(cpu);
	if (shard->nr_slo.value != 0)
		done = step_back(QUEUE_SHARED_SLO | index, now);
	if (cctx->nr_pinned_slo != 0)
		done &= step_back(QUEUE_PINNED_SLO | (u32)cpu, now);
	if (done)
		shard->has_tardy.value = 0;
}

/* The counts change before the task moves: whoever takes it right afterwards finds them right. */
static __always_inline bool move_to_slo(struct bpf_iter_scx_dsq *it, struct task_struct *p,
					struct task_ctx *tctx, u32 from, u32 to, u64 slo_queue, u64 key)
{
	if (__sync_val_compare_and_swap(&tctx->queue, from, to) != from)
		return false;
	count_queue(from, (u64)-1);
	count_queue(to, 1);
	tctx->class = SLO_CLASS_SLO;
	if (slo_move(it, p, slo_queue, key))
		return true;
	if (__sync_val_compare_and_swap(&tctx->queue, to, from) == to) {
		count_queue(to, (u64)-1);
		count_queue(from, 1);
	}
	return false;
}

/* From a queue of best effort to the SLO queue beside it; both are of one shard, or of one CPU. */
static __noinline void revive(u64 from_queue, u64 to_queue, u32 from, u32 to)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	u64 now = slo_now();
	int i;

	bpf_iter_scx_dsq_new(&it, from_queue, 0);
	bpf_for (i, 0, REVIVED_MAX) {
		struct task_ctx *tctx;
		u64 key;
		s32 cpu;

		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		tctx = task_ctx_of(p);
		if (!tctx || tctx->acct.server == SLO_NO_SLOT ||
		    classify(tctx, tctx->acct.job.exec_ns) != SLO_CLASS_SLO)
			continue;
		key = slo_key_in_band_ns(key_of(tctx, tctx->acct.job.exec_ns), now);
		cpu = slo_task_cpu(p);
		if (move_to_slo(&it, p, tctx, from, to, to_queue, key))
			kick_when_overtaken(cpu, cpu_ctx_of(cpu), key, now);
	}
	bpf_iter_scx_dsq_destroy(&it);
}

static __noinline void revive_all(void)
{
	u32 i;

	bpf_for (i, 0, nr_shards) {
		if (shard_ctx_of(i)->nr_best_effort.value != 0)
			revive(QUEUE_SHARED_BEST_EFFORT | i, QUEUE_SHARED_SLO | i,
			       SLO_QUEUE_SHARED_BEST_EFFORT | i, SLO_QUEUE_SHARED_SLO | i);
	}
	bpf_for (i, 0, nr_cpus) {
		if (cpu_ctx_of((s32)i)->nr_pinned_best_effort != 0)
			revive(QUEUE_PINNED_BEST_EFFORT | i, QUEUE_PINNED_SLO | i,
			       SLO_QUEUE_PINNED_BEST_EFFORT | i, SLO_QUEUE_PINNED_SLO | i);
	}
}

#endif
