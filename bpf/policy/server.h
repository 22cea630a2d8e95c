/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Servers: CPU time per period, of a reserve or of a limit. A reserve is a soft constant-bandwidth server (L.
 * Abeni, G. Buttazzo, "Integrating Multimedia Applications in Hard Real-Time Systems", RTSS 1998), but for
 * what happens when it is used up: where theirs puts the deadline off, tasks of ours go on as best effort up
 * to the next period. A limit (CPUQuota=) means what the kernel's bandwidth control of its own class means
 * (P. Turner, B. Rao, N. Rao, "CPU bandwidth control for CFS", Linux Symposium 2010; bursts since 5.14): used
 * up, nothing runs.
 *
 *   tokens   what is left of the period's time; below zero it is a debt, which the next period pays
 *   chunk    what a shard takes from the tokens at a time, so that no line is shared on every switch
 *   prepaid  what is left of a shard's chunk; below zero it is owed
 *
 * Pure functions, as policy.h. Times are signed: debts are.
 */
#ifndef SLO_SERVER_H
#define SLO_SERVER_H

#include "bpf/abi/slo_abi.h"

typedef long long slo_s64;

#define SLO_SERVER_PERIOD_NS (100ull * SLO_NSEC_PER_MSEC)
/* One's own, and those above it. */
#define SLO_SERVER_DEPTH_MAX 16u

#define SLO_SERVER_CHUNK_MIN_NS (100ull * SLO_NSEC_PER_USEC)
#define SLO_SERVER_CHUNK_MAX_NS (2ull * SLO_NSEC_PER_MSEC)

/* Time per period of a reserve in thousandths of one CPU. */
static inline slo_u64 slo_server_quota_ns(slo_u64 reserve_permille)
{
	return reserve_permille * (SLO_SERVER_PERIOD_NS / 1000);
}

static inline slo_u64 slo_server_permille(slo_u64 quota_ns)
{
	return quota_ns / (SLO_SERVER_PERIOD_NS / 1000);
}

/* What kernel threads that are not bound to a CPU have together: a tenth of what units can have. */
#define SLO_SERVER_KERNEL_DIVISOR 10ull

/* What an operator's reserve saves up while it is not used. */
#define SLO_SERVER_OPERATOR_BURST_PERIODS 20ull

static inline slo_u64 slo_server_operator_burst_ns(slo_u64 reserve_permille)
{
	return SLO_SERVER_OPERATOR_BURST_PERIODS * slo_server_quota_ns(reserve_permille);
}

/* Small against the quota, so that little of it lies unused in other shards. */
static inline slo_u64 slo_server_chunk_ns(slo_u64 quota_ns)
{
	slo_u64 chunk_ns = quota_ns / 16;

	if (chunk_ns < SLO_SERVER_CHUNK_MIN_NS)
		return SLO_SERVER_CHUNK_MIN_NS;
	return chunk_ns < SLO_SERVER_CHUNK_MAX_NS ? chunk_ns : SLO_SERVER_CHUNK_MAX_NS;
}

/* What a shard takes from the tokens so that prepaid_ns, after a run, is paid and above zero again; 0: it is.
 */
static inline slo_u64 slo_server_draw_ns(slo_s64 prepaid_ns, slo_u64 chunk_ns)
{
	return prepaid_ns > 0 ? 0 : (slo_u64)-prepaid_ns + chunk_ns;
}

/* More than this need not be added at once: no burst is larger, and no product overflows. */
#define SLO_SERVER_FILLED_MAX_NS (64 * SLO_SERVER_PERIOD_NS)

/*
 * Tokens after elapsed_ns. They come in at an even rate, up to one quota and the burst, so that a unit that
 * uses up all it has does not come back with a period's time at once, which its neighbours would have to wait
 * for. Of a debt no more than that is paid: a single long run must not lock a unit out.
 */
static inline slo_s64 slo_server_fill_ns(slo_s64 tokens_ns, slo_u64 quota_ns, slo_u64 burst_ns,
					 slo_u64 elapsed_ns)
{
	slo_s64 most = (slo_s64)(quota_ns + burst_ns);
	slo_s64 gain;

	if (elapsed_ns > SLO_SERVER_FILLED_MAX_NS)
		elapsed_ns = SLO_SERVER_FILLED_MAX_NS;
	gain = (slo_s64)(quota_ns * (elapsed_ns / 1000) / (SLO_SERVER_PERIOD_NS / 1000));
	if (tokens_ns < -most)
		tokens_ns = -most;
	return tokens_ns < most - gain ? tokens_ns + gain : most;
}

/* While a reserve is empty it is looked at this often. */
#define SLO_SERVER_STEP_NS (4ull * SLO_NSEC_PER_MSEC)
/* A switch to a task that has less than this to run would not be worth it. */
#define SLO_SERVER_TURN_MIN_NS (500ull * SLO_NSEC_PER_USEC)

/* Is there enough again for an empty one to be used: what comes in between two looks? */
static inline int slo_server_revives(slo_s64 tokens_ns, slo_u64 quota_ns)
{
	slo_u64 turn_ns = quota_ns / (SLO_SERVER_PERIOD_NS / SLO_SERVER_STEP_NS);

	if (turn_ns < SLO_SERVER_TURN_MIN_NS)
		turn_ns = SLO_SERVER_TURN_MIN_NS;
	if (turn_ns > quota_ns)
		turn_ns = quota_ns;
	return tokens_ns >= (slo_s64)turn_ns;
}

static inline int slo_server_is_empty(slo_s64 tokens_ns)
{
	return tokens_ns <= 0;
}

#endif
