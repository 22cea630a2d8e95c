/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a CPU runs next: the task that ran until now, the earliest SLO task, or best effort.
 */
#ifndef SLO_PICK_BPF_H
#define SLO_PICK_BPF_H

#include "bpf/scheduler/floor.bpf.h"
#include "bpf/scheduler/move.bpf.h"
#include "bpf/scheduler/park.bpf.h"

/* Its reserve, or what the guarantee covers, is used up; it may go on, as there may be nobody else. */
static __noinline void demote(s32 cpu, struct task_ctx *tctx, u64 now) __must_hold(rq)
{
	struct accounting *acct = &tctx->acct;
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	account_run(tctx, slo_job_runs_on(&acct->job, now));
	if (is_throttled(acct))
		acct->job_cfg_flags |= SLO_JOB_THROTTLED;
	note_demotion(acct, acct->job.exec_ns);
	tctx->class = SLO_CLASS_BEST_EFFORT;
	cctx->server = SLO_NO_SLOT;
	note_class(cpu, cctx, SLO_CLASS_BEST_EFFORT);
}

/* The other way round: there is something in its reserve again. It may go on without coming to run anew, so
 * the CPU has to know its key. */
static __noinline void promote(s32 cpu, struct task_ctx *tctx, u64 now) __must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	account_run(tctx, slo_job_runs_on(&tctx->acct.job, now));
	renew_key(tctx, tctx->acct.job.exec_ns, now);
	tctx->class = SLO_CLASS_SLO;
	cctx->key_ns = key_of(tctx, tctx->acct.job.exec_ns);
	cctx->ran_from_ns = now;
	cctx->server = tctx->acct.server;
	note_class(cpu, cctx, SLO_CLASS_SLO);
}

static __always_inline bool may_go_on(const struct task_struct *prev)
{
	return prev && (prev->scx.flags & SCX_TASK_QUEUED);
}

/* The task that ran until now and may go on, with its class as of now; and its key, where that is SLO. */
static __always_inline struct task_ctx *runnable_prev(s32 cpu, struct task_struct *prev, u64 now, u64 *key)
	__must_hold(rq)
{
	struct task_ctx *tctx;
	u64 exec_ns;

	if (!may_go_on(prev))
		return NULL;
	tctx = task_ctx_of(prev);
	if (!tctx)
		return NULL;
	exec_ns = slo_job_exec_ns(&tctx->acct.job, now);
	if (classify(tctx, exec_ns) != SLO_CLASS_SLO) {
		if (tctx->class == SLO_CLASS_SLO)
			demote(cpu, tctx, now);
		return tctx;
	}
	if (tctx->class != SLO_CLASS_SLO)
		promote(cpu, tctx, now);
	*key = key_of(tctx, exec_ns);
	return tctx;
}

/*
 * The clock, and what the floor is owed by now. It matters where a task goes on, or best effort may have its
 * turn: between a task that sleeps and the next one, neither is the usual case. 0: it does not, and neither
 * does prev go on.
 */
static __always_inline u64 now_of_pick(s32 cpu, struct cpu_ctx *cctx, const struct shard_ctx *shard,
				       const struct task_struct *prev) __must_hold(rq)
{
	u64 now;

	if (!may_go_on(prev) && cctx->class == SLO_CLASS_NONE && cctx->floor_turn_until_ns == 0 &&
	    !(slo_waits(cctx, shard) && floor_is_wanted(cctx, shard)))
		return 0;
	now = slo_rq_now(cpu);
	if (cctx->class != SLO_CLASS_NONE)
		charge(cctx, shard, now);
	return now;
}

/*
 * Where there is something to compare: a task that may go on, best effort's turn, SLO tasks in several
 * queues. True when that is settled; otherwise *tctx is of prev, where it may go on, and *first the earliest
 * SLO task, where one was looked for.
 */
static __always_inline bool pick_of_several(s32 cpu, struct cpu_ctx *cctx, struct task_struct *prev, u64 now,
					    struct task_ctx **tctx, struct head *first) __must_hold(rq)
{
	const struct shard_ctx *shard = shard_at(cpu);
	u64 prev_key = 0;
	bool wanted = now != 0 && floor_is_wanted(cctx, shard);
	bool prev_is_slo, prev_first = false;

	*tctx = runnable_prev(cpu, prev, now, &prev_key);
	prev_is_slo = *tctx && (*tctx)->class == SLO_CLASS_SLO;
	if (slo_waits(cctx, shard) && (prev_is_slo || slo_waits_twice(cctx, shard) || wanted))
		*first = first_slo(cpu, cctx, shard);
	if (prev_is_slo)
		prev_first = !first->queue || !(cctx->yields || slo_before(first->at, prev_key));
	if (take_floor_turn(cpu, cctx, prev, *tctx, prev_is_slo || first->queue, wanted,
			    prev_first ? prev_key : first->at, now))
		return true;
	/* It comes back by its key, as soon as a switch is worth it. */
	if (prev_first && cctx->yields && take_best_effort(cpu, cctx, shard))
		return true;
	if (!prev_first)
		return false;
	cctx->yields = 0;
	slo_set_slice(prev, slo_slice_of(*tctx));
	if (first->queue)
		kick_for(cpu, cctx, first->at, now);
	return true;
}

/* What runs here is charged with what it has run, where it has a limit or has got one while it runs. True: it
 * has to wait. */
static __noinline bool look_at_limited(s32 cpu, struct task_struct *p, u64 now) __must_hold(rq)
{
	struct task_ctx *tctx = task_ctx_of(p);
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct limited *run = limited_run_of(cpu);

	if (!tctx || (cctx->limit == SLO_NO_SLOT && !may_have_limit(p, tctx)))
		return false;
	if (cctx->limit == SLO_NO_SLOT)
		run->exec_ns = p->se.sum_exec_runtime;
	note_limited(run, p);
	charge_owed(cpu, now);
	refresh_limit(tctx, p, now);
	cctx->limit = tctx->limit;
	if (has_to_park(p, tctx, now))
		return true;
	if (cctx->limit != SLO_NO_SLOT)
		limit_run(cpu, p, now);
	return false;
}

/* Those that would be next and have to wait are out of the way, also by what prev is charged with here. True:
 * it has to wait as well. */
static __noinline bool part_with_limited(s32 cpu, struct task_struct *prev) __must_hold(rq)
{
	bool waits = cpu_ctx_of(cpu)->limit != SLO_NO_SLOT && may_go_on(prev) &&
		     look_at_limited(cpu, prev, slo_rq_now(cpu));

	if (nr_empty_limits != 0)
		sweep_queues(cpu);
	return waits;
}

/* Puts what this CPU is to run next on it, or lets prev go on. */
static __always_inline void pick(s32 cpu, struct cpu_ctx *cctx, struct task_struct *prev) __must_hold(rq)
{
	const struct shard_ctx *shard = shard_at(cpu);
	u64 now = now_of_pick(cpu, cctx, shard, prev);
	struct task_ctx *tctx = NULL;
	struct head first = {};

	if (any_limit != 0 && part_with_limited(cpu, prev))
		prev = NULL;
	if ((now != 0 || slo_waits_twice(cctx, shard)) &&
	    pick_of_several(cpu, cctx, prev, now, &tctx, &first))
		return;
	if (take_slo(cpu, cctx, shard, &first))
		return;
	if (nr_shards > 1 && level_best_effort((u32)shard->id))
		return;
	if (serve_best_effort(cpu, cctx, prev, tctx, now) || nr_shards == 1 || may_go_on(prev))
		return;
	steal((u32)shard->id);
}

#endif
