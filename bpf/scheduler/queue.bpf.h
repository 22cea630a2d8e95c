/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queues: which one a task waits in, by which key or virtual time, how many wait, and taking the first.
 */
#ifndef SLO_QUEUE_BPF_H
#define SLO_QUEUE_BPF_H

#include "bpf/scheduler/limit.bpf.h"

/* Queue ids: user queues have bit 63 clear. The low half is the shard, or the CPU of a pinned queue. */
#define QUEUE_SHARED_SLO (1ull << 32)
#define QUEUE_SHARED_BEST_EFFORT (2ull << 32)
#define QUEUE_PINNED_SLO (3ull << 32)
#define QUEUE_PINNED_BEST_EFFORT (4ull << 32)
#define QUEUE_PARKED (5ull << 32)

/* A head that may not run on this CPU must not hide the one behind it; so many are looked at. */
#define HEADS_MAX 8

/* The program's own prologue raises the count of the running task by one on some kernels. */
static __always_inline bool is_migration_disabled(const struct task_struct *p)
{
	u32 own = bpf_get_current_task_btf() == p ? 1 : 0;

	return p->migration_disabled > own;
}

static __always_inline bool is_pinned(const struct task_struct *p) __must_hold(rq)
{
	return nr_cpus > 1 && (p->nr_cpus_allowed == 1 || is_migration_disabled(p));
}

/* exec_ns: of the present job so far; while the task does not run, that is acct.job.exec_ns. */
static __always_inline u32 classify(const struct task_ctx *tctx, u64 exec_ns)
{
	const struct accounting *acct = &tctx->acct;

	/* Most have no budget. What it waits as best effort covers nothing. */
	if (acct->budget_ns == 0 || acct->demoted || is_throttled(acct))
		return SLO_CLASS_BEST_EFFORT;
	return slo_class(acct->budget_ns, exec_ns, slo_covered_exec_ns(acct->max_exec_ns, acct->job.wait_ns));
}

static __always_inline u64 key_of(const struct task_ctx *tctx, u64 exec_ns)
{
	const struct accounting *acct = &tctx->acct;

	if (acct->cfg_flags & SLO_CFG_RESPONSE)
		return slo_response_key_ns(tctx->key_from_ns, acct->start_within_ns, exec_ns,
					   *expected_exec_of(acct->unit));
	return slo_key_ns(tctx->key_from_ns, acct->start_within_ns, exec_ns);
}

/* Its key is that of a job that wakes now. */
static __always_inline void renew_key(struct task_ctx *tctx, u64 exec_ns, u64 now)
{
	tctx->key_from_ns = slo_renewed_from_ns(exec_ns, now, tctx->acct.cfg_flags);
}

static __always_inline u64 slo_slice_of(const struct task_ctx *tctx)
{
	return slo_slice_ns(tctx->acct.budget_ns, tick_ns, tunables.slo_slice_max_ns);
}

static __always_inline u64 slice_of(const struct task_ctx *tctx, const struct shard_ctx *shard)
{
	u64 nr_waiting = shard->nr_best_effort.value;

	if (tctx->class == SLO_CLASS_SLO)
		return slo_slice_of(tctx);
	/* So few make no slice shorter, by whatever they are divided. */
	if (nr_waiting > SLO_BEST_EFFORT_ROUND_SLICES)
		nr_waiting /= shard->nr_cpus ?: 1;
	return slo_best_effort_slice_ns(tunables.best_effort_slice_ns, tick_ns, shard->nr_slo.value,
					nr_waiting, tctx->weight);
}

/* queue: SLO_QUEUE_*, not NONE, with or without where. Whoever knows it leaves that away: nothing is compared
 * then. */
