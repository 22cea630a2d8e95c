/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear latency histogram: one definition for the BPF programs, the daemon and the tests.
 *
 * A value in ns falls into bucket 0 below 1024 ns (about 1 us), into the last bucket from 2^36 ns (about 68.7
 * s) on, and in between into one of 8 equal parts of its power of two. A bucket is therefore at most 1/8 of
 * its lower edge wide, and its midpoint is off by at most 6.25% of any value in it.
 */
#ifndef SLO_HISTOGRAM_H
#define SLO_HISTOGRAM_H

#include "bpf/abi/slo_abi.h"

#define SLO_HIST_MIN_SHIFT 10
#define SLO_HIST_MAX_SHIFT 36
#define SLO_HIST_SUB_SHIFT 3
#define SLO_HIST_SUBS (1u << SLO_HIST_SUB_SHIFT)

static_assert(SLO_HIST_BUCKETS == (SLO_HIST_MAX_SHIFT - SLO_HIST_MIN_SHIFT) * SLO_HIST_SUBS + 2,
	      "bucket count");

#define SLO_TIMES_2(v) v, v
#define SLO_TIMES_4(v) SLO_TIMES_2(v), SLO_TIMES_2(v)
#define SLO_TIMES_8(v) SLO_TIMES_4(v), SLO_TIMES_4(v)
#define SLO_TIMES_16(v) SLO_TIMES_8(v), SLO_TIMES_8(v)
#define SLO_TIMES_32(v) SLO_TIMES_16(v), SLO_TIMES_16(v)
#define SLO_TIMES_64(v) SLO_TIMES_32(v), SLO_TIMES_32(v)
#define SLO_TIMES_128(v) SLO_TIMES_64(v), SLO_TIMES_64(v)

/* Position of the highest set bit of 1..255. */
static const slo_u8 slo_log2_of_byte[256] = {
	0,
	0,
	SLO_TIMES_2(1),
	SLO_TIMES_4(2),
	SLO_TIMES_8(3),
	SLO_TIMES_16(4),
	SLO_TIMES_32(5),
	SLO_TIMES_64(6),
	SLO_TIMES_128(7),
};

/* Position of the highest set bit of a non-zero value, without a loop: BPF has no such instruction before cpu
 * v4. */
static inline slo_u32 slo_log2(slo_u64 v)
{
	slo_u32 r = 0;

	if (v >> 32) {
		v >>= 32;
		r += 32;
	}
	if (v >> 16) {
		v >>= 16;
		r += 16;
	}
	if (v >> 8) {
		v >>= 8;
		r += 8;
	}
	if (v >> 4) {
		v >>= 4;
		r += 4;
	}
	if (v >> 2) {
		v >>= 2;
		r += 2;
	}
	return r + (slo_u32)(v >> 1);
}

/* Index of the bucket that holds value_ns; always below SLO_HIST_BUCKETS. */
static inline slo_u32 slo_hist_index(slo_u64 value_ns)
{
	slo_u64 over = value_ns >> SLO_HIST_MIN_SHIFT;
	slo_u32 shift;

	if (over == 0)
		return 0;
	if (value_ns >= (1ull << SLO_HIST_MAX_SHIFT))
		return SLO_HIST_BUCKETS - 1;
	/* Most times are below 262 us: one look-up. */
	shift = over < 256 ? SLO_HIST_MIN_SHIFT + slo_log2_of_byte[over & 255] : slo_log2(value_ns);
	return 1 + (shift - SLO_HIST_MIN_SHIFT) * SLO_HIST_SUBS +
	       (slo_u32)((value_ns >> (shift - SLO_HIST_SUB_SHIFT)) & (SLO_HIST_SUBS - 1));
}

/* Lowest value in ns of a bucket; the upper edge of bucket i is the lower edge of i + 1. */
static inline slo_u64 slo_hist_lower_ns(slo_u32 index)
{
	slo_u32 shift, sub;

	if (index == 0)
		return 0;
	if (index >= SLO_HIST_BUCKETS - 1)
		return 1ull << SLO_HIST_MAX_SHIFT;
	shift = SLO_HIST_MIN_SHIFT + (index - 1) / SLO_HIST_SUBS;
	sub = (index - 1) % SLO_HIST_SUBS;
	return (1ull << shift) + ((slo_u64)sub << (shift - SLO_HIST_SUB_SHIFT));
}

#endif
