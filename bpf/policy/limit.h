/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits (CPUQuota=): tokens and periods, how long a run may be, and how many come in at once, and where,
 * that had to wait. What they have in common with reserves is in server.h. Pure functions, as policy.h.
 */
#ifndef SLO_LIMIT_H
#define SLO_LIMIT_H

#include "bpf/policy/policy.h"
#include "bpf/policy/server.h"

/* More is no limit on any machine, and no product below overflows. */
#define SLO_LIMIT_QUOTA_MAX_NS (1ull << 46)
#define SLO_LIMIT_PERIODS_MAX (1ull << 16)

/* Whole periods since the one began that is filled. period_ns > 0 */
static inline slo_u64 slo_limit_periods(slo_u64 filled_ns, slo_u64 period_ns, slo_u64 now_ns)
{
	slo_s64 elapsed_ns = (slo_s64)(now_ns - filled_ns);

	return elapsed_ns > 0 && period_ns != 0 ? (slo_u64)elapsed_ns / period_ns : 0;
}

/*
 * Tokens of a limit when so many more periods have begun: each brings its quota at once, and what is left
 * over is saved up to the burst. No debt is forgiven. quota_ns and burst_ns at most SLO_LIMIT_QUOTA_MAX_NS.
 */
static inline slo_s64 slo_limit_fill_ns(slo_s64 tokens_ns, slo_u64 quota_ns, slo_u64 burst_ns,
					slo_u64 periods)
{
	slo_s64 most = (slo_s64)(quota_ns + burst_ns);
	slo_s64 gain;

	if (periods > SLO_LIMIT_PERIODS_MAX)
		periods = SLO_LIMIT_PERIODS_MAX;
	gain = (slo_s64)(quota_ns * periods);
	return tokens_ns < most - gain ? tokens_ns + gain : most;
}

/* In how many periods there is something in it again. */
static inline slo_u64 slo_limit_periods_to_go(slo_s64 tokens_ns, slo_u64 quota_ns)
{
	return tokens_ns > 0 || quota_ns == 0 ? 1 : (slo_u64)-tokens_ns / quota_ns + 1;
}

/*
 * For how long a CPU may let run what has a limit, until it has to look again how much of it is left: no CPU
 * knows which others use it up as well. A run that begins with nothing left is a debt, and as short as runs
 * can be.
 */
static inline slo_u64 slo_limit_run_ns(slo_s64 left_ns, slo_u32 nr_cpus, slo_u64 min_run_ns)
{
	slo_u64 run_ns = left_ns > 0 && nr_cpus != 0 ? (slo_u64)left_ns / nr_cpus : 0;

	return run_ns > min_run_ns ? run_ns : min_run_ns;
}

/*
 * Whether a CPU need not look again before its next tick, however many runs begin there until then. run_ns:
 * its part of what is left, as above. One tick is for what it executes until it looks, the other for what it
 * has executed and not charged yet: looking and charging at every run would make the short ones dear.
 */
static inline int slo_limit_is_ample(slo_u64 run_ns, slo_u64 tick_ns)
{
	return run_ns >= 2 * tick_ns;
}

/*
 * Whether as many as can run on what is left have been let go already, and not run yet: a crowd that comes
 * all at once keeps others waiting, most of it only to go back. Runs are taken to be as short as they can be,
 * so that too many come rather than that something is left over. Where nothing is left, nobody is enough.
 */
static inline int slo_limit_is_crowded(slo_u32 nr_let_go, slo_s64 left_ns, slo_u64 min_run_ns)
{
	return left_ns <= 0 || nr_let_go * min_run_ns >= (slo_u64)left_ns;
}

/* Who has waited so long for a limit runs all the same, for once. The kernel ends a scheduler that keeps a
 * task waiting for 30 s, and it still has to wait for a CPU. */
#define SLO_LIMIT_WAIT_MAX_NS (10ull * SLO_NSEC_PER_SEC)
/* Who is inside the kernel when its limit is used up may hold what others wait for, and executes so much more
 * to come out of there. That is a debt as well; what takes longer has to wait where it is. */
#define SLO_LIMIT_KERNEL_NS (50ull * SLO_NSEC_PER_MSEC)
/* Those that wait for a limit are looked at this often: who is to end or to be frozen must not wait. */
#define SLO_PARKED_LOOK_NS (5ull * SLO_NSEC_PER_MSEC)

/*
 * Where best effort comes in that waited for its limit. Who has less than its share because of that would be
 * owed the most each time, and a crowd of them would come before whoever wakes: so it comes in a
 * little behind. Unless it is let through: to end, or to be frozen, which takes a moment and keeps others
 * waiting, or as it has waited for so long already.
 */
#define SLO_VTIME_RELEASED_NS (200ull * SLO_NSEC_PER_USEC)

static inline slo_u64 slo_vtime_released_ns(slo_u64 vtime_ns, slo_u64 vtime_now_ns, slo_u32 weight,
					    int is_let_through)
{
	slo_u64 behind_ns = slo_vtime_charge_ns(SLO_VTIME_RELEASED_NS, weight);
	slo_u64 earliest_ns =
		vtime_now_ns + (behind_ns < SLO_VTIME_RELEASED_NS ? behind_ns : SLO_VTIME_RELEASED_NS);

	if (is_let_through)
		return vtime_now_ns - slo_vtime_credit_max_ns(weight);
	return slo_before(vtime_ns, earliest_ns) ? earliest_ns : vtime_ns;
}

#endif
