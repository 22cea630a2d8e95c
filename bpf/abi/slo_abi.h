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

#define SLO_ABI_VERSION 9u

/* Units with statistics of their own (Capacity=): default and most. */
#define SLO_CAPACITY 1024u
#define SLO_CAPACITY_MAX 16384u
/* Statistics slot of tasks that no unit answers for. */
#define SLO_NO_SLOT 0xffffffffu
/* Number of no unit: slo_cfg.unit. */
#define SLO_NO_UNIT 0u
/* CPUs and shards that fit. A shard is the CPUs of one last-level cache, at most 16 of them. */
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
/* slo_cfg.flags: the budget bounds the response instead of the wait (SloMetric=response). */
#define SLO_CFG_RESPONSE 2u
/* slo_cfg.flags: under overload it lost its guarantee: it comes after units that have theirs. */
#define SLO_CFG_SHED 4u
/* slo_cfg.flags, beside SLO_CFG_NO_BUDGET: `server` is for tasks of root alone. */
#define SLO_CFG_ROOT_ONLY 8u
/* Of a job alone, beside the flags of its unit: it was best effort, or did not run at all, for some time, as
 * a reserve or a limit was used up. */
#define SLO_JOB_THROTTLED 0x80000000u

/* Value of cfg_map; the key is the cgroup id (slo_u64): settings of the cgroup and of all below it. */
struct slo_cfg {
	slo_u64 budget_ns;   /* SLO_BUDGET_MIN_NS..SLO_BUDGET_MAX_NS; 0 with SLO_CFG_NO_BUDGET */
	slo_u64 max_exec_ns; /* execution of one job that the guarantee covers; > 0 with a budget */
	slo_u32 slot; /* statistics slot, below the capacity, maybe that of a unit above; SLO_NO_SLOT: none */
	slo_u32 importance; /* 1..10000 */
	slo_u32 flags;      /* SLO_CFG_* */
	slo_u32 unit;   /* whose settings these are: a number of its own, never given again; or SLO_NO_UNIT */
	slo_u32 server; /* whose reserve it uses: place in server_cfgs; SLO_NO_SLOT: it has none to keep to */
	slo_u32 pad;
};
static_assert(sizeof(struct slo_cfg) == 40, "slo_cfg");

/*
 * Where a cgroup that is made finds its settings: path_map is a tree of nodes, each known by its parent and
 * the last component of its path, from the root of the default hierarchy on. It holds the paths that units
 * with settings have, or will have; written by the daemon, which gives each node its number.
 */
#define SLO_NODE_NONE 0u
#define SLO_NODE_ROOT 1u
#define SLO_PATHS_MAX 65536u
/* The longest component is that of a file's name (NAME_MAX): none is ever cut. */
#define SLO_COMPONENT_LEN 256u

/* slo_path_key.pattern: the name is a component, or the beginning of one, of a unit of this type. */
#define SLO_PATTERN_NONE 0u
#define SLO_PATTERN_SERVICE 1u
#define SLO_PATTERN_SCOPE 2u
#define SLO_PATTERN_SLICE 3u

/* Key of path_map. A pattern ends at a dash ("docker-"), at the "@" of a template, or is empty: all of a
 * type. */
struct slo_path_key {
	slo_u32 node;                 /* of the parent; of a pattern: see slo_node.space */
	slo_u32 pattern;              /* SLO_PATTERN_* */
	char name[SLO_COMPONENT_LEN]; /* padded with zeros */
};
static_assert(sizeof(struct slo_path_key) == 264, "slo_path_key");

/* slo_path.flags: `cfg` holds for the cgroup. */
#define SLO_PATH_HAS_CFG 1u
/* slo_path.flags: patterns have settings of their own for what is in this slice. */
#define SLO_PATH_HAS_PATTERNS 2u
/* slo_path.flags: `cfg` is that of many units, each of which needs slot and number of its own: see slo_spare.
 */
#define SLO_PATH_IS_SHARED 4u

/* Value of path_map. */
struct slo_path {
	slo_u32 node; /* of what is below it; SLO_NODE_NONE: nothing is */
	slo_u32 flags;
	struct slo_cfg cfg;
};
static_assert(sizeof(struct slo_path) == 48, "slo_path");

/* Value of node_map, by cgroup id (slo_u64): cgroups on the way to settings, and all units of PID 1. */
struct slo_node {
	slo_u64 made_ns; /* CLOCK_MONOTONIC; 0: it was there before anybody looked */
	slo_u32 node;    /* SLO_NODE_NONE: no path leads further */
	slo_u32 space;   /* of slices whose ancestors are all slices: node under which patterns are found */
};
static_assert(sizeof(struct slo_node) == 16, "slo_node");

