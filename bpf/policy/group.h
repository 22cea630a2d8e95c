/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a best-effort task weighs among all others: its own weight (nice) within its group, the group's within
 * the one above, and so on. Groups are the kernel's task groups: cgroups with the cpu controller
 * (`CPUWeight=`), and sessions where nothing asked for it (autogroup).
 *
 * The kernel's scheduler has queues within queues for this. One queue by virtual time does as well when each
 * task is charged by what it weighs in the end, which follows from how much weight is runnable beside it on
 * each level. That is averaged over about a second; so the usual path reads one number of the task's own, and
 * what groups share is written some times a second.
 *
 * Pure functions, as policy.h. Weights are in fractions of the unit of cpu.weight: see SLO_WEIGHT_SHIFT.
 */
#ifndef SLO_GROUP_H
#define SLO_GROUP_H

#include "bpf/policy/policy.h"

#define SLO_WEIGHT_MAX (10000ull << SLO_WEIGHT_SHIFT)

/* A task tells its groups at most this often how long it was runnable. */
#define SLO_GROUP_PERIOD_NS (64ull * SLO_NSEC_PER_MSEC)
/* An average forgets what it knew in about this time. Who waits tells nothing: with less than a round of the
 * queue the only task of one group would make those of the other, while they wait, look as if they were gone.
 */
#define SLO_GROUP_MEMORY_NS (1000ull * SLO_NSEC_PER_MSEC)
/* More than this is not told at once, so that no sum overflows. */
#define SLO_GROUP_RUNNABLE_MAX_NS (10ull * SLO_NSEC_PER_SEC)

/* Of a task in deeper ones the outermost groups do not count; systemd's own nest half a dozen. */
#define SLO_GROUP_DEPTH_MAX 16

struct slo_group {
	slo_u64 since_ns;  /* the two sums are from here on */
	slo_u64 weight_us; /* of each child its weight times how long it was runnable: see slo_group_sum() */
	slo_u64 runnable_ns; /* of each child how long it was runnable */
	slo_u64 weight;      /* of the runnable children together, on average; 0: not known yet */
};

/* The part of the whole that a task has, as a fixed-point number. */
#define SLO_SHARE_ALL (1ull << 32)

/* The kernel's task_group::shares: 1024 for cpu.weight=100, 3 for cpu.idle, scaled by another 1024 on 64-bit
 * machines. */
static inline slo_u64 slo_group_weight(slo_u64 shares)
{
	slo_u64 weight = (shares >> 10) * 100 << SLO_WEIGHT_SHIFT >> 10;

	if (weight == 0)
		return 1;
	return weight < SLO_WEIGHT_MAX ? weight : SLO_WEIGHT_MAX;
}

/* Is it time to take the averages? */
static inline int slo_group_is_due(slo_u64 since_ns, slo_u64 now_ns)
{
	slo_u64 elapsed_ns = now_ns - since_ns;

	return elapsed_ns >= SLO_GROUP_PERIOD_NS && !(elapsed_ns >> 63);
}

/* How long a child was runnable, as far as that is told; elapsed_ns: since it was told last. */
static inline slo_u64 slo_group_runnable_ns(slo_u64 runnable_ns, slo_u64 elapsed_ns)
{
	if (runnable_ns > elapsed_ns)
		runnable_ns = elapsed_ns;
	return runnable_ns < SLO_GROUP_RUNNABLE_MAX_NS ? runnable_ns : SLO_GROUP_RUNNABLE_MAX_NS;
}

/* What a child of this weight that was runnable for so long adds to the sum: in 1024 ns, so that a crowd of
 * them does not overflow it. */
static inline slo_u64 slo_group_sum(slo_u64 weight, slo_u64 runnable_ns)
{
	return weight * (runnable_ns >> 10);
}

/* The average with the last elapsed_ns in it, over which the sum was taken; exponential, whatever elapsed_ns
 * is. */
static inline slo_u64 slo_group_average(slo_u64 weight, slo_u64 weight_us, slo_u64 elapsed_ns)
{
	slo_u64 elapsed_us = elapsed_ns >> 10;
	slo_u64 memory_us = SLO_GROUP_MEMORY_NS >> 10;
	slo_u64 latest = elapsed_us != 0 ? weight_us / elapsed_us : weight;

	if (weight == 0 || elapsed_us >= 100 * memory_us)
		return latest;
	return (weight * memory_us + latest * elapsed_us) / (memory_us + elapsed_us);
}

/* The share of a child of this weight in its group, which has `share` of the whole. */
static inline slo_u64 slo_group_share(slo_u64 share, slo_u64 weight, slo_u64 group_weight)
{
	return share * weight / (group_weight > weight ? group_weight : weight);
}

/*
 * What a task with this share of the whole weighs, where the whole, which it is a part of, weighs all_weight:
 * what gives it this share if there were no groups. So tasks weigh what they do by nice alone where no group
 * tells them apart, and slices and limits in virtual time mean the same as without groups.
 */
static inline slo_u32 slo_weight_of_share(slo_u64 share, slo_u64 all_weight)
{
	slo_u64 weight = share * (all_weight < 1ull << 31 ? all_weight : 1ull << 31) >> 32;

	if (weight == 0)
		return 1;
	return (slo_u32)(weight < SLO_WEIGHT_MAX ? weight : SLO_WEIGHT_MAX);
}

#endif
