/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU runs next: the task that ran until now, the earliest SLO task, or best effort.
 */
#ifndef SLO_PICK_BPF_H
#define SLO_PICK_BPF_H

#include "floor.bpf.h"

/* The task that ran until now, when it is an SLO task that is still runnable; its key, as of now. */
static __always_inline struct task_ctx *slo_prev(struct task_struct *prev, u64 now, u64 *key)
{
	struct task_ctx *tctx;
	u64 exec_ns;

	if (!prev || !(prev->scx.flags & SCX_TASK_QUEUED))
		return NULL;
	tctx = task_ctx_of(prev);
	if (!tctx)
		return NULL;
	exec_ns = slo_job_exec_ns(&tctx->acct.job, now);
	if (classify(tctx, exec_ns) != SLO_CLASS_SLO)
		return NULL;
	*key = key_of(tctx, exec_ns);
	return tctx;
}

/*
 * The clock, and what the floor is owed by now. It matters where a task goes on, or best effort may have its
 * turn: between a task that sleeps and the next one, neither is the usual case. 0: it does not.
 */
static __always_inline u64 now_of_pick(s32 cpu, struct cpu_ctx *cctx)
{
	bool runs = cctx->class != SLO_CLASS_NONE;
	u64 now;

	if (!runs && cctx->floor_turn_until_ns == 0 && !floor_is_wanted(cpu, cctx))
		return 0;
	now = slo_rq_now(cpu);
	if (runs)
		charge_floor(cpu, cctx, now);
	return now;
}

/* Puts what this CPU is to run next on it, or lets prev go on. */
static __always_inline void pick(s32 cpu, struct cpu_ctx *cctx, struct task_struct *prev)
{
	u64 now = now_of_pick(cpu, cctx);
	u64 prev_key = 0;
	struct task_ctx *tctx = slo_prev(prev, now, &prev_key);
	bool wanted = now != 0 && floor_is_wanted(cpu, cctx);
	struct head first = {};
	bool prev_first = false;

	if (slo_waits(cpu, cctx) && (tctx || slo_waits_twice(cpu, cctx) || wanted))
		first = first_slo(cpu, cctx);
	if (tctx)
		prev_first = !first.queue || !slo_before(first.at, prev_key);
	if (take_floor_turn(cpu, cctx, tctx || first.queue, wanted, prev_first ? prev_key : first.at, now))
		return;
	if (prev_first) {
		slo_set_slice(prev, slo_slice_of(tctx));
		if (first.queue)
			kick_when_overtaken(cpu, cctx, first.at, now);
		return;
	}
	if (take_slo(cpu, cctx, &first))
		return;
	if (nr_shards > 1 && level_best_effort(shard_of(cpu)))
		return;
	if (take_best_effort(cpu) || nr_shards == 1 || (prev && (prev->scx.flags & SCX_TASK_QUEUED)))
		return;
	steal(shard_of(cpu));
}

#endif
