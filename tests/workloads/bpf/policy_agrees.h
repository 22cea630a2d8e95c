/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every function of bpf/ that is compiled for the host too, on inputs that follow from a seed alone. What a
 * function answers is folded into a hash of its own: who gets the same hashes computes the same, bit for bit.
 */
#ifndef POLICY_AGREES_H
#define POLICY_AGREES_H

#include "bpf/policy/group.h"
#include "bpf/policy/job.h"
#include "bpf/policy/limit.h"
#include "bpf/policy/policy.h"
#include "bpf/policy/rate_limit.h"
#include "bpf/policy/server.h"
#include "bpf/policy/histogram.h"

#ifdef __bpf__
/* Global: the verifier looks at each of them once. */
#define AGREE_FUNCTION __noinline
#define AGREE_NONNULL __arg_nonnull
#else
#define AGREE_FUNCTION static inline
#define AGREE_NONNULL
#endif

/* FNV-1a, by words. Each step is a bijection, so that a single answer that differs is never lost. */
#define AGREE_BASIS 0xcbf29ce484222325ull
#define AGREE_PRIME 0x100000001b3ull

static inline slo_u64 agree_fold(slo_u64 hash, slo_u64 word)
{
	return (hash ^ word) * AGREE_PRIME;
}

/* xorshift64; never 0 after a seed that is not. */
static inline slo_u64 agree_random(slo_u64 *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* Where something changes: units, edges of the histogram, and the places where numbers wrap or change sign.
 */
static const slo_u64 agree_edges[16] = {
	0,
	1,
	2,
	100,
	1000,
	SLO_NSEC_PER_MSEC,
	SLO_NSEC_PER_SEC,
	0xffffffffull,
	1ull << 32,
	(1ull << 36) - 1,
	1ull << 36,
	(1ull << 63) - 1,
	1ull << 63,
	(1ull << 63) + 1,
	~0ull - 1,
	~0ull,
};

/* An edge, a number of any size, or one as far from the last: near it, or past the wrap. */
static inline slo_u64 agree_draw(slo_u64 *random, slo_u64 last)
{
	slo_u64 how = agree_random(random);
	slo_u64 value = agree_random(random) >> (how >> 8 & 63);

	switch (how & 3) {
	case 0:
		return agree_edges[how >> 16 & 15];
	case 1:
		return value;
	case 2:
		return last + value;
	default:
		return last - value;
	}
}

/* Times that are signed lie between -2^62 and 2^62: what is added to them must not overflow. */
static inline slo_s64 agree_signed(slo_u64 size, slo_u64 sign)
{
	return sign & 1 ? -(slo_s64)(size >> 2) : (slo_s64)(size >> 2);
}

#define AGREE_INPUTS 8

/* A job in any state, of which the events are one of the functions; x[7] is now. */
static inline struct slo_job agree_job(const slo_u64 *x)
{
	const struct slo_job job = {
		.wake_ns = x[0],
		.since_ns = x[1],
		.wait_ns = x[2],
		.exec_ns = x[3],
		.first_wait_ns = x[4],
		.state = (slo_u32)(x[5] % 3),
		.has_run = (slo_u32)(x[6] & 1),
	};

	return job;
}

static inline slo_u64 agree_job_hash(const struct slo_job *job)
{
	slo_u64 hash = agree_fold(AGREE_BASIS, job->wake_ns);

	hash = agree_fold(hash, job->since_ns);
	hash = agree_fold(hash, job->wait_ns);
	hash = agree_fold(hash, job->exec_ns);
	hash = agree_fold(hash, job->first_wait_ns);
	hash = agree_fold(hash, job->state);
	return agree_fold(hash, job->has_run);
}

static inline slo_u64 agree_reset(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);

	slo_job_reset(&job);
	return agree_job_hash(&job);
}

static inline slo_u64 agree_wakes(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);

	slo_job_wakes(&job, x[7]);
	return agree_job_hash(&job);
}