/* A slot and a number that nobody has, for a unit that a pattern gives its settings: handed out by the kernel
 * in this order, and taken over by the daemon once it knows whose they are. */
#define SLO_SPARES 64u
struct slo_spare {
	slo_u64 cgroup_id; /* who got it; 0: nobody yet */
	slo_u32 slot;      /* SLO_NO_SLOT: there was none */
	slo_u32 unit;
};
static_assert(sizeof(struct slo_spare) == 16, "slo_spare");

/*
 * Places in server_cfgs: two reserves that belong to no unit, those of units, by their slots (Capacity= of
 * them), and SLO_LIMITS limits, in the order of `limits`.
 */
#define SLO_SERVER_OPERATOR 0u /* of root's sessions, and of what lets root in */
#define SLO_SERVER_KERNEL 1u   /* of kernel threads that are not bound to a CPU */
#define SLO_SERVERS_FIXED 2u
#define SLO_LIMITS 4096u

/* Value of server_cfgs: a reserve, written by the daemon, or a limit (CPUQuota=), written by the scheduler.
 * Zero: none. */
struct slo_server_cfg {
	slo_u64 quota_ns;  /* CPU time per period: of a reserve by key, 0: any; of a limit in all */
	slo_u64 burst_ns;  /* so much more is saved up while it is not used */
	slo_u64 period_ns; /* of a limit; 0: a reserve, and the period is SLO_SERVER_PERIOD_NS */
	slo_u32 parent;    /* place of the next one above, which covers this one; SLO_NO_SLOT: none */
	slo_u32 pad;
};
static_assert(sizeof(struct slo_server_cfg) == 32, "slo_server_cfg");

#define SLO_CGROUP_NAME_LEN 64u

/* Value of `limits`: a cgroup with a limit in which tasks became runnable. Written by the scheduler, read
 * through mmap while it runs. */
struct slo_limit {
	slo_u64 task_group; /* its address in the kernel; 0: the place is free */
	slo_u64 cgroup_id;
	slo_u64 used_ns;                /* CLOCK_MONOTONIC, about when a task of it was last seen */
	slo_u64 nr_periods;             /* in which something ran */
	slo_u64 nr_throttled;           /* of these: in which it was used up */
	slo_u64 throttled_ns;           /* how long it was used up in all, up to throttled_from_ns */
	slo_u64 throttled_from_ns;      /* since when it is used up; 0: it is not */
	slo_u32 nr_parked;              /* tasks that wait for the next period */
	slo_u32 nr_let_go;              /* that waited, came out in this period and have not run yet; about */
	char name[SLO_CGROUP_NAME_LEN]; /* the last component of its path */
};
static_assert(sizeof(struct slo_limit) == 128, "slo_limit");

/* Limits that are not kept: why. */
#define SLO_UNKEPT_NO_PLACE 1u /* the places in `limits` where it could be are others' */
#define SLO_UNKEPT_TOO_DEEP 2u /* it is further above than SLO_GROUP_DEPTH_MAX groups */
/* So many are named. */
#define SLO_UNKEPTS 16u

/* Value of `unkept_limits`, in the order in which they were found. */
struct slo_unkept_limit {
	slo_u64 cgroup_id; /* with NO_PLACE of the limited one, with TOO_DEEP of the tasks' */
	slo_u32 reason;    /* SLO_UNKEPT_*; 0: no entry */
	slo_u32 pad;
	char name[SLO_CGROUP_NAME_LEN];
};
static_assert(sizeof(struct slo_unkept_limit) == 80, "slo_unkept_limit");

/* What the operator may tune, fixed while a BPF object is loaded. */
struct slo_tunables {
	slo_u64 slo_slice_max_ns;           /* SloSliceMax= */
	slo_u64 best_effort_slice_ns;       /* BestEffortSlice= */
	slo_u64 best_effort_gap_ns;         /* BestEffortGap= */
	slo_u64 kick_interval_ns;           /* 1 s / KickRate=, per CPU */
	slo_u64 min_run_ns;                 /* MinRun= */
	slo_u64 event_interval_ns;          /* 1 s / [Events] Rate=, per unit */
	slo_u64 event_global_interval_ns;   /* 1 s / GlobalRate= */
	slo_u32 event_burst;                /* Burst= */
	slo_u32 best_effort_floor_permille; /* BestEffortFloor=, of each CPU */
	slo_u32 capacity;                   /* Capacity=, 1..SLO_CAPACITY_MAX */
	slo_u32 pad;
};
static_assert(sizeof(struct slo_tunables) == 72, "slo_tunables");

