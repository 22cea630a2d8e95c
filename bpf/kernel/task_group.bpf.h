/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a task has to keep to limits (CPUQuota=), as the kernel knows it.
 */
#ifndef SLO_TASK_GROUP_BPF_H
#define SLO_TASK_GROUP_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_core_read.h>

static __always_inline bool knows_limits(void)
{
	return bpf_core_field_exists(((struct task_struct *)0)->sched_task_group) &&
	       bpf_core_field_exists(((struct task_group *)0)->cfs_bandwidth.hierarchical_quota);
}

#define NO_LIMIT (-1)

/* Of the tightest limit of its group and those above, the quota by the period; NO_LIMIT: none has one. */
static __always_inline s64 limit_ratio(const struct task_struct *p)
{
	return knows_limits() ? p->sched_task_group->cfs_bandwidth.hierarchical_quota : NO_LIMIT;
}

static __always_inline bool has_limit(const struct task_struct *p)
{
	return limit_ratio(p) != NO_LIMIT;
}

#endif