static inline slo_u64 agree_runs(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);

	slo_job_runs(&job, x[7]);
	return agree_job_hash(&job);
}

static inline slo_u64 agree_stops(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);
	slo_u64 hash = agree_fold(AGREE_BASIS, slo_job_stops(&job, x[7]));

	return agree_fold(hash, agree_job_hash(&job));
}

static inline slo_u64 agree_runs_on(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);
	slo_u64 hash = agree_fold(AGREE_BASIS, slo_job_runs_on(&job, x[7]));

	return agree_fold(hash, agree_job_hash(&job));
}

static inline slo_u64 agree_exec(const slo_u64 *x)
{
	const struct slo_job job = agree_job(x);

	return slo_job_exec_ns(&job, x[7]);
}

static inline slo_u64 agree_end_hash(slo_u64 hash, const struct slo_job_end *end)
{
	hash = agree_fold(hash, end->wait_ns);
	hash = agree_fold(hash, end->first_wait_ns);
	hash = agree_fold(hash, end->exec_ns);
	return agree_fold(hash, end->response_ns);
}

static inline slo_u64 agree_ends(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);
	struct slo_job_end end = {0, 0, 0, 0};

	slo_job_ends(&job, &end);
	return agree_end_hash(agree_job_hash(&job), &end);
}

static inline slo_u64 agree_sleeps(const slo_u64 *x)
{
	struct slo_job job = agree_job(x);
	struct slo_job_end end = {0, 0, 0, 0};
	slo_u64 hash = agree_fold(AGREE_BASIS, (slo_u64)slo_job_sleeps(&job, x[7], &end));

	return agree_fold(agree_end_hash(hash, &end), agree_job_hash(&job));
}

/* Of a job that ended; x[4] is its budget, x[5] what the guarantee covers. */
static inline struct slo_job_end agree_end(const slo_u64 *x)
{
	const struct slo_job_end end = {
		.wait_ns = x[0],
		.first_wait_ns = x[1],
		.exec_ns = x[2],
		.response_ns = x[3],
	};

	return end;
}

static inline slo_u32 agree_flags(slo_u64 x)
{
	return (x & 1 ? SLO_CFG_RESPONSE : 0) | (x & 2 ? SLO_JOB_THROTTLED : 0);
}

static inline slo_u64 agree_miss(const slo_u64 *x)
{
	const struct slo_job_end end = agree_end(x);

	return slo_job_miss_ns(&end, x[4], agree_flags(x[6]));
}

static inline slo_u64 agree_cause(const slo_u64 *x)
{
	const struct slo_job_end end = agree_end(x);

	return slo_job_cause(&end, x[4], x[5], agree_flags(x[6]));
}

