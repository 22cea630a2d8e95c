/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Getting a CPU for a queued task: an idle one, or one that runs something less urgent.
 */
#ifndef SLO_PREEMPT_BPF_H
#define SLO_PREEMPT_BPF_H

#include "bpf/scheduler/kick.bpf.h"

/* CPUs that are tried as a victim: of one word of the mask, and in all. VICTIMS_MAX stands for "found". */
#define VICTIM_TRIES 4
#define VICTIMS_TRIED_MAX 16
#define VICTIMS_MAX 1024

/* A CPU that goes idle while tasks are being queued looks again, but not for ever: they may be bound to other
 * CPUs. */
#define IDLE_RETRIES 3

/* CPUs that turn out to be offline where an idle one is looked for. */
#define OFFLINE_TRIES 8

__noinline bool try_victim(struct task_struct *p __arg_trusted, s32 cpu, u32 shard, u64 key, u64 now)
	__must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	if (!may_preempt(cctx, key, now) || !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
		return false;
	if (shard_of(cpu) != shard)
		cctx->helps = shard + 1;
	kick_for(cpu, cctx, key, now);
	return true;
}

__noinline u32 highest_bit(u64 bits)
{
	return bits ? slo_log2(bits) : 0;
}

/* Tries the CPUs of one word of the mask. Returns how many were tried, or VICTIMS_MAX when one was kicked. */
__noinline u32 kick_one_of(struct task_struct *p __arg_trusted, u32 word, u32 shard, u64 key, u64 now)
	__must_hold(rq)
{
	u64 bits = best_effort_cpus[word & (CPU_WORDS - 1)];
	u32 tried = 0;
	int i;

	bpf_for (i, 0, VICTIM_TRIES) {
		u32 bit = highest_bit(bits) & 63;

		if (!bits)
			break;
		bits &= ~(1ull << bit);
		if (try_victim(p, (s32)(word * 64 + bit), shard, key, now)) {
			tried = VICTIMS_MAX;
			break;
		}
		tried++;
	}
	return tried;
}

/* A CPU that runs best effort, looking from the word of `near` on; true when there was one to kick. */
__noinline bool kick_best_effort(struct task_struct *p __arg_trusted, s32 near, u64 key, u64 now)
	__must_hold(rq)
{
	u32 words = (nr_cpus + 63) / 64;
	u32 tried = 0;
	u32 i;

	bpf_for (i, 0, words) {
		tried += kick_one_of(p, ((u32)near / 64 + i) % words, shard_of(near), key, now);
		if (tried >= VICTIMS_TRIED_MAX)
			break;
	}
	return tried >= VICTIMS_MAX;
}

/* The CPU with the later key of two random ones: almost as good as the latest of all, without looking at
 * all. */
static __always_inline s32 random_victim(u64 now)
{
	u32 first = bpf_get_prandom_u32() % nr_cpus;
	u32 second = bpf_get_prandom_u32() % nr_cpus;
	struct cpu_ctx *a = cpu_ctx_of((s32)first);
	struct cpu_ctx *b = cpu_ctx_of((s32)second);

	if (b->class == SLO_CLASS_SLO && slo_before(running_key(a, now), running_key(b, now)))
		return (s32)second;
	return (s32)first;
}

/* No CPU is idle: takes one from best effort, near `prev` if possible, else from a task with a later key. */
static __always_inline void preempt_for(struct task_struct *p, s32 prev, u64 key, u64 now) __must_hold(rq)
{
	struct cpu_ctx *cctx = cpu_ctx_of(prev);
	u32 shard = shard_of(prev);

	if (nr_cpus > 1 && cctx->class != SLO_CLASS_BEST_EFFORT &&
	    (kick_best_effort(p, prev, key, now) || try_victim(p, random_victim(now), shard, key, now)))
		return;
	kick_for(prev, cctx, key, now);
}

static __always_inline bool any_cpu_idle(void)
{
	u32 words = (nr_cpus + 63) / 64;
	u64 idle = idle_cpus[0];
	u32 i;

	if (words > 1) {
		bpf_for (i, 1, words)
			idle |= idle_cpus[i & (CPU_WORDS - 1)];
	}
	return idle != 0;
}

/*
 * The kernel finds no idle CPU, but some said they were about to be idle: its own mask learns that a moment
 * later. Asks one of them near `near` to look.
 */
static __noinline void wake_idling_cpu(struct task_struct *p, s32 near) __must_hold(rq)
{
	u64 bits = *cpu_word(idle_cpus, near);
	int i;

	bpf_for (i, 0, VICTIM_TRIES) {
		u32 bit = highest_bit(bits) & 63;
		s32 cpu = (s32)(((u32)near & ~63u) + bit);

		if (!bits)
			break;
		bits &= ~(1ull << bit);
		if (!bpf_cpumask_test_cpu((u32)cpu, p->cpus_ptr))
			continue;
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
		break;
	}
}

/* A CPU that went offline stays among the kernel's idle ones until somebody picks it; then it is gone. Where
 * many went, the rest is for the next ones. */
static __always_inline s32 pick_idle_cpu(const struct task_struct *p) __must_hold(rq)
{
	s32 idle = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	int i;

	if (nr_offline == 0)
		return idle;
	bpf_for (i, 0, OFFLINE_TRIES) {
		if (idle < 0 || !is_offline(idle))
			return idle;
		idle = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	}
	return idle >= 0 && is_offline(idle) ? -1 : idle;
}

/* Somebody asked this CPU for a task that may go elsewhere as well, and it can take only one. */
static __noinline void wake_another_cpu(s32 near)
{
	u64 bits = *cpu_word(idle_cpus, near) & ~(1ull << ((u32)near & 63));

	if (bits)
		scx_bpf_kick_cpu((s32)(((u32)near & ~63u) + highest_bit(bits)), SCX_KICK_IDLE);
}

/*
 * Wakes an idle CPU for a queued task; true when there was one. Whoever clears an idle bit of the kernel's
 * wakes that CPU. Our own bits are looked at first: none set is the usual case under load.
 */
static __always_inline bool wake_idle_cpu(struct task_struct *p, s32 cpu, bool pinned) __must_hold(rq)
{
	s32 idle = cpu;

	if (pinned) {
		if (!has_cpu_bit(idle_cpus, cpu))
			return false;
		if (!scx_bpf_test_and_clear_cpu_idle(cpu))
			wake_another_cpu(cpu);
	} else {
		if (!any_cpu_idle())
			return false;
		idle = pick_idle_cpu(p);
		if (idle < 0) {
			wake_idling_cpu(p, cpu);
			return false;
		}
	}
	scx_bpf_kick_cpu(idle, SCX_KICK_IDLE);
	return true;
}

/* Keeps the mask of best-effort CPUs; written only when what a CPU runs changes its class. */
static __always_inline void note_class(s32 cpu, struct cpu_ctx *cctx, u32 class)
{
	u32 in_mask = class == SLO_CLASS_BEST_EFFORT;

	cctx->class = class;
	if (nr_cpus == 1 || cctx->in_best_effort_mask == in_mask)
		return;
	cctx->in_best_effort_mask = in_mask;
	set_cpu_bit(best_effort_cpus, cpu, in_mask);
}

#endif
