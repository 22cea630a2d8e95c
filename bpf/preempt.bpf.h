/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Getting a CPU for a queued task: an idle one, or one that runs something less urgent.
 */
#ifndef SLO_PREEMPT_BPF_H
#define SLO_PREEMPT_BPF_H

#include "storage.bpf.h"

/* Candidates of each kind that are tried as a victim. */
#define VICTIM_TRIES 4

/*
 * Makes a CPU look at the queues. One request at a time: until the CPU has looked, more say nothing new. The
 * exchange is a full barrier, so a CPU that has already looked (and cleared the flag) is asked again.
 */
static __always_inline void kick(s32 cpu, struct cpu_ctx *cctx)
{
	if (__sync_lock_test_and_set(&cctx->kick_pending, 1) == 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

static __always_inline void kick_seen(struct cpu_ctx *cctx)
{
	if (cctx->kick_pending)
		__sync_lock_test_and_set(&cctx->kick_pending, 0);
}

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

static __always_inline bool try_victim(struct task_struct *p, s32 cpu, u64 key, u64 now)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	if (!may_preempt(cctx, key, now) || !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
		return false;
	kick(cpu, cctx);
	return true;
}

/* A CPU of the mask that runs best effort, looking from the word of `near` on. */
static bool kick_best_effort(struct task_struct *p, s32 near, u64 key, u64 now)
{
	u32 words = (nr_cpus + 63) / 64;
	u32 tries = 0;
	int i;

	bpf_for (i, 0, (int)words) {
		u32 word = ((u32)near / 64 + (u32)i) % words & (BEST_EFFORT_WORDS - 1);
		u64 bits = best_effort_cpus[word];
		int j;

		bpf_for (j, 0, VICTIM_TRIES) {
			if (!bits)
				break;
			if (try_victim(p, (s32)(word * 64 + slo_log2(bits)), key, now))
				return true;
			bits &= ~(1ull << slo_log2(bits));
			if (++tries >= VICTIM_TRIES * 4)
				return false;
		}
	}
	return false;
}

/* No CPU is idle: takes one from best effort, near `prev` if possible, else from a task with a later key. */
static void preempt_for(struct task_struct *p, s32 prev, u64 key, u64 now)
{
	struct cpu_ctx *cctx = cpu_ctx_of(prev);
	struct cpu_ctx *a, *b;
	u32 first, second;

	if (cctx->class == SLO_CLASS_BEST_EFFORT && try_victim(p, prev, key, now))
		return;
	if (kick_best_effort(p, prev, key, now))
		return;
	/* Two random choices find a CPU almost as good as the one with the latest key, without looking at
	 * all. */
	first = bpf_get_prandom_u32() % nr_cpus;
	second = bpf_get_prandom_u32() % nr_cpus;
	a = cpu_ctx_of((s32)first);
	b = cpu_ctx_of((s32)second);
	if (b->class == SLO_CLASS_SLO && slo_before(running_key(a, now), running_key(b, now)))
		first = second;
	if (!try_victim(p, (s32)first, key, now))
		try_victim(p, prev, key, now);
}

/* Wakes an idle CPU for a queued task; true when there was one. */
static __always_inline bool wake_idle_cpu(struct task_struct *p, s32 cpu, bool pinned)
{
	if (pinned) {
		if (!scx_bpf_test_and_clear_cpu_idle(cpu))
			return false;
	} else {
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (cpu < 0)
			return false;
	}
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	return true;
}

/* Keeps the mask of best-effort CPUs; written only when what a CPU runs changes its class. */
static __always_inline void note_class(s32 cpu, struct cpu_ctx *cctx, u32 class)
{
	u32 word = (u32)cpu / 64 & (BEST_EFFORT_WORDS - 1);
	u64 bit = 1ull << ((u32)cpu % 64);
	u32 in_mask = class == SLO_CLASS_BEST_EFFORT;

	cctx->class = class;
	if (cctx->in_best_effort_mask == in_mask)
		return;
	cctx->in_best_effort_mask = in_mask;
	if (in_mask)
		__sync_fetch_and_or(&best_effort_cpus[word], bit);
	else
		__sync_fetch_and_and(&best_effort_cpus[word], ~bit);
}

#endif