/* X(function, its answer to the inputs x) */
#define AGREE_FUNCTIONS(X)                                                                                   \
	X(slo_elapsed_ns, slo_elapsed_ns(x[0], x[1]))                                                        \
	X(slo_job_reset, agree_reset(x))                                                                     \
	X(slo_job_wakes, agree_wakes(x))                                                                     \
	X(slo_job_runs, agree_runs(x))                                                                       \
	X(slo_job_runs_on, agree_runs_on(x))                                                                 \
	X(slo_job_stops, agree_stops(x))                                                                     \
	X(slo_job_exec_ns, agree_exec(x))                                                                    \
	X(slo_job_ends, agree_ends(x))                                                                       \
	X(slo_job_sleeps, agree_sleeps(x))                                                                   \
	X(slo_job_miss_ns, agree_miss(x))                                                                    \
	X(slo_job_cause, agree_cause(x))                                                                     \
	X(slo_default_max_exec_ns, slo_default_max_exec_ns(x[0]))                                            \
	X(slo_before, slo_before(x[0], x[1]))                                                                \
	X(slo_start_within_ns, slo_start_within_ns(x[0]))                                                    \
	X(slo_key_ns, slo_key_ns(x[0], x[1], x[2]))                                                          \
	X(slo_response_key_ns, slo_response_key_ns(x[0], x[1], x[2], x[3]))                                  \
	X(slo_is_tardy, slo_is_tardy(x[0], x[1], x[2]))                                                      \
	X(slo_renewed_from_ns, slo_renewed_from_ns(x[0], x[1], agree_flags(x[2])))                           \
	X(slo_expect_exec_ns, slo_expect_exec_ns(x[0], x[1]))                                                \
	X(slo_covered_exec_ns, slo_covered_exec_ns(x[0], x[1]))                                              \
	X(slo_class, slo_class(x[0], x[1], x[2]))                                                            \
	X(slo_slice_ns, slo_slice_ns(x[0], x[1], x[2]))                                                      \
	X(slo_best_effort_slice_ns, slo_best_effort_slice_ns(x[0], x[1], x[2], x[3], (slo_u32)x[1]))         \
	X(slo_vtime_charge_ns, slo_vtime_charge_ns(x[0], (slo_u32)x[1]))                                     \
	X(slo_vtime_credit_max_ns, slo_vtime_credit_max_ns((slo_u32)x[0]))                                   \
	X(slo_vtime_credit_ns, slo_vtime_credit_ns(x[0], x[1], (slo_u32)x[2]))                               \
	X(slo_gives_way_in_ns, slo_gives_way_in_ns(x[0], x[1], (slo_u32)x[2], (int)(x[3] & 1), x[0], x[3]))  \
	X(slo_vtime_place_ns, slo_vtime_place_ns(x[0], x[1], x[2], x[3], x[4], (slo_u32)x[2]))               \
	X(slo_vtime_after_key_ns, slo_vtime_after_key_ns(x[0], x[1], x[2], (slo_u32)x[3]))                   \
	X(slo_vtime_new_ns, slo_vtime_new_ns(x[0]))                                                          \
	X(slo_vtime_released_ns, slo_vtime_released_ns(x[0], x[1], (slo_u32)x[2], (int)(x[3] & 1)))          \
	X(slo_preempts, slo_preempts(x[0], (slo_u32)(x[1] & 3), x[2]))                                       \
	X(slo_overtaken_in_ns, slo_overtaken_in_ns(x[0], x[1], x[2], x[3]))                                  \
	X(slo_kick_at_ns, slo_kick_at_ns(x[0], x[1], x[2], x[3]))                                            \
	X(slo_floor_credit_max_ns, slo_floor_credit_max_ns(x[0], x[1], (slo_u32)x[2]))                       \
	X(slo_floor_spend, slo_floor_spend(x[0], x[1], (slo_u32)x[2]))                                       \
	X(slo_floor_earn, slo_floor_earn(x[0], x[1], (slo_u32)x[2], x[3]))                                   \
	X(slo_floor_turn_ns, slo_floor_turn_ns(x[0]))                                                        \
	X(slo_floor_is_wanted, slo_floor_is_wanted(x[0], x[1]))                                              \
	X(slo_floor_has_spare_turn, slo_floor_has_spare_turn(x[0], (slo_u32)x[1], x[2], x[3], x[4]))         \
	X(slo_floor_takes_turn, slo_floor_takes_turn(x[0], x[1], x[2], x[3], x[4]))                          \
	X(slo_server_quota_ns, slo_server_quota_ns(x[0]))                                                    \
	X(slo_server_permille, slo_server_permille(x[0]))                                                    \
	X(slo_server_operator_burst_ns, slo_server_operator_burst_ns(x[0]))                                  \
	X(slo_server_chunk_ns, slo_server_chunk_ns(x[0]))                                                    \
	X(slo_server_draw_ns, slo_server_draw_ns(agree_signed(x[0], x[1]), x[2]))                            \
	X(slo_server_fill_ns, slo_server_fill_ns(agree_signed(x[0], x[1]), x[2] >> 24, x[0] >> 24, x[3]))    \
	X(slo_server_revives, slo_server_revives(agree_signed(x[0], x[1]), x[2] >> 2))                       \
	X(slo_server_is_empty, slo_server_is_empty(agree_signed(x[0], x[1])))                                \
	X(slo_limit_periods, slo_limit_periods(x[0], x[1], x[2]))                                            \
	X(slo_limit_fill_ns, slo_limit_fill_ns(agree_signed(x[0], x[1]), x[2] >> 24, x[0] >> 24, x[3]))      \
	X(slo_limit_periods_to_go, slo_limit_periods_to_go(agree_signed(x[0], x[1]), x[2]))                  \
	X(slo_limit_run_ns, slo_limit_run_ns(agree_signed(x[0], x[1]), (slo_u32)x[2], x[3]))                 \
	X(slo_limit_is_ample, slo_limit_is_ample(x[0], x[1]))                                                \
	X(slo_limit_is_crowded, slo_limit_is_crowded((slo_u32)x[0], agree_signed(x[1], x[2]), x[3]))         \
	X(slo_group_weight, slo_group_weight(x[0]))                                                          \
	X(slo_group_is_due, slo_group_is_due(x[0], x[1]))                                                    \
	X(slo_group_runnable_ns, slo_group_runnable_ns(x[0], x[1]))                                          \
	X(slo_group_sum, slo_group_sum(x[0], x[1]))                                                          \
	X(slo_group_average, slo_group_average(x[0], x[1], x[2]))                                            \
	X(slo_group_share, slo_group_share(x[0], x[1] & 0xffff, x[2] | 1))                                   \
	X(slo_weight_of_share, slo_weight_of_share(x[0], x[1]))                                              \
	X(slo_rate_take, slo_rate_take(x[0], x[1], x[2], (slo_u32)x[3]))                                     \
	X(slo_log2, slo_log2(x[0]))                                                                          \
	X(slo_hist_index, slo_hist_index(x[0]))                                                              \
	X(slo_hist_lower_ns, slo_hist_lower_ns((slo_u32)x[0]))