static __always_inline void count_at(u32 queue, u32 at, u64 by)
{
	if (queue < SLO_QUEUE_SHARED_BEST_EFFORT)
		__sync_fetch_and_add(&shard_ctx_of(at)->nr_slo.value, by);
	else if (queue < SLO_QUEUE_PINNED_SLO)
		__sync_fetch_and_add(&shard_ctx_of(at)->nr_best_effort.value, by);
	else if (queue < SLO_QUEUE_PINNED_BEST_EFFORT)
		__sync_fetch_and_add(&cpu_ctx_of((s32)at)->nr_pinned_slo, (u32)by);
	else if (queue < SLO_QUEUE_PARKED)
		__sync_fetch_and_add(&cpu_ctx_of((s32)at)->nr_pinned_best_effort, (u32)by);
	else
		__sync_fetch_and_add(&parking_at(at)->nr, (u32)by);
}

/* queue: SLO_QUEUE_* and where; not SLO_QUEUE_NONE */
static __always_inline void count_queue(u32 queue, u64 by)
{
	count_at(queue, queue & SLO_QUEUE_AT, by);
}

/* It comes out of a parking queue. */
static __always_inline void note_let_go(struct task_ctx *tctx)
{
	u32 limit = tctx->parked_for;
	struct slo_limit *record = bpf_map_lookup_elem(&limits, &limit);

	tctx->is_let_go = 1;
	if (record)
		__sync_fetch_and_add(&record->nr_let_go, 1);
}

/* It came out of a parking queue, and runs now. Of one that waits again its limit is used up, and the count
 * begins anew when it is filled. */
static __noinline void end_let_go(struct task_ctx *tctx __arg_nonnull)
{
	u32 limit = tctx->parked_for;
	struct slo_limit *record = bpf_map_lookup_elem(&limits, &limit);

	tctx->is_let_go = 0;
	if (record && (s32)record->nr_let_go > 0)
		__sync_fetch_and_add(&record->nr_let_go, -1);
}

/* It waits for its limit from now on: for the queue that it is counted in already. */
static __always_inline void begin_parking(struct task_ctx *tctx, u32 limit, u64 now)
{
	struct slo_limit *record = bpf_map_lookup_elem(&limits, &limit);

	tctx->parked_ns = now;
	tctx->parked_for = limit;
	tctx->acct.job_cfg_flags |= SLO_JOB_THROTTLED;
	if (record)
		__sync_fetch_and_add(&record->nr_parked, 1);
}

/* Whoever takes it out of that count. What it waited is nothing that the weight of others has to do with. */
static __noinline void end_parking(struct task_ctx *tctx __arg_nonnull, u64 now)
{
	u32 limit = tctx->parked_for;
	struct slo_limit *record = bpf_map_lookup_elem(&limits, &limit);

	tctx->job_told_ns += slo_elapsed_ns(tctx->parked_ns, now);
	if (record)
		__sync_fetch_and_add(&record->nr_parked, -1);
}

/* Where a task left a queue without coming to run (its affinity or CPU changed), it leaves the count where it
 * joins the next one: at once, under the same lock. Only a move between queues comes without that lock. */
static __always_inline void leave_queue(struct task_ctx *tctx) __must_hold(rq)
{
	u32 queue = tctx->queue;

	if ((queue & SLO_QUEUE_PLACE) == SLO_QUEUE_NONE)
		return;
	/* Who moves it meanwhile cannot take that back: what it left there is not here. */
	queue = __sync_lock_test_and_set(&tctx->queue, (queue + SLO_QUEUE_CHANGE) & ~SLO_QUEUE_PLACE) &
		SLO_QUEUE_PLACE;
	if (queue == SLO_QUEUE_NONE)
		return;
	count_queue(queue, (u64)-1);
	if (queue >= SLO_QUEUE_PARKED)
		end_parking(tctx, now_unlocked());
}

/* kind: SLO_QUEUE_*, not NONE */
static __always_inline void join_queue(struct task_ctx *tctx, u32 kind, u32 at) __must_hold(rq)
{
	leave_queue(tctx);
	tctx->queue |= kind | at;
	count_at(kind, at, 1);
}

/*
 * For who moves it without that lock: the counts change before it moves, so that whoever takes it right
 * afterwards finds them right. Where it turns out to have left, the change is taken back, unless somebody
 * changed it meanwhile: be it to the very same place, in which it is by now. 0: it is not there any more;
 * otherwise what to take back.
 */
