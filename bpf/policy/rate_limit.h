/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A token bucket in one number, so that one compare-and-swap takes a token: the generic cell rate algorithm
 * (ITU-T I.371, virtual scheduling). The number is the instant at which the bucket will be full again.
 */
#ifndef SLO_RATE_LIMIT_H
#define SLO_RATE_LIMIT_H

#include "bpf/abi/slo_abi.h"

/*
 * Takes a token of a bucket that holds `burst` (> 0) and gains one per interval_ns. Returns the bucket's new
 * number (> 0), or 0 when it is empty. full_at_ns: its number so far, 0 for a fresh one. burst * interval_ns
 * stays below 2^63.
 */
static inline slo_u64 slo_rate_take(slo_u64 full_at_ns, slo_u64 now_ns, slo_u64 interval_ns, slo_u32 burst)
{
	slo_u64 from_ns = full_at_ns > now_ns ? full_at_ns : now_ns;

	if (burst == 0 || from_ns - now_ns > interval_ns * (burst - 1))
		return 0;
	return from_ns + interval_ns != 0 ? from_ns + interval_ns : 1;
}

#endif
