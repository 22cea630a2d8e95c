/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Best effort by virtual time: where a task comes in, whom it takes a CPU from as it wakes, and whether what
 * runs goes on. See policy.h.
 */
#ifndef SLO_BEST_EFFORT_BPF_H
#define SLO_BEST_EFFORT_BPF_H

#include "bpf/scheduler/group.bpf.h"
#include "bpf/scheduler/preempt.bpf.h"

/* Whose time a run was. */
static __always_inline void account_run(struct task_ctx *tctx, u64 exec_ns) __must_hold(rq)
{
	if (tctx->class == SLO_CLASS_SLO) {
		tctx->acct.job_key_exec_ns += exec_ns;
		tctx->key_exec_ns += exec_ns;
		return;
	}
	if (tctx->goes_first)
		return;
	tctx->vtime_ns += slo_vtime_charge_ns(exec_ns, tctx->weight);
	tctx->turn_exec_ns += exec_ns;
	if (tctx->acct.job_cfg_flags & SLO_JOB_THROTTLED)
		tctx->acct.job_throttled_exec_ns += exec_ns;
}

/* What it is owed as it goes to sleep; nothing where it ran by key, see slo_vtime_after_key_ns(). */
static __always_inline void keep_credit(struct task_ctx *tctx, const struct shard_ctx *shard) __must_hold(rq)
{
	tctx->credit_ns = 0;
	if (tctx->class != SLO_CLASS_SLO)
		tctx->credit_ns = slo_vtime_credit_ns(tctx->vtime_ns, shard->clock.vtime_ns, tctx->weight);
}

/* While nobody waits, the clock is where what runs has come to: who runs alone pays for none of it. */
static __always_inline void advance_clock(s32 cpu, struct shard_ctx *shard, u64 now) __must_hold(rq)
{
	const struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 elapsed_ns, vtime_ns;

	if (cctx->class != SLO_CLASS_BEST_EFFORT)
		return;
	/* Of a short run there is not much to pay for, and most runs are short. */
	elapsed_ns = slo_elapsed_ns(cctx->ran_from_ns, now);
	if (elapsed_ns < tunables.min_run_ns || best_effort_waits(cctx, shard))
		return;
	vtime_ns = cctx->vtime_ns + slo_vtime_charge_ns(elapsed_ns, cctx->weight);
	if (slo_before(shard->clock.vtime_ns, vtime_ns))
		shard->clock.vtime_ns = vtime_ns;
}

/* What it is owed: and it comes in no later than what runs on its CPU began, which may be behind the clock.
 */
static __always_inline u64 wakeup_credit_ns(const struct task_ctx *tctx, s32 cpu,
					    const struct shard_ctx *shard) __must_hold(rq)
{
	const struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 credit_ns = tctx->credit_ns;

	if (cctx->class == SLO_CLASS_BEST_EFFORT && slo_before(cctx->vtime_ns, shard->clock.vtime_ns))
		credit_ns += shard->clock.vtime_ns - cctx->vtime_ns;
	return credit_ns;
}

/* Where a task comes into best effort on this CPU. */
static __always_inline void place_best_effort(struct task_struct *p, struct task_ctx *tctx, s32 cpu,
					      struct shard_ctx *shard, bool is_wakeup, u64 now)
	__must_hold(task)
{
	u64 credit_ns = 0;

	advance_clock(cpu, shard, now);
	move_vtime(tctx, shard);
	if (tctx->acct.budget_ns != 0) {
		if (tctx->key_exec_ns != 0)
			begin_weight(tctx, p, now);
		tctx->vtime_ns = slo_vtime_after_key_ns(tctx->vtime_ns, shard->clock.vtime_ns,
							tctx->key_exec_ns, tctx->weight);
		tctx->key_exec_ns = 0;
	}
	if (slo_before(tctx->vtime_ns, shard->clock.vtime_ns))
		credit_ns = is_wakeup ? wakeup_credit_ns(tctx, cpu, shard)
				      : slo_vtime_credit_max_ns(tctx->weight);
	tctx->vtime_ns = slo_vtime_place_ns(tctx->vtime_ns, shard->clock.vtime_ns, credit_ns,
					    tunables.best_effort_slice_ns, tick_ns, tctx->weight);
}

/* Its virtual time when the turn began that it was interrupted in; or as it is, at the begin of one. */
static __always_inline u64 turn_began_ns(const struct task_ctx *tctx)
{
	if (tctx->turn_exec_ns == 0)
		return tctx->vtime_ns;
	return tctx->vtime_ns - slo_vtime_charge_ns(tctx->turn_exec_ns, tctx->weight);
}

/* What it waits by. */
static __always_inline u64 waits_by_ns(struct task_ctx *tctx, const struct shard_ctx *shard) __must_hold(task)
{
	tctx->goes_first = operator_goes_first(&tctx->acct);
	if (tctx->goes_first)
		return first_vtime_ns(shard);
	if (tctx->turn_exec_ns >= SLO_BEST_EFFORT_TURN_NS)
		tctx->turn_exec_ns = 0;
	return turn_began_ns(tctx);
}

/* A CPU that may be taken, and when. */
struct victim {
	s32 cpu;
	u64 delay_ns;
};