static __always_inline u32 change_queue(struct task_ctx *tctx, u32 was, u32 from, u32 to)
{
	u32 is = ((was + SLO_QUEUE_CHANGE) & ~SLO_QUEUE_PLACE) | to;

	if ((was & SLO_QUEUE_PLACE) != from || __sync_val_compare_and_swap(&tctx->queue, was, is) != was)
		return 0;
	count_queue(from, (u64)-1);
	count_queue(to, 1);
	return is;
}

/* SLO tasks wait that this CPU takes before anything else (some may not be allowed to run here). */
static __always_inline bool slo_waits(const struct cpu_ctx *cctx, const struct shard_ctx *shard)
{
	return shard->nr_slo.value != 0 || cctx->nr_pinned_slo != 0 || cctx->helps != 0;
}

static __always_inline bool best_effort_waits(const struct cpu_ctx *cctx, const struct shard_ctx *shard)
{
	return shard->nr_best_effort.value != 0 || cctx->nr_pinned_best_effort != 0;
}

static __always_inline bool pinned_queue_waits(const struct cpu_ctx *cctx)
{
	return cctx->nr_pinned_slo != 0 || cctx->nr_pinned_best_effort != 0;
}

static __noinline bool shared_queue_waits(void)
{
	bool waits = false;
	u32 i;

	bpf_for (i, 0, nr_shards) {
		struct shard_ctx *shard = shard_ctx_of(i);

		waits = shard->nr_slo.value != 0 || shard->nr_best_effort.value != 0;
		if (waits)
			break;
	}
	return waits;
}

/* Brings a task's virtual time to the clock of the shard where it is now. */
static __always_inline void move_vtime(struct task_ctx *tctx, const struct shard_ctx *shard) __must_hold(rq)
{
	if (tctx->vtime_shard == shard->id)
		return;
	tctx->vtime_ns += shard->clock.vtime_ns - shard_ctx_of(tctx->vtime_shard)->clock.vtime_ns;
	tctx->vtime_shard = (u32)shard->id;
}

/* The virtual time of who goes first: before all others, in the order in which they come. */
static __always_inline u64 first_vtime_ns(const struct shard_ctx *shard)
{
	return shard->clock.vtime_ns - SLO_VTIME_FIRST_NS;
}

/* A queue with its first task's key or virtual time; id 0: none. */
struct head {
	u64 queue;
	u64 at;
};

