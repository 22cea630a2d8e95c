/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel functions, and wrappers over those that changed between 6.12 and 7.3: the only place that asks what
 * exists. Every variant is weak; libbpf resolves those of the running kernel and the branches of the others
 * are never loaded. libbpf strips one trailing ___suffix, which is therefore free to say what belongs
 * together: of the functions with one suffix (a chain) the kernel must have one, the suffix "optional" aside.
 * One without a suffix is needed, and not weak. The daemon reads these names to tell before the load whether
 * a kernel will do.
 */
#ifndef SLO_KFUNC_COMPAT_H
#define SLO_KFUNC_COMPAT_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define SLO_KFUNC __ksym __weak

/* In every kernel from 6.12 to 7.3. */
s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags, bool *is_idle) __ksym;
s32 scx_bpf_pick_idle_cpu(const cpumask_t *cpus_allowed, u64 flags) __ksym;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;
const struct cpumask *scx_bpf_get_idle_cpumask(void) __ksym;
void scx_bpf_put_idle_cpumask(const struct cpumask *idle_mask) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym;
int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags) __ksym;
struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

/* Insert: 6.19 returns bool, 6.13 renamed "dispatch". */
bool scx_bpf_dsq_insert___v2___insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) SLO_KFUNC;
void scx_bpf_dsq_insert___insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) SLO_KFUNC;
void scx_bpf_dispatch___insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) SLO_KFUNC;

static __always_inline void slo_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___insert))
		scx_bpf_dsq_insert___v2___insert(p, dsq_id, slice, enq_flags);
	else if (bpf_ksym_exists(scx_bpf_dsq_insert___insert))
		scx_bpf_dsq_insert___insert(p, dsq_id, slice, enq_flags);
	else
		scx_bpf_dispatch___insert(p, dsq_id, slice, enq_flags);
}

/* Insert by virtual time: 6.19 takes a struct, 6.13 renamed "dispatch_vtime". */
bool __scx_bpf_dsq_insert_vtime___insert_vtime(struct task_struct *p,
					       struct scx_bpf_dsq_insert_vtime_args *args) SLO_KFUNC;
void scx_bpf_dsq_insert_vtime___insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
					     u64 enq_flags) SLO_KFUNC;
void scx_bpf_dispatch_vtime___insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
					   u64 enq_flags) SLO_KFUNC;

static __always_inline void slo_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
					     u64 enq_flags)
{
	if (bpf_ksym_exists(__scx_bpf_dsq_insert_vtime___insert_vtime)) {
		struct scx_bpf_dsq_insert_vtime_args args = {
			.dsq_id = dsq_id,
			.slice = slice,
			.vtime = vtime,
			.enq_flags = enq_flags,
		};
		__scx_bpf_dsq_insert_vtime___insert_vtime(p, &args);
	} else if (bpf_ksym_exists(scx_bpf_dsq_insert_vtime___insert_vtime)) {
		scx_bpf_dsq_insert_vtime___insert_vtime(p, dsq_id, slice, vtime, enq_flags);
	} else {
		scx_bpf_dispatch_vtime___insert_vtime(p, dsq_id, slice, vtime, enq_flags);
	}
}

/* Move the first task of a queue that may run here to this CPU: 7.1 takes flags, 6.13 renamed "consume". */
bool scx_bpf_dsq_move_to_local___v2___move_to_local(u64 dsq_id, u64 enq_flags) SLO_KFUNC;
bool scx_bpf_dsq_move_to_local___move_to_local(u64 dsq_id) SLO_KFUNC;
bool scx_bpf_consume___move_to_local(u64 dsq_id) SLO_KFUNC;

static __always_inline bool slo_move_to_local(u64 dsq_id, u64 enq_flags) __must_hold(rq)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___v2___move_to_local))
		return scx_bpf_dsq_move_to_local___v2___move_to_local(dsq_id, enq_flags);
	if (bpf_ksym_exists(scx_bpf_dsq_move_to_local___move_to_local))
		return scx_bpf_dsq_move_to_local___move_to_local(dsq_id);
	return scx_bpf_consume___move_to_local(dsq_id);
}

/*
 * Move a task that an iterator has come to into a queue by virtual time, or to another place in the same one:
 * 6.13 renamed "dispatch". False when it has left the iterator's queue meanwhile.
 */
bool scx_bpf_dsq_move_vtime___move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id,
				   u64 enq_flags) SLO_KFUNC;
bool scx_bpf_dispatch_vtime_from_dsq___move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p,
					    u64 dsq_id, u64 enq_flags) SLO_KFUNC;
void scx_bpf_dsq_move_set_vtime___move_set_vtime(struct bpf_iter_scx_dsq *it__iter, u64 vtime) SLO_KFUNC;
void scx_bpf_dispatch_from_dsq_set_vtime___move_set_vtime(struct bpf_iter_scx_dsq *it__iter,
							  u64 vtime) SLO_KFUNC;

