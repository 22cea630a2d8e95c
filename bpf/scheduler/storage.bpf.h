/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler's own state: of a task, of a CPU, of a shard of CPUs, and what they share.
 */
#ifndef SLO_STORAGE_BPF_H
#define SLO_STORAGE_BPF_H

#include "bpf/kernel/kfuncs.h"
#include "bpf/accounting/jobs.bpf.h"

/* Which queue a task waits in, for the lengths that are counted here: one of these, and in the low half its
 * shard, or the CPU of a pinned queue. One number, so that whoever takes the task off takes it once. */
#define SLO_QUEUE_NONE 0u
#define SLO_QUEUE_SHARED_SLO (1u << 16)
#define SLO_QUEUE_SHARED_BEST_EFFORT (2u << 16)
#define SLO_QUEUE_PINNED_SLO (3u << 16)
#define SLO_QUEUE_PINNED_BEST_EFFORT (4u << 16)
#define SLO_QUEUE_PARKED (5u << 16) /* waits for a limit, see park.bpf.h; in the low half which of them */
#define SLO_QUEUE_AT 0x0000ffffu
#define SLO_QUEUE_PLACE 0x000fffffu /* both; above it a number that each change makes another one */
#define SLO_QUEUE_CHANGE (1u << 20)

struct task_ctx {
	struct accounting acct;
	u64 vtime_ns;       /* on the clock of vtime_shard */
	u64 turn_exec_ns;   /* as best effort, since its turn began: see turn_began_ns() */
	u64 credit_ns;      /* how far it may be behind that clock when it wakes */
	u64 key_exec_ns;    /* of the present job, by key, that is not in vtime_ns */
	u64 key_from_ns;    /* what its key counts from: when the job woke, or see slo_renewed_from_ns() */
	u64 told_ns;        /* when its groups were told of it */
	u64 runnable_ns;    /* how long it was since then */
	u64 job_told_ns;    /* of the present job: what is in runnable_ns, or was */
	u64 limit_group;    /* address of its task group when `limit` was found */
	s64 limit_ratio;    /* the kernel's hierarchical_quota then */
	u64 limit_until_ns; /* then it is looked for again */
	u64 parked_ns;      /* since when it is parked */
	u64 let_on_ns;      /* what it executed up to then does not park it inside the kernel; 0: not known */
	u32 limit;          /* place in `limits` of the nearest one above it; SLO_NO_SLOT: none */
	u32 parked_for;     /* place in `limits` that counts it as parked, or as let go */
	u32 is_let_go;      /* see end_let_go() */
	u32 weight;         /* as best effort, among all others: see SLO_WEIGHT_SHIFT */
	u32 vtime_shard;
	u32 class;
	u32 queue;      /* SLO_QUEUE_* and where */
	u32 is_idle;    /* by CPUWeight=idle of a group that it is in */
	u32 goes_first; /* as best effort: see operator_goes_first() */
};

/* Best effort that is not to wait for long: it woke up, or it goes first. */
#define WAKEUP_WAITS 1u
#define WAKEUP_OF_OPERATOR_WAITS 2u

/*
 * State of one CPU. Written by that CPU; what others write (a request to reschedule, the lengths of its own
 * queues) they write rarely, so no line is shared on every switch.
 */
struct cpu_ctx {
	u64 key_ns;      /* of the SLO task that runs, when it began to */
	u64 ran_from_ns; /* when it began to */
	u64 vtime_ns;    /* of what runs as best effort, at ran_from_ns */
	u64 run_from_ns; /* when its task got it, whatever it became since */
	u64 floor_credit_ns;
	u64 best_effort_ns;      /* when best effort ran here last */
	u64 charged_ns;          /* the credit, and reserves, are right up to here */
	u64 floor_turn_until_ns; /* best effort has its turn up to here; 0: no turn */
	u64 last_kick_ns;
	u64 alarm_ns;      /* its timer is armed for then, to ask it to reschedule; 0: it is not */
	u64 nr_dispatches; /* looks at the queues */
	u32 class;         /* SLO_CLASS_* of what runs */
	u32 server;        /* whose reserve it uses; SLO_NO_SLOT: none */
	u32 weight;        /* of what runs as best effort */
	u8 gives_way;      /* it is idle by weight or policy */
	u8 in_best_effort_mask;
	u16 is_offline;
	u32 kick_pending; /* asked to reschedule and has not looked at the queues since */
	u32 limit;        /* of what runs: place in `limits`; SLO_NO_SLOT: none */
	u32 nr_pinned_slo;
	u32 nr_pinned_best_effort;
	u16 helps;        /* a shard, plus 1, whose SLO task asked for this CPU; 0: none */
	u16 wakeup_waits; /* WAKEUP_*, since best effort ran here last; told by whoever queues it */
	/* Of what runs, or ran last: the next one begins with none of it. */
	union {
		struct {
			u16 tick_looks;  /* best effort that woke waits for it: the next tick looks */
			u8 yields;       /* it does not want to run, as long as somebody waits */
			u8 idle_retries; /* since it left the CPU went idle in sight of queued tasks */
		};
		u32 of_run;
	};
} __attribute__((aligned(128)));

