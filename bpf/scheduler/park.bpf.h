/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parking: tasks whose limit is used up wait in queues apart, where no CPU looks. They come into one on their
 * way to a queue, or out of one when a CPU would take them; the queue's timer lets them go when the limit is
 * filled again, back to where they belong.
 *
 * A limit is kept by letting tasks wait that may hold what others need. Those that others cannot do without
 * are not parked: they run on, for a moment each time, and what they run is a debt.
 */
#ifndef SLO_PARK_BPF_H
#define SLO_PARK_BPF_H

#include "bpf/kernel/in_kernel.bpf.h"
#include "bpf/scheduler/best_effort.bpf.h"

/* Of one parking queue, in one look. */
#define PARKED_MAX (1 << 16)
/* Of one queue, by a CPU that is about to take its first. */
#define SWEPT_MAX 64

static u32 is_look_armed;

/* Inside RCU's read side, as far as the kernel says; our own prologue counts for the task that runs. */
static __always_inline bool is_rcu_reader(const struct task_struct *p)
{
	s32 own = bpf_get_current_task_btf() == p ? 1 : 0;

	return bpf_core_field_exists(p->rcu_read_lock_nesting) && p->rcu_read_lock_nesting > own;
}

static __always_inline bool has_waited_for_long(const struct task_ctx *tctx, u64 now)
{
	return tctx->acct.job.state == SLO_JOB_WAITING &&
	       slo_elapsed_ns(tctx->acct.job.since_ns, now) >= SLO_LIMIT_WAIT_MAX_NS;
}

/* Nobody must have to wait for a limit for ever, nor for one that somebody else's does not wait for. And a
 * CPU that goes offline waits until all that were on it have run elsewhere. */
static __noinline bool may_park(const struct task_struct *p, const struct task_ctx *tctx, u64 now)
	__must_hold(rcu)
{
	return !never_parks(p) && !is_migration_disabled(p) && !is_rcu_reader(p) &&
	       !has_waited_for_long(tctx, now) && !is_offline(slo_task_cpu(p));
}

/* On its way out of the kernel. Once for each time that its limit is used up. */
static __noinline bool is_let_on(struct task_struct *p, struct task_ctx *tctx) __must_hold(rcu)
{
	u64 exec_ns = p->se.sum_exec_runtime;

	if (!is_in_kernel(p))
		return false;
	if (tctx->let_on_ns == 0)
		tctx->let_on_ns = exec_ns + SLO_LIMIT_KERNEL_NS;
	return slo_before(exec_ns, tctx->let_on_ns);
}

static __always_inline bool has_to_park(struct task_struct *p, struct task_ctx *tctx, u64 now)
	__must_hold(rcu)
{
	if (tctx->limit == SLO_NO_SLOT)
		return false;
	if (!is_used_up(tctx->limit)) {
		tctx->let_on_ns = 0;
		return false;
	}
	return may_park(p, tctx, now) && !is_let_on(p, tctx);
}

static __always_inline u32 parking_of(u32 limit)
{
	return limit & (SLO_PARKINGS - 1);
}

static __always_inline void arm_look(void)
{
	u32 zero = 0;
	struct slo_timer *timer;

	if (is_look_armed != 0 || __sync_lock_test_and_set(&is_look_armed, 1) != 0)
		return;
	timer = bpf_map_lookup_elem(&parked_timer, &zero);
	if (timer)
		bpf_timer_start(&timer->timer, SLO_PARKED_LOOK_NS, 0);
}

/* Unless it is armed for an earlier instant. At least a moment from now: what counts as used up although it
 * is not any more must not keep a CPU at looking. */
static __noinline void arm_parking(u32 index, u64 now, u64 at_ns)
{
	struct parking *parking = parking_at(index);
	struct slo_timer *timer;

	if (slo_before(at_ns, now + tunables.min_run_ns))
		at_ns = now + tunables.min_run_ns;
	if (parking->alarm_ns != 0 && !slo_before(at_ns, parking->alarm_ns))
		return;
	parking->alarm_ns = at_ns;
	timer = bpf_map_lookup_elem(&parking_timers, &index);
	if (timer)
		bpf_timer_start(&timer->timer, slo_elapsed_ns(now, at_ns), 0);
}

/* It is in the parking queue, or about to be. */
static __always_inline void await_limit(struct task_ctx *tctx, u64 now)
{
	arm_parking(parking_of(tctx->limit), now, refilled_at_ns(tctx->limit, now));
	arm_look();
}

/* On its way to a queue. False: it may run. */
static __noinline bool has_parked(struct task_struct *p, struct task_ctx *tctx __arg_nonnull, u64 now,
				  u64 enq_flags) __must_hold(rq)
{
	u32 parking;

	refresh_limit(tctx, p, now);
	if (!has_to_park(p, tctx, now))
		return false;
	parking = parking_of(tctx->limit);
	join_queue(tctx, SLO_QUEUE_PARKED, parking);
	begin_parking(tctx, tctx->limit, now);
	slo_insert_vtime(p, QUEUE_PARKED | parking, slice_of(tctx, shard_at(slo_task_cpu(p))), now,
			 enq_flags);
	await_limit(tctx, now);
	return true;
}

