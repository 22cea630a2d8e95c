/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who ran on each CPU lately, so that a miss can be told with the name of what ran instead. Writing costs a
 * few stores per switch, on a line of that CPU alone; reading is for the rare miss that is reported.
 *
 * All of it happens under the lock of the CPU's run queue. Times are those of one clock, whichever is
 * cheapest; only spans of it matter. One that always reads 0 switches the log off.
 */
#ifndef SLO_RUN_LOG_BPF_H
#define SLO_RUN_LOG_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "bpf/abi/slo_abi.h"

/* Powers of two. A wait in which more runs than these began is told by the latest of them. */
#define RUN_LOG_RUNS 64
/* Cgroups that are told apart in one wait; runs of further ones are left out. */
#define RUN_LOG_SHARES 8

struct run {
	u64 from_ns;  /* 0: none */
	u64 until_ns; /* 0: not known yet */
	u64 cgroup_id;
	u32 tid;
	u32 pad;
	u64 comm[SLO_COMM_LEN / sizeof(u64)];
};

/* What the tasks of one cgroup ran. */
struct share {
	u64 cgroup_id;
	u64 ran_ns;
	u64 longest_ns; /* of its runs */
	u32 longest;    /* index of that run */
	u32 pad;
};

struct run_log {
	u32 next; /* counts up; the place in `runs` is its remainder */
	/* The observer's own: whether somebody answers for the task that runs, and as of which settings. */
	u32 is_judged;
	u32 generation;
	u32 pad;
	struct run runs[RUN_LOG_RUNS];
	struct share shares[RUN_LOG_SHARES]; /* room to work in */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the daemon makes it one per CPU */
	__type(key, u32);
	__type(value, struct run_log);
} run_logs SEC(".maps");

struct task_struct *bpf_task_from_pid___optional(s32 pid) __ksym __weak;
void bpf_task_release___optional(struct task_struct *p) __ksym __weak;

static __always_inline struct run_log *run_log_of(s32 cpu)
{
	u32 key = (u32)cpu;

	return bpf_map_lookup_elem(&run_logs, &key);
}

/* The task had this CPU, and has left it. Of a miss it is enough to know who ran before: what runs just then
 * is the task itself. */
static __always_inline void log_run(struct run_log *log, struct task_struct *p, u64 cgroup_id, u64 from_ns,
				    u64 until_ns) __must_hold(rq)
{
	struct run *run = &log->runs[log->next++ % RUN_LOG_RUNS];
	const u64 *comm = (const u64 *)p->comm;

	run->from_ns = from_ns;
	run->until_ns = until_ns;
	run->cgroup_id = cgroup_id;
	run->tid = (u32)p->pid;
	run->comm[0] = comm[0];
	run->comm[1] = comm[1];
}

/* The task gets this CPU, and whoever had it leaves it. */
static __always_inline void log_switch(struct run_log *log, struct task_struct *p, u64 cgroup_id, u64 now)
	__must_hold(rq)
{
	struct run *run = &log->runs[(log->next - 1) % RUN_LOG_RUNS];

	if (run->until_ns == 0)
		run->until_ns = now;
	log_run(log, p, cgroup_id, now, 0);
}

/* The CPU goes idle. */
static __always_inline void log_idle(struct run_log *log, u64 now) __must_hold(rq)
{
	log->runs[(log->next - 1) % RUN_LOG_RUNS].until_ns = now;
}

static __always_inline void add_share(struct run_log *log, u32 index, u64 ran_ns) __must_hold(rq)
{
	const struct run *run = &log->runs[index % RUN_LOG_RUNS];
	int i;

	bpf_for (i, 0, RUN_LOG_SHARES) {
		struct share *share = &log->shares[(u32)i % RUN_LOG_SHARES];

		if (share->ran_ns != 0 && share->cgroup_id != run->cgroup_id)
			continue;
		share->cgroup_id = run->cgroup_id;
		share->ran_ns += ran_ns;
		if (ran_ns > share->longest_ns) {
			share->longest_ns = ran_ns;
			share->longest = index;
		}
		break;
	}
}

/* Adds up what others ran on this CPU in the last span_ns, newest first. */
static __always_inline void add_runs(struct run_log *log, u32 own_tid, u64 now, u64 span_ns) __must_hold(rq)
{
	u64 from = now > span_ns ? now - span_ns : 0;
	u64 until = now;
	u32 i;

	bpf_for (i, 0, RUN_LOG_SHARES) {
		struct share *share = &log->shares[i % RUN_LOG_SHARES];

		share->ran_ns = 0;
		share->longest_ns = 0;
	}
	bpf_for (i, 1, RUN_LOG_RUNS + 1) {
		u32 index = (log->next - i) % RUN_LOG_RUNS;
		const struct run *run = &log->runs[index];
		u64 began = run->from_ns > from ? run->from_ns : from;

		if (run->from_ns == 0 || until <= from)
			break;
		if (run->until_ns != 0 && run->until_ns < until)
			until = run->until_ns;
		if (run->tid != own_tid && began < until)
			add_share(log, index, until - began);
		until = run->from_ns;
	}
}

/* The name of a cgroup, by a task of it that is still there. */
static __always_inline void name_cgroup(char *name, u32 size, u64 cgroup_id, u32 tid)
{
	struct task_struct *p;

	if (!bpf_ksym_exists(bpf_task_from_pid___optional) || !bpf_ksym_exists(bpf_task_release___optional))
		return;
	p = bpf_task_from_pid___optional((s32)tid);
	if (!p)
		return;
	if (BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id) == cgroup_id)
		bpf_probe_read_kernel_str(name, size, BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, name));
	bpf_task_release___optional(p);
}

/* The cgroup that ran most on this CPU in the last span_ns, other than the task itself, and its longest run.
 */
static __noinline void find_rival(struct slo_rival *rival __arg_nonnull, u32 own_tid, s32 cpu, u64 now,
				  u64 span_ns) __must_hold(rq)
{
	struct run_log *log = run_log_of(cpu);
	const struct share *most = NULL;
	const struct run *run;
	u32 i;

	rival->ran_ns = 0;
	rival->tid = 0;
	rival->pad = 0;
	rival->comm[0] = '\0';
	rival->cgroup[0] = '\0';
	if (!log)
		return;
	add_runs(log, own_tid, now, span_ns);
	bpf_for (i, 0, RUN_LOG_SHARES) {
		const struct share *share = &log->shares[i % RUN_LOG_SHARES];

		if (share->ran_ns > rival->ran_ns) {
			rival->ran_ns = share->ran_ns;
			most = share;
		}
	}
	if (!most)
		return;
	run = &log->runs[most->longest % RUN_LOG_RUNS];
	rival->tid = run->tid;
	__builtin_memcpy(rival->comm, run->comm, sizeof(run->comm));
	name_cgroup(rival->cgroup, sizeof(rival->cgroup), run->cgroup_id, run->tid);
}

#endif