#define AGREE_NUMBER(function, answer) AGREE_##function,
enum agree_function : slo_u8 { AGREE_FUNCTIONS(AGREE_NUMBER) AGREE_COUNT };

/* All that is known after some rounds. */
struct agreement {
	slo_u64 random;
	slo_u64 x[AGREE_INPUTS];
	slo_u64 hashes[AGREE_COUNT];
};

static inline void agree_begin(struct agreement *of, slo_u64 seed)
{
	int i;

	of->random = seed;
	for (i = 0; i < AGREE_INPUTS; i++)
		of->x[i] = 0;
	for (i = 0; i < AGREE_COUNT; i++)
		of->hashes[i] = AGREE_BASIS;
}

AGREE_FUNCTION int agree_draw_all(struct agreement *of AGREE_NONNULL)
{
	slo_u64 last = of->x[AGREE_INPUTS - 1];
	int i;

	for (i = 0; i < AGREE_INPUTS; i++) {
		last = agree_draw(&of->random, last);
		of->x[i] = last;
	}
	return 0;
}

#define AGREE_ASK(function, answer)                                                                          \
	AGREE_FUNCTION int agree_ask_##function(struct agreement *of AGREE_NONNULL)                          \
	{                                                                                                    \
		const slo_u64 *x = of->x;                                                                    \
                                                                                                             \
		of->hashes[AGREE_##function] = agree_fold(of->hashes[AGREE_##function], (slo_u64)(answer));  \
		return 0;                                                                                    \
	}
AGREE_FUNCTIONS(AGREE_ASK)

/* The same inputs for all of them. */
static inline void agree_round(struct agreement *of)
{
	agree_draw_all(of);
#define AGREE_CALL(function, answer) agree_ask_##function(of);
	AGREE_FUNCTIONS(AGREE_CALL)
#undef AGREE_CALL
}

#endif
