/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that change their place while they wait: those of a unit with something in its reserve again go from
 * best effort to the SLO tasks.
 */
#ifndef SLO_MOVE_BPF_H
#define SLO_MOVE_BPF_H

#include "bpf/scheduler/preempt.bpf.h"

static __always_inline bool move_to_slo(struct bpf_iter_scx_dsq *it, struct task_struct *p,
					struct task_ctx *tctx, u32 from, u32 to, u64 slo_queue, u64 key)
	__must_hold(rcu)
{
	u32 changed = change_queue(tctx, tctx->queue, from, to);

	if (changed == 0)
		return false;
	tctx->class = SLO_CLASS_SLO;
	if (slo_move(it, p, slo_queue, key))
		return true;
	change_queue(tctx, changed, to, from);
	return false;
}

/* Those of operators are best effort, and come to the front of it. */
static __always_inline void bring_forward(struct bpf_iter_scx_dsq *it, struct task_struct *p,
					  struct task_ctx *tctx, u64 queue) __must_hold(rcu)
{
	const struct shard_ctx *shard = shard_at(slo_task_cpu(p));

	if (tctx->goes_first)
		return;
	tctx->goes_first = 1;
	slo_move(it, p, queue, first_vtime_ns(shard));
}

/* From a queue of best effort to the SLO queue beside it; both are of one shard, or of one CPU. */
static __noinline void revive(u64 from_queue, u64 to_queue, u32 from, u32 to) __must_hold(rcu)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	u64 now = now_unlocked();
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
		if (!tctx || tctx->acct.server == SLO_NO_SLOT)
			continue;
		if (tctx->acct.server == SLO_SERVER_OPERATOR) {
			bring_forward(&it, p, tctx, from_queue);
			continue;
		}
		if (classify(tctx, tctx->acct.job.exec_ns) != SLO_CLASS_SLO)
			continue;
		renew_key(tctx, tctx->acct.job.exec_ns, now);
		key = key_of(tctx, tctx->acct.job.exec_ns);
		cpu = slo_task_cpu(p);
		if (move_to_slo(&it, p, tctx, from, to, to_queue, key))
			kick_for(cpu, cpu_ctx_of(cpu), key, now);
	}
	bpf_iter_scx_dsq_destroy(&it);
}

static __noinline void revive_queues(void) __must_hold(rcu)
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

/* Of one queue, in one look. */
#define LOOKED_AT_MAX 4096

/* Who has waited for long goes to the front of its queue: see SLO_BEST_EFFORT_WAIT_MAX_NS. */
static __noinline void hasten(u64 queue, u64 vtime_ns, u64 now) __must_hold(rcu)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for (i, 0, LOOKED_AT_MAX) {
		struct task_ctx *tctx;

		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		/* A crowd that came before the clock was where it is now is behind it, and in front. */
		if (i == 0 && slo_before(p->scx.dsq_vtime, vtime_ns))
			vtime_ns = p->scx.dsq_vtime;
		tctx = task_ctx_of(p);
		if (!tctx || slo_elapsed_ns(tctx->acct.job.since_ns, now) < SLO_BEST_EFFORT_WAIT_MAX_NS ||
		    !slo_before(vtime_ns, p->scx.dsq_vtime))
			continue;
		tctx->vtime_ns = vtime_ns;
		slo_move(&it, p, queue, vtime_ns);
	}
	bpf_iter_scx_dsq_destroy(&it);
}

static u64 hastened_ns;

/* Once a second. */
static __noinline void hasten_queues(void)
{
	u64 now = now_unlocked();
	u32 i;

	if (slo_elapsed_ns(hastened_ns, now) < SLO_NSEC_PER_SEC)
		return;
	hastened_ns = now;
	/* See on_alarm(). */
	bpf_rcu_read_lock();
	bpf_for (i, 0, nr_shards) {
		if (shard_ctx_of(i)->nr_best_effort.value != 0)
			hasten(QUEUE_SHARED_BEST_EFFORT | i, shard_ctx_of(i)->clock.vtime_ns, now);
	}
	bpf_for (i, 0, nr_cpus) {
		if (cpu_ctx_of((s32)i)->nr_pinned_best_effort != 0)
			hasten(QUEUE_PINNED_BEST_EFFORT | i, shard_at((s32)i)->clock.vtime_ns, now);
	}
	bpf_rcu_read_unlock();
}

static __always_inline void refill(u64 now)
{
	u32 empty = 0;
	bool revived = refill_servers(now, &empty);

	if (empty)
		arm_refill();
	if (!revived)
		return;
	/* See on_alarm(). */
	bpf_rcu_read_lock();
	revive_queues();
	bpf_rcu_read_unlock();
}

static int on_refill(void *map, u32 *index, struct slo_timer *timer)
{
	__sync_lock_test_and_set(&is_refill_armed, 0);
	refill(now_unlocked());
	return 0;
}

static int init_refill(void)
{
	u32 zero = 0;
	struct slo_timer *timer = bpf_map_lookup_elem(&refill_timer, &zero);
	int err;

	if (!timer)
		return -22;
	err = bpf_timer_init(&timer->timer, &refill_timer, CLOCK_MONOTONIC);
	return err ?: bpf_timer_set_callback(&timer->timer, on_refill);
}

#endif
