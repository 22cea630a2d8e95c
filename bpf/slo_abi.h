/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every byte that crosses between the BPF programs and the daemon. Compiled on both sides; fixed widths,
 * padding written out. Whoever changes a struct raises SLO_ABI_VERSION.
 */
#ifndef SLO_ABI_H
#define SLO_ABI_H

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

typedef unsigned long long slo_u64;
typedef unsigned int slo_u32;
typedef unsigned char slo_u8;

#define SLO_ABI_VERSION 1u

/* Units with statistics of their own (Capacity=), CPUs and statistics shards that fit. */
#define SLO_CAPACITY 1024u
#define SLO_MAX_CPUS 1024u
#define SLO_MAX_SHARDS 64u
#define SLO_HIST_BUCKETS 210u

#define SLO_NSEC_PER_USEC 1000ull
#define SLO_NSEC_PER_MSEC 1000000ull
#define SLO_NSEC_PER_SEC 1000000000ull

/* Accepted range of SloBudget=. */
#define SLO_BUDGET_MIN_NS (100ull * SLO_NSEC_PER_USEC)
#define SLO_BUDGET_MAX_NS (10ull * SLO_NSEC_PER_SEC)

/* slo_cfg.flags: this cgroup has no budget, even where an ancestor has one (SloBudget=infinity). */
#define SLO_CFG_NO_BUDGET 1u

/* Value of cfg_map; the key is the cgroup id (slo_u64): settings of the cgroup and of all below it. */
struct slo_cfg {
	slo_u64 budget_ns;   /* SLO_BUDGET_MIN_NS..SLO_BUDGET_MAX_NS; 0 with SLO_CFG_NO_BUDGET */
	slo_u64 max_exec_ns; /* execution of one job that the guarantee covers; > 0 with a budget */
	slo_u32 slot;        /* statistics slot, < SLO_CAPACITY */
	slo_u32 importance;  /* 1..10000 */
	slo_u32 flags;       /* SLO_CFG_* */
	slo_u32 pad;
};
static_assert(sizeof(struct slo_cfg) == 32, "slo_cfg");

/*
 * Value of stats_map at index shard * SLO_CAPACITY + slot. Written with atomic adds by the CPUs of one shard,
 * read through mmap while they run: each counter is exact, a snapshot of several is not one instant.
 */
struct slo_stats {
	slo_u64 jobs;
	slo_u64 misses; /* jobs over their budget */
	slo_u64 wait_sum_ns;
	slo_u64 wait_max_ns;
	slo_u64 exec_sum_ns;
	slo_u64 response_max_ns;
	slo_u64 demotions; /* jobs that went on as best effort after max_exec_ns */
	slo_u64 pad;
	slo_u64 wait_hist[SLO_HIST_BUCKETS];
	slo_u64 response_hist[SLO_HIST_BUCKETS];
};
static_assert(sizeof(struct slo_stats) == 64 + 2 * 8 * SLO_HIST_BUCKETS, "slo_stats");

#define SLO_EXIT_REASON_LEN 128u
#define SLO_EXIT_MSG_LEN 1024u
#define SLO_EXIT_DUMP_LEN 32768u

/* Why the scheduler ended, filled by its exit callback; kind 0: it has not. */
struct slo_exit_record {
	slo_u64 exit_code;
	slo_u32 kind; /* enum scx_exit_kind; 1024 and above are errors */
	slo_u32 pad;
	char reason[SLO_EXIT_REASON_LEN];
	char msg[SLO_EXIT_MSG_LEN];
	char dump[SLO_EXIT_DUMP_LEN];
};
static_assert(sizeof(struct slo_exit_record) == 16 + 128 + 1024 + 32768, "slo_exit_record");

#endif