/* Out of another queue. */
static __always_inline bool park_waiting(struct bpf_iter_scx_dsq *it, struct task_struct *p,
					 struct task_ctx *tctx, u64 now) __must_hold(rcu)
{
	u32 parking = parking_of(tctx->limit);
	u32 to = SLO_QUEUE_PARKED | parking;
	u32 was = tctx->queue;
	u32 from = was & SLO_QUEUE_PLACE;
	u32 changed;

	if (from == SLO_QUEUE_NONE || from >= SLO_QUEUE_PARKED)
		return false;
	changed = change_queue(tctx, was, from, to);
	if (changed == 0)
		return false;
	begin_parking(tctx, tctx->limit, now);
	if (slo_move(it, p, QUEUE_PARKED | parking, now)) {
		await_limit(tctx, now);
		return true;
	}
	if (change_queue(tctx, changed, to, from) != 0)
		end_parking(tctx, now);
	return false;
}

/* Whoever is first in a queue has to be one that may run. It may wait there since before there was a limit.
 */
static __always_inline void sweep(u64 queue, u64 now) __must_hold(rcu)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for (i, 0, SWEPT_MAX) {
		struct task_ctx *tctx;

		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		tctx = task_ctx_of(p);
		if (!tctx || !may_have_limit(p, tctx))
			break;
		refresh_limit(tctx, p, now);
		if (!has_to_park(p, tctx, now) || !park_waiting(&it, p, tctx, now))
			break;
	}
	bpf_iter_scx_dsq_destroy(&it);
}

static __noinline void sweep_queues(s32 cpu) __must_hold(rcu)
{
	const struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	const struct shard_ctx *shard = shard_at(cpu);
	u64 now = slo_rq_now(cpu);

	if (shard->nr_slo.value != 0)
		sweep(QUEUE_SHARED_SLO | shard->id, now);
	if (shard->nr_best_effort.value != 0)
		sweep(QUEUE_SHARED_BEST_EFFORT | shard->id, now);
	if (cctx->nr_pinned_slo != 0)
		sweep(QUEUE_PINNED_SLO | (u32)cpu, now);
	if (cctx->nr_pinned_best_effort != 0)
		sweep(QUEUE_PINNED_BEST_EFFORT | (u32)cpu, now);
}

/*
 * Where it comes in: as one that wakes, but for its job, as what it waited was nobody's fault. This function
 * and the next are global: see share_of_groups().
 */
__noinline u64 place_released(struct task_struct *p __arg_trusted, s32 cpu, u64 now) __must_hold(rcu)
{
	struct task_ctx *tctx = task_ctx_of(p);
	struct shard_ctx *shard = shard_at(cpu);

	if (!tctx)
		return now;
	if (tctx->class == SLO_CLASS_SLO) {
		renew_key(tctx, tctx->acct.job.exec_ns, now);
		return key_of(tctx, tctx->acct.job.exec_ns);
	}
	tctx->credit_ns = 0;
	place_best_effort(p, tctx, cpu, shard, true, now);
	tctx->vtime_ns = slo_vtime_released_ns(tctx->vtime_ns, shard->clock.vtime_ns, tctx->weight,
					       is_called(p) || has_waited_for_long(tctx, now));
	return waits_by_ns(tctx, shard);
}

/* True: an idle one. For timers: see on_alarm(). */
__noinline bool find_cpu_for(struct task_struct *p __arg_trusted, s32 cpu, u64 by, u64 now)
{
	const struct task_ctx *tctx = task_ctx_of(p);
	bool pinned = is_pinned(p);
	bool found;

	if (!tctx)
		return false;
	bpf_rcu_read_lock();
	found = wake_idle_cpu(p, cpu, pinned);
	if (!found && tctx->class == SLO_CLASS_SLO)
		kick_for(cpu, cpu_ctx_of(cpu), by, now);
	else if (!found)
		preempt_best_effort(p, tctx, cpu, shard_at(cpu), pinned, now);
	bpf_rcu_read_unlock();
	return found;
}

static __always_inline bool is_crowded(u32 limit, s64 left_ns)
{
	const struct slo_limit *record = bpf_map_lookup_elem(&limits, &limit);

	return record && slo_limit_is_crowded(record->nr_let_go, left_ns, tunables.min_run_ns);
}

