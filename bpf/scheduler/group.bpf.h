/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The groups that best-effort tasks are in, and what a task weighs because of them: see group.h.
 */
#ifndef SLO_GROUP_BPF_H
#define SLO_GROUP_BPF_H

#include "bpf/policy/group.h"
#include "bpf/scheduler/storage.bpf.h"

/*
 * By the address of the kernel's task_group: an autogroup has no cgroup. Those that were used least are
 * forgotten first, so there is nothing to clean up behind a group that ended, and one that gets its address
 * finds averages so old that they count for nothing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct slo_group);
} groups SEC(".maps");

/* All best-effort tasks, as if there were no groups. */
static struct slo_group all_tasks;

static __always_inline u64 weight_of(const struct task_struct *p)
{
	u64 weight = p->scx.weight;

	return (weight != 0 ? weight : 100) << SLO_WEIGHT_SHIFT;
}

/* Sums up to now become part of the average, by whoever comes first; 0: it is not time, or others did.
 * Otherwise how long there was somebody runnable, at most the time since the last average. */
static __always_inline u64 take_average(struct slo_group *group, u64 now)
{
	u64 since_ns = group->since_ns;
	u64 weight_us, runnable_ns;

	if (!slo_group_is_due(since_ns, now) ||
	    __sync_val_compare_and_swap(&group->since_ns, since_ns, now) != since_ns)
		return 0;
	weight_us = __sync_lock_test_and_set(&group->weight_us, 0);
	runnable_ns = __sync_lock_test_and_set(&group->runnable_ns, 0);
	group->weight = slo_group_average(group->weight, weight_us, now - since_ns);
	return slo_group_runnable_ns(runnable_ns, now - since_ns);
}

/* A child of this weight was runnable for so long. */
static __always_inline void tell(struct slo_group *group, u64 weight, u64 runnable_ns)
{
	__sync_fetch_and_add(&group->weight_us, slo_group_sum(weight, runnable_ns));
	__sync_fetch_and_add(&group->runnable_ns, runnable_ns);
}

/* runnable_ns: how long a child was, so that a new group begins when the child did. */
static __always_inline struct slo_group *group_of(u64 task_group, u64 runnable_ns, u64 now)
{
	struct slo_group *group = bpf_map_lookup_elem(&groups, &task_group);
	struct slo_group fresh = {.since_ns = now - runnable_ns};

	if (group)
		return group;
	bpf_map_update_elem(&groups, &task_group, &fresh, 0);
	return bpf_map_lookup_elem(&groups, &task_group);
}

static __always_inline u64 parent_of(u64 task_group)
{
	return (u64)BPF_CORE_READ((struct task_group *)task_group, parent);
}

static __always_inline u64 group_weight_of(u64 task_group)
{
	return slo_group_weight(BPF_CORE_READ((struct task_group *)task_group, shares));
}

static __always_inline u32 is_group_idle(u64 task_group)
{
	return BPF_CORE_READ((struct task_group *)task_group, idle) > 0;
}

/*
 * Tells the groups of a task, from this one of its own outwards, how long it was runnable since it was here
 * last; a group whose average is taken tells the one above in its turn. Its share among those of all groups,
 * and whether one of these is idle. Global, as others that take numbers: the verifier looks at each of them
 * once, however often it is called.
 */
__noinline u64 share_of_groups(u64 task_group, u64 weight, u64 runnable_ns, u64 now,
			       u32 *is_idle __arg_nonnull)
{
	u64 share = SLO_SHARE_ALL;
	int i;

	bpf_for (i, 0, SLO_GROUP_DEPTH_MAX) {
		struct slo_group *group = group_of(task_group, runnable_ns, now);

		if (!group)
			break;
		tell(group, weight, runnable_ns);
		runnable_ns = take_average(group, now);
		share = slo_group_share(share, weight, group->weight);
		weight = group_weight_of(task_group);
		*is_idle |= is_group_idle(task_group);
		task_group = parent_of(task_group);
		if (!task_group)
			break;
	}
	return share;
}

/* What the task weighs now, that was runnable for so long since it was here last. */
static __noinline u32 weigh(struct task_struct *p, struct task_ctx *tctx, u64 runnable_ns, u64 now)
	__must_hold(rq)
{
	u32 is_idle = 0;
	u64 weight = weight_of(p);
	u64 share;

	if (!bpf_core_field_exists(p->sched_task_group) ||
	    !bpf_core_field_exists(((struct task_group *)0)->shares))
		return (u32)weight;
	tell(&all_tasks, weight, runnable_ns);
	take_average(&all_tasks, now);
	share = share_of_groups((u64)BPF_CORE_READ(p, sched_task_group), weight, runnable_ns, now, &is_idle);
	tctx->is_idle = is_idle;
	return slo_weight_of_share(share, all_tasks.weight > weight ? all_tasks.weight : weight);
}

/* How long the present job was runnable; while the task does not run. */
static __always_inline u64 job_runnable_ns(const struct task_ctx *tctx)
{
	return tctx->acct.job.wait_ns + tctx->acct.job.exec_ns;
}

/* The task is new as best effort: what its job was up to here is nothing to tell, and what it weighed at some
 * time before holds no more. */
static __always_inline void begin_weight(struct task_ctx *tctx, struct task_struct *p, u64 now)
	__must_hold(rq)
{
	tctx->runnable_ns = 0;
	tctx->job_told_ns = job_runnable_ns(tctx);
	tctx->told_ns = now;
	tctx->weight = weigh(p, tctx, 0, now);
}

/* It ran as best effort and has left its CPU; dies: for good. */
static __always_inline void keep_weight(struct task_ctx *tctx, struct task_struct *p, bool dies, u64 now)
	__must_hold(rq)
{
	u64 job_ns = job_runnable_ns(tctx);

	tctx->runnable_ns += slo_elapsed_ns(tctx->job_told_ns, job_ns);
	tctx->job_told_ns = job_ns;
	if (!dies && !slo_group_is_due(tctx->told_ns, now))
		return;
	tctx->weight = weigh(
		p, tctx, slo_group_runnable_ns(tctx->runnable_ns, slo_elapsed_ns(tctx->told_ns, now)), now);
	tctx->runnable_ns = 0;
	tctx->told_ns = now;
}

#endif
