/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asking a CPU to look at its queues, where what waits there should run instead of what runs. One way in, and
 * from there downwards:
 *
 *	kick_for()           a task with this key waits: when will it be the earlier one?
 *	kick_when_allowed()  not sooner, nor more often, than the CPU may be asked
 *	kick_now()           by an interrupt, or
 *	kick_later()         by an alarm, which asks again for whoever is first by then: kick_for_first()
 *
 * The CPU looks in dispatch(), and says so by kick_seen(). The end of best effort's turn alone comes in by
 * kick_now(): that turn has lasted as long as it may.
 */
#ifndef SLO_KICK_BPF_H
#define SLO_KICK_BPF_H

#include "bpf/scheduler/queue.bpf.h"

static __always_inline bool in_floor_turn(const struct cpu_ctx *cctx, u64 now)
{
	return cctx->floor_turn_until_ns != 0 && now < cctx->floor_turn_until_ns;
}

/* The key of a running SLO task moves on with its execution. */
static __always_inline u64 running_key(const struct cpu_ctx *cctx, u64 now)
{
	return cctx->key_ns + slo_elapsed_ns(cctx->ran_from_ns, now);
}

/* The turn of best effort ends with a look at the queues, by a timer; until then the CPU is left alone. */
static __always_inline bool may_preempt(const struct cpu_ctx *cctx, u64 key, u64 now)
{
	return !in_floor_turn(cctx, now) && slo_preempts(key, cctx->class, running_key(cctx, now));
}

/*
 * A CPU on its way offline must ask nobody: the kernel sends what is asked from there by an irq_work, and
 * does those of a CPU for the last time while some tasks are still switched there. One that comes later stays
 * until the CPU is back, and then keeps every other from being noticed, ours and the kernel's own (SRCU's
 * grace periods end with one): irq_work_queue() raises an interrupt only for the first of a list. Likewise a
 * timer would stay on the dead CPU. So queueing there does without (slo_enqueue), and what a CPU asks of
 * itself is dropped by the two places that do so: kick_when_allowed() and slo_update_idle().
 */
static __always_inline bool is_here_offline(void)
{
	return nr_offline != 0 && is_offline((s32)bpf_get_smp_processor_id());
}

static __always_inline void kick_seen(struct cpu_ctx *cctx)
{
	if (cctx->kick_pending)
		__sync_lock_test_and_set(&cctx->kick_pending, 0);
}

/*
 * By an interrupt. One request at a time: until the CPU has looked, more say nothing new. The
 * exchange is a full barrier, so a CPU that has already looked (and cleared the flag) is asked again.
 */
static __always_inline void kick_now(s32 cpu, struct cpu_ctx *cctx, u64 now)
{
	if (__sync_lock_test_and_set(&cctx->kick_pending, 1) != 0)
		return;
	cctx->last_kick_ns = now;
	scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

/* By the CPU's timer, unless it is armed for an earlier instant: that look will serve this task too. */
static __noinline void kick_later(s32 cpu, u64 now, u64 delay_ns)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct slo_timer *timer;
	u32 index = (u32)cpu;

	if (cctx->alarm_ns != 0 && !slo_before(now + delay_ns, cctx->alarm_ns))
		return;
	cctx->alarm_ns = now + delay_ns;
	timer = bpf_map_lookup_elem(&kick_timers, &index);
	if (timer)
		bpf_timer_start(&timer->timer, delay_ns, BPF_F_TIMER_CPU_PIN);
}

/* Not before what runs there has had its minimum run, and not more often than allowed: then an alarm asks. */
static __always_inline void kick_when_allowed(s32 cpu, struct cpu_ctx *cctx, u64 now, u64 delay_ns)
{
	u64 at = slo_kick_at_ns(cctx->ran_from_ns, tunables.min_run_ns, cctx->last_kick_ns,
				tunables.kick_interval_ns);

	if (cctx->is_offline)
		return;
	if (slo_before(now + delay_ns, at))
		delay_ns = at - now;
	if (delay_ns != 0)
		kick_later(cpu, now, delay_ns);
	else
		kick_now(cpu, cctx, now);
}

/*
 * The way in: a task with this key waits for a CPU. Asks the CPU to look at once, or when what runs there
 * will be the later one. What is more than a tick away is the next tick's business.
 */
static __always_inline void kick_for(s32 cpu, struct cpu_ctx *cctx, u64 key, u64 now)
{
	u64 delay_ns = 0;

	if (cctx->class == SLO_CLASS_NONE || in_floor_turn(cctx, now))
		return;
	if (!may_preempt(cctx, key, now))
		delay_ns = slo_overtaken_in_ns(key, cctx->key_ns, cctx->ran_from_ns, now) + 1;
	if (delay_ns < tick_ns)
		kick_when_allowed(cpu, cctx, now, delay_ns);
}

