/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling policy as pure functions: key, class, slices, virtual time, who may be preempted, and the
 * floor of best effort. No helpers, maps or kernel types, and `now` is an argument: the host's unit tests
 * compile the very same code. Unsigned 64-bit arithmetic only; every divisor is guarded, as BPF answers 0 for
 * x/0 where the host traps.
 */
#ifndef SLO_POLICY_H
#define SLO_POLICY_H

#include "slo_abi.h"

/* Classes of what runs on a CPU. NONE: idle, or a task of a higher scheduling class. */
#define SLO_CLASS_NONE 0u
#define SLO_CLASS_BEST_EFFORT 1u
#define SLO_CLASS_SLO 2u

/* An SLO task preempts another one only for a key this much earlier: two switches cost about as much. */
#define SLO_PREEMPT_MARGIN_NS (100ull * SLO_NSEC_PER_USEC)

#define SLO_SLICE_MAX_NS (20ull * SLO_NSEC_PER_MSEC)
#define SLO_BEST_EFFORT_SLICE_NS (20ull * SLO_NSEC_PER_MSEC)

/* Kernel threads and PID 1 have this budget, so that the system stays operable beside any load. */
#define SLO_IMPLICIT_BUDGET_NS (10ull * SLO_NSEC_PER_MSEC)

/* What the guarantee covers of one job where nothing is set: 20 budgets, but at least 100 ms. */
#define SLO_MAX_EXEC_BUDGETS 20ull
#define SLO_MAX_EXEC_MIN_NS (100ull * SLO_NSEC_PER_MSEC)

static inline slo_u64 slo_default_max_exec_ns(slo_u64 budget_ns)
{
	slo_u64 budgets_ns = budget_ns * SLO_MAX_EXEC_BUDGETS; /* budgets end at 10 s: no overflow */

	return budgets_ns > SLO_MAX_EXEC_MIN_NS ? budgets_ns : SLO_MAX_EXEC_MIN_NS;
}

/* Wrap-safe "a comes before b" for keys and virtual times within 2^63 of each other. */
static inline int slo_before(slo_u64 a, slo_u64 b)
{
	return (int)((a - b) >> 63);
}

/*
 * Key of a job whose wait is bounded: the latest start that keeps the budget. Its wait so far is now - wake -
 * exec, so it must start by now + (budget - wait) = wake + budget + exec. It does not change while the job
 * waits.
 */
static inline slo_u64 slo_key_ns(slo_u64 wake_ns, slo_u64 budget_ns, slo_u64 exec_ns)
{
	return wake_ns + budget_ns + exec_ns;
}

/* A job is served by key while it has a budget and has executed no more than the guarantee covers. */
static inline slo_u32 slo_class(slo_u64 budget_ns, slo_u64 exec_ns, slo_u64 max_exec_ns)
{
	return budget_ns != 0 && exec_ns < max_exec_ns ? SLO_CLASS_SLO : SLO_CLASS_BEST_EFFORT;
}

/* Slices end at ticks, so one below a tick would be a tick all the same. */
static inline slo_u64 slo_slice_ns(slo_u64 budget_ns, slo_u64 tick_ns)
{
	slo_u64 slice_ns = budget_ns / 4;

	if (slice_ns < tick_ns)
		slice_ns = tick_ns;
	return slice_ns < SLO_SLICE_MAX_NS ? slice_ns : SLO_SLICE_MAX_NS;
}

static inline slo_u64 slo_best_effort_slice_ns(slo_u64 tick_ns, slo_u64 nr_slo_waiting)
{
	return nr_slo_waiting != 0 && tick_ns < SLO_BEST_EFFORT_SLICE_NS ? tick_ns : SLO_BEST_EFFORT_SLICE_NS;
}

/* Virtual time that exec_ns costs a task of this weight (1..10000, 100 is normal; exec below 2^57 ns). */
static inline slo_u64 slo_vtime_charge_ns(slo_u64 exec_ns, slo_u32 weight)
{
	return weight != 0 ? exec_ns * 100 / weight : exec_ns;
}

/* A task that slept keeps no more than one slice of credit, so that it cannot starve those that did not. */
static inline slo_u64 slo_vtime_place_ns(slo_u64 vtime_ns, slo_u64 vtime_now_ns)
{
	slo_u64 earliest_ns = vtime_now_ns - SLO_BEST_EFFORT_SLICE_NS;

	return slo_before(vtime_ns, earliest_ns) ? earliest_ns : vtime_ns;
}

/*
 * Where a new task begins. A little behind: a stream of children that live shorter than a slice would
 * otherwise all come in at the present virtual time, hold it there, and starve whoever is ahead of it.
 */
#define SLO_VTIME_NEW_NS (1ull * SLO_NSEC_PER_MSEC)

static inline slo_u64 slo_vtime_new_ns(slo_u64 vtime_now_ns)
{
	return vtime_now_ns + SLO_VTIME_NEW_NS;
}

/* May a waking SLO task with this key take the CPU from what runs there? */
static inline int slo_preempts(slo_u64 key_ns, slo_u32 running_class, slo_u64 running_key_ns)
{
	if (running_class == SLO_CLASS_BEST_EFFORT)
		return 1;
	return running_class == SLO_CLASS_SLO && slo_before(key_ns + SLO_PREEMPT_MARGIN_NS, running_key_ns);
}

/*
 * The floor: while best-effort tasks wait, they get at least 1/20 of each CPU. Credit is spent by SLO
 * execution and earned by best-effort execution; when none is left, best effort gets a turn. What best effort
 * runs anyway counts: the credit it can save covers 100 ms of SLO execution, longer than most bursts.
 */
#define SLO_FLOOR_DIVISOR 20ull
#define SLO_FLOOR_CREDIT_MAX_NS (5ull * SLO_NSEC_PER_MSEC)
/* Turns are short, as SLO tasks wait meanwhile: 1 ms, or half of the smallest budget where that is less. */
#define SLO_FLOOR_TURN_NS (1ull * SLO_NSEC_PER_MSEC)

static inline slo_u64 slo_floor_spend(slo_u64 credit_ns, slo_u64 slo_exec_ns)
{
	slo_u64 cost_ns = slo_exec_ns / SLO_FLOOR_DIVISOR;

	return credit_ns > cost_ns ? credit_ns - cost_ns : 0;
}

static inline slo_u64 slo_floor_earn(slo_u64 credit_ns, slo_u64 best_effort_exec_ns)
{
	slo_u64 gain_ns = best_effort_exec_ns - best_effort_exec_ns / SLO_FLOOR_DIVISOR;

	if (gain_ns >= SLO_FLOOR_CREDIT_MAX_NS - credit_ns) /* credit never exceeds its maximum */
		return SLO_FLOOR_CREDIT_MAX_NS;
	return credit_ns + gain_ns;
}

static inline slo_u64 slo_floor_turn_ns(slo_u64 smallest_budget_ns)
{
	slo_u64 half_ns = smallest_budget_ns / 2;

	return half_ns != 0 && half_ns < SLO_FLOOR_TURN_NS ? half_ns : SLO_FLOOR_TURN_NS;
}

#endif