static __always_inline bool slo_move(struct bpf_iter_scx_dsq *it, struct task_struct *p, u64 dsq_id,
				     u64 vtime)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move_set_vtime___move_set_vtime))
		scx_bpf_dsq_move_set_vtime___move_set_vtime(it, vtime);
	else
		scx_bpf_dispatch_from_dsq_set_vtime___move_set_vtime(it, vtime);
	if (bpf_ksym_exists(scx_bpf_dsq_move_vtime___move))
		return scx_bpf_dsq_move_vtime___move(it, p, dsq_id, 0);
	return scx_bpf_dispatch_vtime_from_dsq___move(it, p, dsq_id, 0);
}

/* The same into one of the kernel's own queues, which have no order but that of insertion. */
bool scx_bpf_dsq_move___move_behind(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id,
				    u64 enq_flags) SLO_KFUNC;
bool scx_bpf_dispatch_from_dsq___move_behind(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p,
					     u64 dsq_id, u64 enq_flags) SLO_KFUNC;

static __always_inline bool slo_move_behind(struct bpf_iter_scx_dsq *it, struct task_struct *p, u64 dsq_id)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move___move_behind))
		return scx_bpf_dsq_move___move_behind(it, p, dsq_id, 0);
	return scx_bpf_dispatch_from_dsq___move_behind(it, p, dsq_id, 0);
}

/*
 * The first task of a queue, without the queue's lock and an iterator: from 6.19, where it may miss the first
 * of a queue by order of insertion. NULL also where the kernel cannot say.
 */
struct task_struct *scx_bpf_dsq_peek___optional(u64 dsq_id) SLO_KFUNC;

static __always_inline struct task_struct *slo_peek(u64 dsq_id) __must_hold(rcu)
{
	return bpf_ksym_exists(scx_bpf_dsq_peek___optional) ? scx_bpf_dsq_peek___optional(dsq_id) : NULL;
}

/* Slice of a task that runs here: 6.19 has a function, before that the field is stored to. */
bool scx_bpf_task_set_slice___optional(struct task_struct *p, u64 slice) SLO_KFUNC;

static __always_inline void slo_set_slice(struct task_struct *p, u64 slice) __must_hold(rq)
{
	if (bpf_ksym_exists(scx_bpf_task_set_slice___optional))
		scx_bpf_task_set_slice___optional(p, slice);
	else
		p->scx.slice = slice;
}

/* The run queue's clock, cheaper than reading the hardware's: from 6.14. For callbacks about this CPU's run
 * queue, which is locked and whose clock was read; where none is locked see now_unlocked(). */
u64 scx_bpf_now___optional(void) SLO_KFUNC;

static __always_inline u64 slo_now(void)
{
	if (bpf_ksym_exists(scx_bpf_now___optional))
		return scx_bpf_now___optional();
	return bpf_ktime_get_ns();
}

extern const struct rq runqueues SLO_KFUNC;

/*
 * The same clock for callbacks that hold the lock of this CPU's run queue, which has read it on the way here.
 * scx_bpf_now() may not know that, and would read the hardware's: between the stop of one task and the start
 * of the next the kernel lets go of the lock.
 */
static __always_inline u64 slo_rq_now(s32 cpu) __must_hold(rq)
{
	const struct rq *rq = NULL;

	if (bpf_ksym_exists(scx_bpf_now___optional) && bpf_ksym_exists(&runqueues))
		rq = bpf_per_cpu_ptr(&runqueues, (u32)cpu);
	return rq ? rq->clock : slo_now();
}

/*
 * Part of a line of the kernel's debug dump, for dump callbacks alone. In every kernel, and optional all the
 * same: where the kernel describes it wrongly the dump lacks our lines, and nothing else.
 */
void scx_bpf_dump_bstr___optional(char *fmt, unsigned long long *data, u32 data__sz) SLO_KFUNC;

/* As printf, with at most 12 arguments, pointers cast to u64. The format is not const, as the kernel's
 * parameter is not. */
#define slo_dump_part(fmt, args...)                                                                          \
	({                                                                                                   \
		static char slo_format[] = fmt;                                                              \
		unsigned long long slo_args[___bpf_narg(args) ?: 1] = {};                                    \
                                                                                                             \
		___bpf_fill(slo_args, args);                                                                 \
		if (bpf_ksym_exists(scx_bpf_dump_bstr___optional))                                           \
			scx_bpf_dump_bstr___optional(slo_format, slo_args, sizeof(slo_args));                \
	})

/* The CPU where a task is or was last, without a call where the kernel keeps it in the task. */
static __always_inline s32 slo_task_cpu(const struct task_struct *p)
{
	if (bpf_core_field_exists(p->thread_info.cpu))
		return (s32)p->thread_info.cpu;
	return scx_bpf_task_cpu(p);
}

#endif