/* Why a job missed its budget. */
#define SLO_CAUSE_NONE 0u       /* it did not */
#define SLO_CAUSE_LATE_START 1u /* did not run in time */
#define SLO_CAUSE_PREEMPTED 2u  /* started in time, then waited too long */
#define SLO_CAUSE_OVERLONG 3u   /* executed beyond what the guarantee covers */
#define SLO_CAUSE_OVERRUN 4u    /* metric response: its execution alone was over the budget */
#define SLO_CAUSE_THROTTLED 5u  /* a reserve or a limit of its unit, or of a slice above, was used up */
#define SLO_CAUSES 6u

/*
 * Value of stats_map at index shard * capacity + slot. Written with atomic adds by the CPUs of one shard,
 * read through mmap while they run: each counter is exact, a snapshot of several is not one instant.
 */
struct slo_stats {
	slo_u64 jobs;
	slo_u64 misses; /* jobs over their budget */
	slo_u64 wait_sum_ns;
	slo_u64 wait_max_ns;
	slo_u64 exec_sum_ns;
	slo_u64 response_max_ns;
	slo_u64 demotions;         /* jobs that went on as best effort after max_exec_ns */
	slo_u64 events_suppressed; /* misses without an event, because of the rate limits */
	slo_u64 events_lost;       /* events that found the ring buffer full */
	slo_u64 key_exec_ns;       /* of exec_sum_ns: while it was served by key */
	slo_u64 throttled_exec_ns; /* of exec_sum_ns: as best effort, while a reserve was used up */
	slo_u64 renewals;          /* of keys of tardy jobs, see slo_is_tardy() */
	slo_u64 misses_by_cause[SLO_CAUSES];
	slo_u64 pad[6];
	slo_u64 wait_hist[SLO_HIST_BUCKETS];
	slo_u64 response_hist[SLO_HIST_BUCKETS];
};
static_assert(sizeof(struct slo_stats) == 192 + 2 * 8 * SLO_HIST_BUCKETS, "slo_stats");

#define SLO_COMM_LEN 16u

/* What ran most on the CPU of a missed job while the job lasted, its own task aside. */
struct slo_rival {
	slo_u64 ran_ns; /* all tasks of its cgroup together; 0: not known, and the rest is zero */
	slo_u32 tid;    /* of its longest run, in the initial pid namespace */
	slo_u32 pad;
	char comm[SLO_COMM_LEN];
	char cgroup[SLO_CGROUP_NAME_LEN]; /* the last component of its path; empty: not known any more */
};
static_assert(sizeof(struct slo_rival) == 96, "slo_rival");

/*
 * A record of the ring buffer `events`: the worst missed job of a unit since its last record. Readers check
 * the size first; later versions append fields.
 */
struct deadline_event {
	slo_u64 timestamp_ns;     /* CLOCK_MONOTONIC, at the end of the job */
	slo_u64 cgroup_id;        /* of the task, the unit's own or one below it */
	slo_u64 deadline_miss_ns; /* by how much the budget was exceeded, > 0 */
	slo_u64 budget_ns;
	slo_u64 wait_ns;
	slo_u64 exec_ns;
	slo_u64 key_ns;     /* CLOCK_MONOTONIC: it had to start by then, for what it turned out to execute */
	slo_u64 suppressed; /* other misses of the unit since its last record */
	slo_u32 slot;
	slo_u32 cause; /* SLO_CAUSE_*, not NONE */
	slo_u32 tid;   /* in the initial pid namespace */
	slo_u32 cpu;
	slo_u32 flags;           /* SLO_CFG_RESPONSE: judged by response */
	slo_u32 unit;            /* slo_cfg.unit; the slot may be that of a unit above it */
	char comm[SLO_COMM_LEN]; /* as the task set it: any bytes, NUL-terminated */
	struct slo_rival rival;
};
static_assert(sizeof(struct deadline_event) == 200, "deadline_event");

/*
 * The other record of `events`: somewhere a task falls behind (slo_stats.renewals). Its job may not end for
 * long, and if nobody is shed by then never: told at once, at most once in SLO_LAG_INTERVAL_NS.
 */
struct slo_lag_event {
	slo_u64 timestamp_ns; /* on the clock of a run queue */
};
static_assert(sizeof(struct slo_lag_event) == 8, "slo_lag_event");
#define SLO_LAG_INTERVAL_NS (50ull * SLO_NSEC_PER_MSEC)

/* Value of event_limits at index slot: the rate limit of one unit's events. */
struct slo_event_limit {
	slo_u64 full_at_ns; /* its token bucket, as slo_rate_take() wants it */
	slo_u64 suppressed; /* misses since the last record that got none */
	slo_u32 is_writing; /* one CPU at a time writes or takes the worst */
	slo_u32 pad;
	struct deadline_event worst; /* of the suppressed; deadline_miss_ns 0: none */
};
static_assert(sizeof(struct slo_event_limit) == 224, "slo_event_limit");

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