/* A number on a line of its own. */
struct counter {
	volatile u64 value;
} __attribute__((aligned(128)));

/* Best effort's: the latest virtual time at which one of its tasks began to run, and where. */
struct clock {
	volatile u64 vtime_ns;
	u32 cpu;
} __attribute__((aligned(128)));

/* CPUs of one last-level cache, at most 16: they share a pair of queues, and best effort's virtual time. */
struct shard_ctx {
	u64 id __attribute__((aligned(128)));
	u32 nr_cpus;
	struct counter nr_slo;
	struct counter nr_best_effort;
	struct clock clock;
};

/* Of what runs on a CPU, where it has a limit, and of what ran there before. */
struct limited {
	u64 until_ns;       /* it may run up to here, as far as its limit goes */
	u64 exec_ns;        /* what its task had executed when that was noted last, as the kernel counts it */
	u64 owed_ns;        /* noted and not charged yet */
	u64 ample_until_ns; /* up to here nobody has to look how much is left of it */
	u32 limit;          /* whose: place in `limits` */
} __attribute__((aligned(128)));

/* Tasks that wait for a limit: a queue of its own, for every so many-th limit. */
#define SLO_PARKINGS 512
struct parking {
	u64 alarm_ns; /* its timer is armed for then; 0: it is not */
	u32 nr;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_map SEC(".maps");

struct slo_timer {
	struct bpf_timer timer;
};

/* Ends the floor's turn of a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLO_MAX_CPUS);
	__type(key, u32); /* CPU */
	__type(value, struct slo_timer);
} floor_timers SEC(".maps");

/* Asks a CPU to reschedule at the instant from which that is allowed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLO_MAX_CPUS);
	__type(key, u32); /* CPU */
	__type(value, struct slo_timer);
} kick_timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slo_timer);
} heartbeat_timer SEC(".maps");

/* Lets go those that wait in a parking queue, when the first of their limits is filled again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLO_PARKINGS);
	__type(key, u32);
	__type(value, struct slo_timer);
} parking_timers SEC(".maps");

/* Looks at all of them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slo_timer);
} parked_timer SEC(".maps");

/* Set before loading. */
const volatile u32 nr_cpus = 1;
const volatile u32 nr_shards = 1;
const volatile u64 tick_ns = 4 * SLO_NSEC_PER_MSEC;
const volatile u64 enq_immed = 0;           /* SCX_ENQ_IMMED where the kernel knows it, see take() */
const volatile u64 floor_credit_max_ns = 0; /* slo_floor_credit_max_ns() of the tunables */

/* Written by the daemon while the scheduler runs. */
volatile u64 smallest_budget_ns = 0;

/* Read by the daemon: CLOCK_MONOTONIC of the last time that the queues were seen to be served. */
volatile u64 heartbeat_ns = 0;

/* Written by ops.exit, read by the daemon. */
struct slo_exit_record exit_record;

/* Static: the daemon has no business here, and the skeleton leaves them out. */
static struct cpu_ctx cpus[SLO_MAX_CPUS];
static struct shard_ctx shards[SLO_MAX_SHARDS];
/* What a job of a unit is expected to execute; kept for SloMetric=response alone. By the number of the unit:
 * of two that are as far apart as there are places, one is long gone, or they share. */
static u64 expected_exec_ns[SLO_CAPACITY_MAX];
/* One bit per CPU; the number of words is a power of two, to be masked. */
#define CPU_WORDS (SLO_MAX_CPUS / 64)
static u64
	best_effort_cpus[CPU_WORDS]; /* ran best effort when last seen: a hint where to look for a victim */