/* From the parking queue to where it belongs. */
static __noinline void release(struct bpf_iter_scx_dsq *it, struct task_struct *p, struct task_ctx *tctx,
			       u32 parking, u64 now) __must_hold(rcu)
{
	s32 cpu = slo_task_cpu(p);
	bool pinned = is_pinned(p);
	u32 class = classify(tctx, tctx->acct.job.exec_ns);
	u32 at = pinned ? (u32)cpu : shard_of(cpu);
	u32 from = SLO_QUEUE_PARKED | parking;
	u32 kind = class == SLO_CLASS_SLO
			   ? (pinned ? SLO_QUEUE_PINNED_SLO : SLO_QUEUE_SHARED_SLO)
			   : (pinned ? SLO_QUEUE_PINNED_BEST_EFFORT : SLO_QUEUE_SHARED_BEST_EFFORT);
	u32 limit = tctx->parked_for;
	u32 changed;
	u64 by;

	changed = change_queue(tctx, tctx->queue, from, kind | at);
	if (changed == 0)
		return;
	end_parking(tctx, now);
	note_let_go(tctx);
	tctx->class = class;
	by = place_released(p, cpu, now);
	if (pinned && is_offline(cpu) ? slo_move_behind(it, p, SCX_DSQ_GLOBAL)
				      : slo_move(it, p, (u64)(kind >> 16) << 32 | at, by))
		find_cpu_for(p, cpu, by, now);
	else if (change_queue(tctx, changed, kind | at, from) != 0)
		begin_parking(tctx, limit, now);
}

/* Lets go all of one queue that may run, or must, and arms its timer for the first of the others; true: there
 * are some. For timers: see on_alarm(). */
__noinline bool unpark(u32 parking, u64 now)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	u64 next_ns = 0;
	u32 limit = SLO_NO_SLOT;
	s64 left_ns = 0;
	int i;

	bpf_rcu_read_lock();
	bpf_iter_scx_dsq_new(&it, QUEUE_PARKED | (parking & (SLO_PARKINGS - 1)), 0);
	bpf_for (i, 0, PARKED_MAX) {
		struct task_ctx *tctx;
		u64 at_ns;

		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		tctx = task_ctx_of(p);
		if (!tctx)
			continue;
		refresh_limit(tctx, p, now);
		/* This fills a limit whose time has come, so what is left is read behind it. */
		at_ns = is_used_up(tctx->limit) ? refilled_at_ns(tctx->limit, now) : now + tick_ns;
		if (tctx->limit != limit) {
			limit = tctx->limit;
			left_ns = limit_left_ns(limit, shard_of(slo_task_cpu(p)));
		}
		if (!has_to_park(p, tctx, now) && (!is_crowded(limit, left_ns) || !may_park(p, tctx, now))) {
			release(&it, p, tctx, parking, now);
			continue;
		}
		if (next_ns == 0 || slo_before(at_ns, next_ns))
			next_ns = at_ns;
	}
	bpf_iter_scx_dsq_destroy(&it);
	bpf_rcu_read_unlock();
	if (next_ns != 0)
		arm_parking(parking, now, next_ns);
	return next_ns != 0;
}

static int on_parking(void *map, u32 *index, struct slo_timer *timer)
{
	u32 parking = *index;

	__sync_lock_test_and_set(&parking_at(parking)->alarm_ns, 0);
	unpark(parking, now_unlocked());
	return 0;
}

static __noinline void look_at_parked(void)
{
	bool parked = false;
	u32 i;

	bpf_for (i, 0, SLO_PARKINGS) {
		if (parking_at(i)->nr == 0)
			continue;
		parked |= unpark(i, now_unlocked());
		parked |= parking_at(i)->nr != 0; /* it is on its way there */
	}
	if (parked)
		arm_look();
}

static int on_parked(void *map, u32 *index, struct slo_timer *timer)
{
	__sync_lock_test_and_set(&is_look_armed, 0);
	look_at_parked();
	return 0;
}

/* At every heartbeat: limits that are used up and that nobody waits for any more, so that none counts as used
 * up for ever, and tasks whose timer was lost with a CPU. */
static __noinline void refill_limits(u64 now)
{
	u32 i;

	look_at_parked();
	if (nr_empty_limits == 0)
		return;
	bpf_for (i, 0, SLO_LIMITS) {
		u32 at = server_of_limit(i);
		const struct server *server = bpf_map_lookup_elem(&servers, &at);

		if (server && server->is_empty)
			refill_limit(at, now);
	}
}

static int init_parking(u32 parking)
{
	struct slo_timer *timer = bpf_map_lookup_elem(&parking_timers, &parking);
	int err;

	if (!timer)
		return -22;
	err = bpf_timer_init(&timer->timer, &parking_timers, CLOCK_MONOTONIC);
	err = err ?: bpf_timer_set_callback(&timer->timer, on_parking);
	return err ?: scx_bpf_create_dsq(QUEUE_PARKED | parking, -1);
}

static int init_parkings(void)
{
	u32 zero = 0;
	struct slo_timer *timer = bpf_map_lookup_elem(&parked_timer, &zero);
	int err = 0;
	u32 i;

	if (!timer)
		return -22;
	bpf_for (i, 0, SLO_PARKINGS) {
		err = init_parking(i);
		if (err)
			return err;
	}
	err = bpf_timer_init(&timer->timer, &parked_timer, CLOCK_MONOTONIC);
	return err ?: bpf_timer_set_callback(&timer->timer, on_parked);
}

#endif