/* Looks at one more CPU that a waking task might take from best effort. */
static __always_inline void keep_sooner(struct victim *first, s32 cpu, const struct task_struct *p,
					const struct task_ctx *tctx, bool is_idle, u64 now) __must_hold(rq)
{
	u64 delay_ns = gives_way_in_ns(cpu_ctx_of(cpu), tctx->vtime_ns, is_idle, now);

	if (delay_ns >= first->delay_ns ||
	    (cpu != first->cpu && !bpf_cpumask_test_cpu((u32)cpu, p->cpus_ptr)))
		return;
	first->cpu = cpu;
	first->delay_ns = delay_ns;
}

/*
 * A task that wakes as best effort takes a CPU from best effort that has had more: its own, or the one whose
 * task began furthest ahead, or any, where that is sooner. What is more than a tick away is for the end of a
 * slice.
 */
static __always_inline void preempt_best_effort(const struct task_struct *p, const struct task_ctx *tctx,
						s32 cpu, const struct shard_ctx *shard, bool pinned, u64 now)
	__must_hold(rq)
{
	bool is_idle = tctx->is_idle || p->policy == SCHED_IDLE;
	struct victim first = {.cpu = cpu, .delay_ns = tick_ns};
	struct cpu_ctx *victim;

	if (p->policy == SCHED_BATCH)
		return;
	keep_sooner(&first, cpu, p, tctx, is_idle, now);
	if (!pinned && nr_cpus > 1 && first.delay_ns != 0) {
		s32 other = (s32)(bpf_get_prandom_u32() % nr_cpus);

		keep_sooner(&first, (s32)shard->clock.cpu, p, tctx, is_idle, now);
		if (shard_of(other) == shard->id)
			keep_sooner(&first, other, p, tctx, is_idle, now);
	}
	if (first.delay_ns >= tick_ns)
		return;
	victim = cpu_ctx_of(first.cpu);
	/* What has only just begun is about to sleep, as most do that run for a moment; else the next tick
	 * finds it. An alarm for each of these would cost more than all the rest of a wakeup. */
	if (first.delay_ns != 0 && slo_elapsed_ns(victim->ran_from_ns, now) < tunables.min_run_ns)
		victim->tick_looks = 1;
	else
		kick_when_allowed(first.cpu, victim, now, first.delay_ns);
}

/* The virtual time of best effort that runs here is this now, and the clock of its shard is not behind. */
static __always_inline void begin_turn(s32 cpu, struct cpu_ctx *cctx, struct shard_ctx *shard,
				       struct task_ctx *tctx, const struct task_struct *p) __must_hold(rq)
{
	u64 clock_ns = shard->clock.vtime_ns;
	u64 began_ns = turn_began_ns(tctx);

	if (slo_before(began_ns, clock_ns)) {
		u64 earliest_ns = clock_ns - slo_vtime_credit_max_ns(tctx->weight);

		if (slo_before(tctx->vtime_ns, earliest_ns))
			tctx->vtime_ns = earliest_ns;
	} else if (began_ns != clock_ns && !tctx->goes_first) {
		shard->clock.vtime_ns = began_ns;
		shard->clock.cpu = (u32)cpu;
	}
	cctx->vtime_ns = tctx->goes_first ? first_vtime_ns(shard) : tctx->vtime_ns;
	cctx->weight = tctx->weight;
	cctx->gives_way = tctx->is_idle || p->policy == SCHED_IDLE;
}

/* Best effort that ran until now goes on where nobody is behind it. */
static __noinline bool goes_on(s32 cpu, struct task_struct *prev, struct task_ctx *tctx, u64 now)
	__must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct shard_ctx *shard = shard_at(cpu);
	struct head first = {};

	account_run(tctx, slo_job_runs_on(&tctx->acct.job, now));
	if (best_effort_waits(cctx, shard))
		first = first_best_effort(cpu, cctx, shard);
	tctx->goes_first = operator_goes_first(&tctx->acct);
	tctx->turn_exec_ns = 0;
	cctx->server = tctx->goes_first ? SLO_SERVER_OPERATOR : SLO_NO_SLOT;
	if (first.queue &&
	    (cctx->yields || slo_before(first.at, tctx->goes_first ? first_vtime_ns(shard) : tctx->vtime_ns)))
		return false;
	cctx->yields = 0;
	/* It has no class yet where it has been running since before we came. */
	tctx->class = SLO_CLASS_BEST_EFFORT;
	note_class(cpu, cctx, SLO_CLASS_BEST_EFFORT);
	cctx->ran_from_ns = now;
	begin_turn(cpu, cctx, shard, tctx, prev);
	slo_set_slice(prev, slice_of(tctx, shard));
	return true;
}

/* Best effort's next: prev, where tctx is not NULL and it is of that class, or the first that waits. */
static __always_inline bool serve_best_effort(s32 cpu, struct cpu_ctx *cctx, struct task_struct *prev,
					      struct task_ctx *tctx, u64 now) __must_hold(rq)
{
	if (tctx && tctx->class != SLO_CLASS_SLO && goes_on(cpu, prev, tctx, now))
		return true;
	return take_best_effort(cpu, cctx, shard_at(cpu));
}

#endif