static u64 idle_cpus[CPU_WORDS];     /* idle, or about to be */
static struct parking parkings[SLO_PARKINGS];
static struct limited limited_runs[SLO_MAX_CPUS];
static struct counter clock_ahead[SLO_MAX_CPUS]; /* of the run queue, of CLOCK_MONOTONIC */
static u32 nr_offline; /* gone since we are here; the kernel takes and brings one at a time */

/* Numbers are below their limits (init refuses more); the masks are how the verifier knows. */
static __always_inline struct cpu_ctx *cpu_ctx_of(s32 cpu)
{
	static_assert((SLO_MAX_CPUS & (SLO_MAX_CPUS - 1)) == 0, "a mask needs a power of two");
	return &cpus[(u32)cpu & (SLO_MAX_CPUS - 1)];
}

static __always_inline struct shard_ctx *shard_ctx_of(u32 shard)
{
	static_assert((SLO_MAX_SHARDS & (SLO_MAX_SHARDS - 1)) == 0, "a mask needs a power of two");
	return &shards[shard & (SLO_MAX_SHARDS - 1)];
}

static __always_inline struct limited *limited_run_of(s32 cpu)
{
	return &limited_runs[(u32)cpu & (SLO_MAX_CPUS - 1)];
}

static __always_inline struct counter *clock_ahead_of(s32 cpu)
{
	return &clock_ahead[(u32)cpu & (SLO_MAX_CPUS - 1)];
}

/* At init, when nothing stands still yet, and at ticks, which have read the clock. */
static __always_inline void note_clock(s32 cpu, u64 now)
{
	clock_ahead_of(cpu)->value = now - bpf_ktime_get_ns();
}

/*
 * For timers and wakeups before they are queued, which lock no run queue. The kernel takes its run queue's
 * clock for right where it was read, until the lock is let go of in the usual way. It is not where another
 * CPU has taken a task from this one's queue: from there on scx_bpf_now() stands still here, mostly up to the
 * next tick (seen with 7.3: 2.4 ms). Without a lock nobody may be told what stands there.
 */
static __noinline u64 now_unlocked(void)
{
	s32 cpu = (s32)bpf_get_smp_processor_id();
	u64 now = slo_now();
	u64 real_ns;

	if (!bpf_ksym_exists(scx_bpf_now___optional) || now != slo_rq_now(cpu))
		return now;
	real_ns = bpf_ktime_get_ns() + clock_ahead_of(cpu)->value;
	return slo_before(now, real_ns) ? real_ns : now;
}

static __always_inline struct parking *parking_at(u32 parking)
{
	static_assert((SLO_PARKINGS & (SLO_PARKINGS - 1)) == 0, "a mask needs a power of two");
	return &parkings[parking & (SLO_PARKINGS - 1)];
}

static __always_inline u64 *expected_exec_of(u32 unit)
{
	static_assert((SLO_CAPACITY_MAX & (SLO_CAPACITY_MAX - 1)) == 0, "a mask needs a power of two");
	return &expected_exec_ns[unit & (SLO_CAPACITY_MAX - 1)];
}

static __always_inline u32 shard_of(s32 cpu)
{
	return cpu_shard[(u32)cpu & (SLO_MAX_CPUS - 1)];
}

static __always_inline bool is_offline(s32 cpu)
{
	return nr_offline != 0 && cpu_ctx_of(cpu)->is_offline;
}

/* Callbacks look it up once and hand it on. */
static __always_inline struct shard_ctx *shard_at(s32 cpu)
{
	return shard_ctx_of(shard_of(cpu));
}

static __always_inline u64 *cpu_word(u64 *words, s32 cpu)
{
	return &words[(u32)cpu / 64 & (CPU_WORDS - 1)];
}

static __always_inline bool has_cpu_bit(u64 *words, s32 cpu)
{
	return *cpu_word(words, cpu) >> ((u32)cpu % 64) & 1;
}

/* Full barriers, both: what is read after them is newer than the bit. */
static __always_inline void set_cpu_bit(u64 *words, s32 cpu, bool value)
{
	u64 bit = 1ull << ((u32)cpu % 64);

	if (value)
		__sync_fetch_and_or(cpu_word(words, cpu), bit);
	else
		__sync_fetch_and_and(cpu_word(words, cpu), ~bit);
}

/* NULL only for a task that init_task never saw; init_task makes the storage, as making it elsewhere may
 * fail. */
static __always_inline struct task_ctx *task_ctx_of(struct task_struct *p)
{
	return bpf_task_storage_get(&task_map, p, NULL, 0);
}

#endif
