/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling policy as pure functions: key, class, slices, virtual time, who may be preempted, and the
 * floor of best effort. No helpers, maps or kernel types, and `now` is an argument: the host's unit tests
 * compile the very same code. Unsigned 64-bit arithmetic only; every divisor is guarded, as BPF answers 0 for
 * x/0 where the host traps.
 */
#ifndef SLO_POLICY_H
#define SLO_POLICY_H

#include "bpf/abi/slo_abi.h"

/* Classes of what runs on a CPU. NONE: idle, or a task of a higher scheduling class. */
#define SLO_CLASS_NONE 0u
#define SLO_CLASS_BEST_EFFORT 1u
#define SLO_CLASS_SLO 2u

/* An SLO task preempts another one only for a key this much earlier: two switches cost about as much. */
#define SLO_PREEMPT_MARGIN_NS (100ull * SLO_NSEC_PER_USEC)

/* PID 1 and kernel threads have this budget, so that the system stays operable beside any load. Kernel
 * threads with a nice value above 0 (khugepaged, ksmd, workqueues that were given one) have none: their work
 * can wait, and may be so much that units with budgets would miss theirs. */
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
 * Keys lie a little before the latest start: what takes over only does so when the running task is later by
 * the margin, and then it takes a switch.
 */
static inline slo_u64 slo_start_within_ns(slo_u64 budget_ns)
{
	slo_u64 early_ns = budget_ns / 8;

	return budget_ns - (early_ns < 2 * SLO_PREEMPT_MARGIN_NS ? early_ns : 2 * SLO_PREEMPT_MARGIN_NS);
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

/*
 * Key of a job whose response is bounded: the latest start from which its remaining execution, as far as its
 * unit's jobs let expect it, still ends within the budget. What it waited and executed so far cancels out.
 * A job that is expected to take longer than the whole budget has to start at once.
 */
static inline slo_u64 slo_response_key_ns(slo_u64 wake_ns, slo_u64 budget_ns, slo_u64 exec_ns,
					  slo_u64 expected_exec_ns)
{
	slo_u64 remaining_ns = expected_exec_ns > exec_ns ? expected_exec_ns - exec_ns : 0;

	return wake_ns + (remaining_ns < budget_ns ? budget_ns - remaining_ns : 0);
}

/*
 * A job is tardy when its latest start lies more than one more budget back: it has missed whatever happens
 * next, and the others have not. When its turn comes at last its key is renewed, as if it had just woken: it
 * then competes with the others as an equal, where its old key would put it before all of them for as long as
 * it has something to catch up with. Without this every job is a little late under overload, where most could
 * have been in time; with less than one more budget, jobs that run late together catch up one by one in the
 * order in which they came, and each for itself later than need be.
 *
 * Abeni and Buttazzo's server (see server.h) postpones deadlines likewise, but for what it has executed.
 */
static inline int slo_is_tardy(slo_u64 key_ns, slo_u64 budget_ns, slo_u64 now_ns)
{
	return slo_before(key_ns + budget_ns, now_ns);
}

/* What takes the place of wake_ns in the key of a job that has executed exec_ns so far, and whose key is to
 * be that of one that wakes now. */
static inline slo_u64 slo_renewed_from_ns(slo_u64 exec_ns, slo_u64 now_ns, slo_u32 cfg_flags)
{
	return cfg_flags & SLO_CFG_RESPONSE ? now_ns : now_ns - exec_ns;
}

/*
 * A unit that is shed under overload has keys this much later: it gets what the others leave, before best
 * effort and by its own keys among those that are shed, so that its figures tell when there is room for it
 * again. Keys being instants, none of its jobs waits longer than this behind newer ones; the kernel ends a
 * scheduler that keeps a task waiting for 30 s.
 */
#define SLO_SHED_NS (10ull * SLO_NSEC_PER_SEC)

/* The expectation after one more job: a moving average over about eight jobs, exponentially weighted. */
static inline slo_u64 slo_expect_exec_ns(slo_u64 expected_ns, slo_u64 exec_ns)
{
	return expected_ns != 0 ? expected_ns - expected_ns / 8 + exec_ns / 8 : exec_ns;
}

/*
 * What a job that was kept waiting may execute by key: longer by its wait, up to twice as long. Under
 * overload tasks with budgets fall behind, and go on without a sleep until they have caught up: for us that
 * is one long job. Without this the most important unit may be best effort before it is known whom to shed,
 * and stays so.
 */
static inline slo_u64 slo_covered_exec_ns(slo_u64 max_exec_ns, slo_u64 wait_ns)
{
	/* SloMaxExec= ends at 1 h: no overflow */
	return max_exec_ns + (wait_ns < max_exec_ns ? wait_ns : max_exec_ns);
}

/* A job is served by key while it has a budget and has executed no more than the guarantee covers. */
static inline slo_u32 slo_class(slo_u64 budget_ns, slo_u64 exec_ns, slo_u64 covered_exec_ns)
{
	return budget_ns != 0 && exec_ns < covered_exec_ns ? SLO_CLASS_SLO : SLO_CLASS_BEST_EFFORT;
}

/* Slices end at ticks, so one below a tick would be a tick all the same. */
static inline slo_u64 slo_slice_ns(slo_u64 budget_ns, slo_u64 tick_ns, slo_u64 slice_max_ns)
{
	slo_u64 slice_ns = budget_ns / 4;

	if (slice_ns < tick_ns)
		slice_ns = tick_ns;
	return slice_ns < slice_max_ns ? slice_ns : slice_max_ns;
}

/*
 * Best effort is served by virtual time: what a task has executed, divided by its weight (start-time fair
 * queueing: Goyal, Vin and Cheng, SIGCOMM 1996). Whoever has the earliest runs next, what runs already
 * included; the clock of a queue (vtime_now_ns) is the virtual time at which the last one began to run.
 *
 * One round of the queue takes no longer than this many slices, and one more: the more wait, the shorter they
 * are.
 */
#define SLO_BEST_EFFORT_ROUND_SLICES 5ull

/* What a task weighs among all others, in fractions of the unit of cpu.weight, as of a crowd in one group
 * each has little. */
#define SLO_WEIGHT_SHIFT 10
#define SLO_WEIGHT_NORMAL (100u << SLO_WEIGHT_SHIFT)

/*
 * A tick while SLO tasks wait. A task of little weight has a short turn rather than a long wait after a long
 * one. nr_waiting: for each CPU, in best effort.
 */
static inline slo_u64 slo_best_effort_slice_ns(slo_u64 slice_ns, slo_u64 tick_ns, slo_u64 nr_slo_waiting,
					       slo_u64 nr_waiting, slo_u32 weight)
{
	if (nr_waiting > SLO_BEST_EFFORT_ROUND_SLICES)
		slice_ns = slice_ns * SLO_BEST_EFFORT_ROUND_SLICES / nr_waiting;
	if (weight < SLO_WEIGHT_NORMAL)
		slice_ns = slice_ns * weight / SLO_WEIGHT_NORMAL;
	return nr_slo_waiting != 0 || slice_ns < tick_ns ? tick_ns : slice_ns;
}

/* Virtual time that exec_ns costs a task of this weight (exec below 2^47 ns). */
static inline slo_u64 slo_vtime_charge_ns(slo_u64 exec_ns, slo_u32 weight)
{
	return weight != 0 ? exec_ns * SLO_WEIGHT_NORMAL / weight : exec_ns;
}

/* So much a task may be behind the clock, and less with more weight; as the kernel, which bounds its lag by a
 * tick of its own. */
#define SLO_VTIME_CREDIT_NS (4ull * SLO_NSEC_PER_MSEC)

static inline slo_u64 slo_vtime_credit_max_ns(slo_u32 weight)
{
	return weight <= SLO_WEIGHT_NORMAL ? SLO_VTIME_CREDIT_NS
					   : slo_vtime_charge_ns(SLO_VTIME_CREDIT_NS, weight);
}

/* What a task is owed that goes to sleep. It is owed as much when it wakes: nobody earns by sleeping. */
static inline slo_u64 slo_vtime_credit_ns(slo_u64 vtime_ns, slo_u64 vtime_now_ns, slo_u32 weight)
{
	slo_u64 max_ns = slo_vtime_credit_max_ns(weight);

	if (!slo_before(vtime_ns, vtime_now_ns))
		return 0;
	return vtime_now_ns - vtime_ns < max_ns ? vtime_now_ns - vtime_ns : max_ns;
}

/*
 * Where it comes into a queue. No task is further ahead than by one turn of its own: it began no later than
 * the clock stands. A turn is as long as nobody makes it shorter: who had to leave its CPU to a task with a
 * budget pays for all it ran.
 */
static inline slo_u64 slo_vtime_place_ns(slo_u64 vtime_ns, slo_u64 vtime_now_ns, slo_u64 credit_ns,
					 slo_u64 slice_ns, slo_u64 tick_ns, slo_u32 weight)
{
	slo_u64 latest_ns;

	if (slo_before(vtime_ns, vtime_now_ns))
		return slo_before(vtime_ns, vtime_now_ns - credit_ns) ? vtime_now_ns - credit_ns : vtime_ns;
	/* Most are of usual weight, and not that far ahead. */
	if (vtime_ns - vtime_now_ns <= tick_ns && weight <= SLO_WEIGHT_NORMAL)
		return vtime_ns;
	slice_ns = slo_best_effort_slice_ns(slice_ns, tick_ns, 0, 0, weight);
	latest_ns = vtime_now_ns + slo_vtime_charge_ns(slice_ns + tick_ns, weight);
	return slo_before(latest_ns, vtime_ns) ? latest_ns : vtime_ns;
}

/* So far before the clock is who goes first: nobody's credit reaches there. */
#define SLO_VTIME_FIRST_NS (10ull * SLO_NSEC_PER_SEC)

/*
 * Nobody waits for ever, however little its weight and however many tasks come and go before it: who has
 * waited for this long goes to the front. The kernel calls 21 s without a run a stall where the task holds a
 * read lock of RCU, and 30 s a reason to end the scheduler. In a queue so long that everybody waits that long
 * the front is where all are, in the order in which they came there.
 */
#define SLO_BEST_EFFORT_WAIT_MAX_NS (8ull * SLO_NSEC_PER_SEC)

/* Best effort runs for this long before other best effort takes its CPU: the kernel's base slice on one CPU
 * (6.13 and later). A switch costs a hundredth of it or less. */
#define SLO_BEST_EFFORT_RUN_NS (700ull * SLO_NSEC_PER_USEC)

/* Who loses its CPU to an SLO task before it has run for this long has not had its turn: it goes on before
 * others do, as if nobody had come. Else the next hog would have what is left of each gap. */
#define SLO_BEST_EFFORT_TURN_NS (SLO_BEST_EFFORT_RUN_NS / 2)

/*
 * In how long a CPU has to look again because of a waiting task of best effort: when what runs there, whose
 * virtual time was running_ns at ran_from_ns, will be ahead of the waiting one and has had its run. is_idle:
 * it has CPUWeight=idle or SCHED_IDLE, the waiting one has not. 0: at once.
 */
static inline slo_u64 slo_gives_way_in_ns(slo_u64 waiting_ns, slo_u64 running_ns, slo_u32 running_weight,
					  int is_idle, slo_u64 ran_from_ns, slo_u64 now_ns)
{
	slo_u64 run_ns = SLO_BEST_EFFORT_RUN_NS;
	slo_u64 at_ns;

	if (is_idle)
		return 0;
	if (slo_before(running_ns, waiting_ns)) {
		slo_u64 ahead_ns = waiting_ns - running_ns;

		/* Longer than any run; and no product of it overflows. */
		if (ahead_ns > SLO_NSEC_PER_SEC)
			return SLO_NSEC_PER_SEC;
		ahead_ns = ahead_ns * running_weight / SLO_WEIGHT_NORMAL;
		run_ns = ahead_ns > run_ns ? ahead_ns : run_ns;
	}
	at_ns = ran_from_ns + run_ns;
	return slo_before(now_ns, at_ns) ? at_ns - now_ns : 0;
}

/*
 * Where a task with a budget stands when it turns best effort: it had its chances by key, so it has no
 * credit, and what its job ran by key (key_exec_ns, not yet counted) counts like any other time. Otherwise
 * all threads of a unit whose reserve is used up would come with a slice of credit each, before those that
 * have nothing but best effort.
 */
static inline slo_u64 slo_vtime_after_key_ns(slo_u64 vtime_ns, slo_u64 vtime_now_ns, slo_u64 key_exec_ns,
					     slo_u32 weight)
{
	return (slo_before(vtime_ns, vtime_now_ns) ? vtime_now_ns : vtime_ns) +
	       slo_vtime_charge_ns(key_exec_ns, weight);
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
 * In how long a CPU has to look again because of a waiting SLO task with this key: when the running one,
 * whose key moves on with its execution (running_key_ns at ran_from_ns), will be later by the margin. A
 * little late is early enough, half-way to the waiting one's key: most tasks have gone to sleep by then, and
 * an alarm costs a few switches. 0: at once.
 */
static inline slo_u64 slo_overtaken_in_ns(slo_u64 key_ns, slo_u64 running_key_ns, slo_u64 ran_from_ns,
					  slo_u64 now_ns)
{
	slo_u64 at_ns = ran_from_ns + (key_ns + SLO_PREEMPT_MARGIN_NS - running_key_ns);
	slo_u64 overtaken_in_ns = slo_before(now_ns, at_ns) ? at_ns - now_ns : 0;
	slo_u64 half_way_ns = slo_before(now_ns, key_ns) ? (key_ns - now_ns) / 2 : 0;

	return overtaken_in_ns > half_way_ns ? overtaken_in_ns : half_way_ns;
}

/*
 * When a CPU may be asked to reschedule: what runs there has had its minimum run, and the last request is one
 * interval old. In the past or at `now`: at once.
 */
static inline slo_u64 slo_kick_at_ns(slo_u64 ran_from_ns, slo_u64 min_run_ns, slo_u64 last_kick_ns,
				     slo_u64 kick_interval_ns)
{
	slo_u64 after_run_ns = ran_from_ns + min_run_ns;
	slo_u64 after_kick_ns = last_kick_ns + kick_interval_ns;

	return slo_before(after_run_ns, after_kick_ns) ? after_kick_ns : after_run_ns;
}

/*
 * The floor: while best-effort tasks wait, they get at least floor_permille of each CPU, and a turn at least
 * once per gap. Credit is spent by SLO execution and earned by best-effort execution, so what best effort
 * runs anyway counts. The most credit there can be covers one gap of SLO execution, less a tick: that is how
 * late the end of the credit may be noticed. Where a gap is not even two ticks long, it covers half of it.
 *
 * A turn is wanted when little credit is left: then it is taken as soon as the SLO tasks have slack for it.
 * It is due when there is none left: then it is taken in any case.
 */
#define SLO_FLOOR_WANTED_DIVISOR 4ull
/* Turns are short, as SLO tasks wait meanwhile: 1 ms, or half of the smallest budget where that is less. */
#define SLO_FLOOR_TURN_NS (1ull * SLO_NSEC_PER_MSEC)

static inline slo_u64 slo_floor_credit_max_ns(slo_u64 gap_ns, slo_u64 tick_ns, slo_u32 floor_permille)
{
	slo_u64 late_ns = tick_ns < gap_ns / 2 ? tick_ns : gap_ns / 2;

	return (gap_ns - late_ns) * floor_permille / 1000;
}

static inline slo_u64 slo_floor_spend(slo_u64 credit_ns, slo_u64 slo_exec_ns, slo_u32 floor_permille)
{
	slo_u64 cost_ns = slo_exec_ns * floor_permille / 1000;

	return credit_ns > cost_ns ? credit_ns - cost_ns : 0;
}

/* credit_ns <= credit_max_ns, floor_permille <= 1000 */
static inline slo_u64 slo_floor_earn(slo_u64 credit_ns, slo_u64 best_effort_exec_ns, slo_u32 floor_permille,
				     slo_u64 credit_max_ns)
{
	slo_u64 gain_ns = best_effort_exec_ns - best_effort_exec_ns * floor_permille / 1000;

	return gain_ns >= credit_max_ns - credit_ns ? credit_max_ns : credit_ns + gain_ns;
}

static inline slo_u64 slo_floor_turn_ns(slo_u64 smallest_budget_ns)
{
	slo_u64 half_ns = smallest_budget_ns / 2;

	return half_ns != 0 && half_ns < SLO_FLOOR_TURN_NS ? half_ns : SLO_FLOOR_TURN_NS;
}

static inline int slo_floor_is_wanted(slo_u64 credit_ns, slo_u64 credit_max_ns)
{
	return credit_ns <= credit_max_ns / SLO_FLOOR_WANTED_DIVISOR;
}

/*
 * Who wakes without a budget is not to wait for the floor where SLO tasks have time: best effort has a turn
 * also when all of them can wait this much longer, and that twice as often as the floor. Beside units that
 * take all they can get, in jobs that none of them is late with, a command of an operator has its answer that
 * much sooner; with less slack, or none asked for, the units of a set that leaves next to nothing would miss.
 */
#define SLO_SPARE_SLACK_NS (30ull * SLO_NSEC_PER_MSEC)

/* last_ns: when best effort ran last. floor_permille > 0; key_ns: as below. */
static inline int slo_floor_has_spare_turn(slo_u64 last_ns, slo_u32 floor_permille, slo_u64 now_ns,
					   slo_u64 turn_ns, slo_u64 key_ns)
{
	slo_u64 interval_ns = turn_ns * 1000 / (floor_permille != 0 ? 2 * (slo_u64)floor_permille : 1);

	return slo_before(last_ns + interval_ns - turn_ns, now_ns) &&
	       slo_before(now_ns + turn_ns + SLO_SPARE_SLACK_NS, key_ns);
}

/* key_ns: the earliest key of the SLO tasks that the turn would keep waiting. */
static inline int slo_floor_takes_turn(slo_u64 credit_ns, slo_u64 credit_max_ns, slo_u64 now_ns,
				       slo_u64 turn_ns, slo_u64 key_ns)
{
	if (credit_ns == 0)
		return 1;
	return slo_floor_is_wanted(credit_ns, credit_max_ns) &&
	       slo_before(now_ns + turn_ns + SLO_PREEMPT_MARGIN_NS, key_ns);
}

#endif