/* Key or virtual time of the first task of a queue that may run on this CPU; false when there is none. */
static __noinline bool head_of(u64 queue, s32 cpu, u64 *at __arg_nonnull) __must_hold(rcu)
{
	struct task_struct *p = slo_peek(queue);
	struct bpf_iter_scx_dsq it;
	bool found = false;
	int i;

	/* Nearly always the first one may. */
	if (p && bpf_cpumask_test_cpu((u32)cpu, p->cpus_ptr)) {
		*at = p->scx.dsq_vtime;
		return true;
	}
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

static __always_inline void keep_earlier(struct head *first, u64 queue, s32 cpu) __must_hold(rcu)
{
	u64 at = 0;

	if (!head_of(queue, cpu, &at) || (first->queue && !slo_before(at, first->at)))
		return;
	first->queue = queue;
	first->at = at;
}

/* The earliest of the SLO tasks that this CPU may take: its shard's, its own, those of a shard it helps. */
static __always_inline struct head first_slo(s32 cpu, const struct cpu_ctx *cctx,
					     const struct shard_ctx *shard) __must_hold(rcu)
{
	struct head first = {};
	u32 helps = cctx->helps;

	if (shard->nr_slo.value != 0)
		keep_earlier(&first, QUEUE_SHARED_SLO | shard->id, cpu);
	if (cctx->nr_pinned_slo != 0)
		keep_earlier(&first, QUEUE_PINNED_SLO | (u32)cpu, cpu);
	if (helps != 0)
		keep_earlier(&first, QUEUE_SHARED_SLO | (helps - 1), cpu);
	return first;
}

/* The earliest of best effort that this CPU may take: its shard's, or its own. */
static __always_inline struct head first_best_effort(s32 cpu, const struct cpu_ctx *cctx,
						     const struct shard_ctx *shard) __must_hold(rcu)
{
	struct head first = {};

	if (shard->nr_best_effort.value != 0)
		keep_earlier(&first, QUEUE_SHARED_BEST_EFFORT | shard->id, cpu);
	if (cctx->nr_pinned_best_effort != 0)
		keep_earlier(&first, QUEUE_PINNED_BEST_EFFORT | (u32)cpu, cpu);
	return first;
}

/* SLO tasks wait in more than one of the queues from which this CPU takes them. */
static __always_inline bool slo_waits_twice(const struct cpu_ctx *cctx, const struct shard_ctx *shard)
{
	return cctx->helps != 0 || (cctx->nr_pinned_slo != 0 && shard->nr_slo.value != 0);
}

/*
 * Takes the first task of a queue that may run on this CPU. Where the kernel can (7.1), one that may run on
 * others comes back to enqueue() if a real-time task takes the CPU from it, before or while it runs. A pinned
 * one has nowhere else to go: it waits at the head of its CPU.
 */
static __always_inline bool take(u64 queue) __must_hold(rq)
{
	return slo_move_to_local(queue, queue < QUEUE_PINNED_SLO ? enq_immed : 0);
}

/* first: the earliest of them where they were compared, else none: each look costs as much as taking a task.
 */
static __always_inline bool take_slo(s32 cpu, const struct cpu_ctx *cctx, const struct shard_ctx *shard,
				     const struct head *first) __must_hold(rq)
{
	if (first->queue && take(first->queue))
		return true;
	return (cctx->nr_pinned_slo != 0 && take(QUEUE_PINNED_SLO | (u32)cpu)) ||
	       (shard->nr_slo.value != 0 && take(QUEUE_SHARED_SLO | (u32)shard->id));
}

/* Where some wait for this CPU alone, and maybe others as well. Global, as are others that are called from
 * several places or from loops: the verifier then looks at them once, not once per path. */
__noinline bool take_earlier_best_effort(s32 cpu) __must_hold(rq)
{
	const struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	const struct shard_ctx *shard = shard_at(cpu);
	u64 pinned = QUEUE_PINNED_BEST_EFFORT | (u32)cpu;
	struct head first;

	if (shard->nr_best_effort.value == 0)
		return take(pinned);
	first = first_best_effort(cpu, cctx, shard);
	return (first.queue && take(first.queue)) || take(pinned) ||
	       take(QUEUE_SHARED_BEST_EFFORT | (u32)shard->id);
}

static __always_inline bool take_best_effort(s32 cpu, const struct cpu_ctx *cctx,
					     const struct shard_ctx *shard) __must_hold(rq)
{
	if (cctx->nr_pinned_best_effort != 0)
		return take_earlier_best_effort(cpu);
	return shard->nr_best_effort.value != 0 && take(QUEUE_SHARED_BEST_EFFORT | (u32)shard->id);
}

/*
 * Where the queue of best effort is clearly longer than here, its first task comes over: lengths, and with
 * them shares, draw level. One other shard per look, as two random choices level almost as well as all.
 */
static __always_inline bool level_best_effort(u32 own) __must_hold(rq)
{
	u32 other = bpf_get_prandom_u32() % nr_shards;

	if (shard_ctx_of(other)->nr_best_effort.value <= shard_ctx_of(own)->nr_best_effort.value + 2)
		return false;
	return take(QUEUE_SHARED_BEST_EFFORT | other);
}

/* Nothing to do here: takes what waits elsewhere, SLO tasks first. */
static __noinline bool steal(u32 own) __must_hold(rq)
{
	u32 nr = nr_shards;
	u32 i;

	bpf_for (i, 1, nr) {
		u32 other = (own + i) % nr;

		if (shard_ctx_of(other)->nr_slo.value != 0 && take(QUEUE_SHARED_SLO | other))
			return true;
	}
	bpf_for (i, 1, nr) {
		u32 other = (own + i) % nr;

		if (shard_ctx_of(other)->nr_best_effort.value != 0 && take(QUEUE_SHARED_BEST_EFFORT | other))
			return true;
	}
	return false;
}

#endif