/* The same for whoever is first of those that wait for this CPU by now, if anybody does. */
static __noinline void kick_for_first(s32 cpu, u64 now) __must_hold(rcu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	const struct shard_ctx *shard = shard_at(cpu);
	struct head first;

	if (!slo_waits(cctx, shard))
		return;
	first = first_slo(cpu, cctx, shard);
	if (first.queue)
		kick_for(cpu, cctx, first.at, now);
}

/*
 * In how long best effort that runs on this CPU will have had more than one that waits with this virtual
 * time. is_idle: that one gives way itself, and takes nothing from one that does not.
 */
static __always_inline u64 gives_way_in_ns(const struct cpu_ctx *cctx, u64 vtime_ns, bool is_idle, u64 now)
{
	if (cctx->class != SLO_CLASS_BEST_EFFORT || in_floor_turn(cctx, now) || (is_idle && !cctx->gives_way))
		return SLO_NSEC_PER_SEC;
	return slo_gives_way_in_ns(vtime_ns, cctx->vtime_ns, cctx->weight, cctx->gives_way && !is_idle,
				   cctx->ran_from_ns, now);
}

static __noinline void kick_for_first_best_effort(s32 cpu, u64 now) __must_hold(rcu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	const struct shard_ctx *shard = shard_at(cpu);
	struct head first;
	u64 delay_ns;

	if (cctx->class != SLO_CLASS_BEST_EFFORT || !best_effort_waits(cctx, shard))
		return;
	first = first_best_effort(cpu, cctx, shard);
	if (!first.queue)
		return;
	delay_ns = gives_way_in_ns(cctx, first.at, cctx->gives_way, now);
	if (delay_ns < tick_ns)
		kick_when_allowed(cpu, cctx, now, delay_ns);
}

/* What runs here may go on for as long as there is enough left of its limit: the alarm asks it to look when
 * that is over. As long as a tick comes before that, the tick looks. So it does where nothing follows from a
 * look: a kill would take as many runs as the task has such moments of work left to do. */
static __noinline void limit_run(s32 cpu, const struct task_struct *p, u64 now) __must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct limited *run = limited_run_of(cpu);
	u64 run_ns = tick_ns;

	if (run->limit != cctx->limit) {
		charge_owed(cpu, now);
		run->limit = cctx->limit;
		run->ample_until_ns = now;
	}
	if (!never_parks(p)) {
		run_ns = slo_limit_run_ns(limit_left_ns(cctx->limit, shard_of(cpu)), nr_cpus,
					  tunables.min_run_ns);
		if (slo_limit_is_ample(run_ns, tick_ns))
			run->ample_until_ns = now + tick_ns;
	}
	run->until_ns = now + run_ns;
	if (run_ns < tick_ns && !cctx->is_offline)
		kick_later(cpu, now, run_ns);
}

/*
 * A task begins to run: what it executes is charged to its limit from here on, and the CPU is to look again
 * before that can be used up. Otherwise whoever sleeps before each tick would run for nothing, and whoever
 * does not for up to a tick with nothing left. As most runs are short, one costs no more than a comparison
 * while there is ample left, instead of a walk up all levels and an alarm.
 */
static __noinline void begin_limited(s32 cpu, struct task_ctx *tctx, struct task_struct *p, u64 now)
	__must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct limited *run = limited_run_of(cpu);

	if (tctx->is_let_go)
		end_let_go(tctx);
	/* It may have waited since before its group had one. */
	if (tctx->limit == SLO_NO_SLOT)
		refresh_limit(tctx, p, now);
	cctx->limit = tctx->limit;
	if (cctx->limit == SLO_NO_SLOT)
		return;
	run->exec_ns = p->se.sum_exec_runtime;
	if (run->limit == cctx->limit && slo_before(now, run->ample_until_ns))
		run->until_ns = now + tick_ns;
	else
		limit_run(cpu, p, now);
}

static __always_inline void look_at_limit(s32 cpu, u64 now)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 until_ns = limited_run_of(cpu)->until_ns;

	if (cctx->limit == SLO_NO_SLOT)
		return;
	if (!slo_before(now, until_ns))
		kick_now(cpu, cctx, now);
	else if (until_ns - now < tick_ns)
		kick_later(cpu, now, until_ns - now);
}

static int on_alarm(void *map, u32 *index, struct slo_timer *timer)
{
	s32 cpu = (s32)*index;

	__sync_lock_test_and_set(&cpu_ctx_of(cpu)->alarm_ns, 0);
	/* Verifiers before 6.18 check a timer's function as part of slo_init, which may sleep. */
	bpf_rcu_read_lock();
	kick_for_first(cpu, now_unlocked());
	kick_for_first_best_effort(cpu, now_unlocked());
	look_at_limit(cpu, now_unlocked());
	bpf_rcu_read_unlock();
	return 0;
}

#endif
