// SPDX-License-Identifier: GPL-2.0-only
/*
 * The recorder: tracing probes that write down when the tasks of chosen units wake, run, stop and sleep,
 * under whatever scheduler runs. Loaded for as long as a recording lasts. All tasks are followed, so that one
 * which is moved into a chosen unit comes with the state that it is in; records are made of the units' alone.
 *
 * The records of one task are in order, and each follows from the one before: WAKE or FORK, RUN, then STOP
 * and RUN any number of times, SLEEP or EXIT. The first one of a task, and the one after EXIT, may be any.
 */
#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/abi/slo_trace.h"
#include "bpf/kernel/cgroup.bpf.h"

char _license[] SEC("license") = "GPL";

/* Bytes; 170,000 records, which the daemon takes out twenty times a second. */
#define RECORDS_SIZE (4 * 1024 * 1024)

/* What a task does, as far as it was seen. */
#define TASK_UNKNOWN 0
#define TASK_ASLEEP 1
#define TASK_WAITS 2
#define TASK_RUNS 3

/* All zero: nothing is known. */
struct followed {
	u64 cgroup_id; /* member is that of this cgroup at this generation */
	u64 waking_ns; /* of the wakeup under way; 0: none, or nobody wants to know */
	u64 last_ns;   /* of the last record */
	u32 generation;
	u32 member; /* the unit's index + 1; 0: of no chosen unit */
	u32 state;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct followed);
} followed_tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SLO_TRACE_UNITS_MAX);
	__type(key, u64);   /* cgroup id */
	__type(value, u32); /* index of the unit */
} chosen_units SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RECORDS_SIZE);
} records SEC(".maps");

/* Set by the daemon while all probes are attached: they are attached, and detached, one after the other, and
 * with some of them a task would seem to run without having woken. */
volatile u32 recording = 0;

/* Raised by the daemon after every change of chosen_units. */
volatile u32 generation = 1;

/* Read by the daemon: records that found no room, or whose task could not be followed. */
volatile u64 lost = 0;

static __always_inline struct followed *known(struct task_struct *p)
{
	return bpf_task_storage_get(&followed_tasks, p, NULL, 0);
}

/* Kernels before 7.0 refuse it at times: tried again at the next probe. */
static __always_inline struct followed *follow(struct task_struct *p)
{
	struct followed *task = known(p);

	return task ?: bpf_task_storage_get(&followed_tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* member of the nearest chosen cgroup from `cgrp` up. */
static __always_inline u32 find_member(struct cgroup *cgrp)
{
	u32 *unit = find_by_cgroup(&chosen_units, cgrp);

	return unit ? *unit + 1 : 0;
}

static __always_inline void fill(struct slo_trace_record *record, struct task_struct *p, u32 member, u32 kind,
				 u64 time_ns, u32 cpu)
{
	record->time_ns = time_ns;
	record->tid = (u32)p->pid;
	record->cpu = (slo_u16)cpu;
	record->unit = (u8)(member - 1);
	record->kind = (u8)(kind | (p->prio < MAX_RT_PRIO ? SLO_TRACE_REAL_TIME : 0));
}

/* Returns the record's time. */
static __noinline u64 write_record(struct followed *task __arg_nonnull, struct task_struct *p __arg_trusted,
				   u32 kind, u64 time_ns, u32 cpu)
{
	struct slo_trace_record *record;

	/* A wakeup begins before the sleep that it ends is over, and the clock of another CPU may be some
	 * nanoseconds behind. */
	if (time_ns < task->last_ns)
		time_ns = task->last_ns;
	task->last_ns = time_ns;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&lost, 1);
		return time_ns;
	}
	fill(record, p, task->member, kind, time_ns, cpu);
	/* Waking the daemon would be one more switch for each, on the CPUs that are watched. */
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return time_ns;
}

/* Of a task that is seen in the middle of a job. */
static __always_inline u32 entry_kind(u32 state)
{
	return state == TASK_RUNS ? SLO_TRACE_RUN : SLO_TRACE_STOP;
}

/* The task was moved, or a unit has got another cgroup: it enters as what it is, and leaves as if it exited.
 */
static __noinline void change_unit(struct followed *task __arg_nonnull, struct task_struct *p __arg_trusted,
				   u64 cgroup_id, u32 now_generation, u64 now)
{
	/* Read first: where the iterator has told of a state, the member is set too. */
	u32 state = *(volatile u32 *)&task->state;
	bool awake = state == TASK_WAITS || state == TASK_RUNS;
	u32 member = find_member(p->cgroups->dfl_cgrp);
	u32 cpu = p->thread_info.cpu;

	task->cgroup_id = cgroup_id;
	task->generation = now_generation;
	if (member == task->member)
		return;
	if (task->member && awake)
		write_record(task, p, SLO_TRACE_EXIT, now, cpu);
	task->member = member;
	if (member && awake)
		write_record(task, p, entry_kind(state), now, cpu);
}

static __always_inline void refresh_unit(struct followed *task, struct task_struct *p, u64 now)
{
	u64 cgroup_id = p->cgroups->dfl_cgrp->kn->id;
	u32 now_generation = generation;

	if (task->cgroup_id != cgroup_id || task->generation != now_generation)
		change_unit(task, p, cgroup_id, now_generation, now);
}

/* Returns the state before. To be done before the member is looked at: slo_follow_existing() then either
 * finds the mark, and tells nothing, or has set the member. */
static __always_inline u32 mark(struct followed *task, u32 state)
{
	return __sync_lock_test_and_set(&task->state, state);
}

static __always_inline void on_wakeup(struct task_struct *p, u32 kind) __must_hold(task)
{
	struct followed *task;
	u32 before;
	u64 from;

	if (!recording)
		return;
	task = follow(p);
	if (!task) {
		if (find_member(p->cgroups->dfl_cgrp))
			__sync_fetch_and_add(&lost, 1);
		return;
	}
	from = task->waking_ns ?: bpf_ktime_get_ns();
	task->waking_ns = 0;
	/* Wakeups of tasks that never slept are no news. */
	if (task->state == TASK_WAITS || task->state == TASK_RUNS ||
	    (task->state == TASK_UNKNOWN && p->on_cpu))
		return;
	refresh_unit(task, p, from);
	/* slo_follow_existing() may have found it awake meanwhile, and told. */
	before = mark(task, TASK_WAITS);
	if (task->member && before != TASK_WAITS && before != TASK_RUNS)
		write_record(task, p, kind, from, p->thread_info.cpu);
}

/* Comes before the task is given a CPU, at times before it has left its last one, and also for tasks that
 * never slept: only a time to remember. */
SEC("tp_btf/sched_waking")
int BPF_PROG(slo_on_waking, struct task_struct *p)
{
	struct followed *task = recording ? known(p) : NULL;

	if (task && task->member)
		task->waking_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(slo_on_wakeup, struct task_struct *p)
{
	on_wakeup(p, SLO_TRACE_WAKE);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(slo_on_wakeup_new, struct task_struct *p)
{
	on_wakeup(p, SLO_TRACE_FORK);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(slo_on_fork, struct task_struct *p)
{
	follow(p); /* where it fails, the first wakeup tries again, and counts */
	return 0;
}

/* Returns when it left: not before what was told of it last. */
static __always_inline u64 on_switch_out(bool preempt, struct task_struct *p, u64 now) __must_hold(rq)
{
	struct followed *task = follow(p);
	u32 kind;

	if (!task)
		return now;
	refresh_unit(task, p, now);
	/* The state as it is now, not the one that the tracepoint hands out: that of a task which a signal
	 * kept from sleeping is back to running. */
	if (preempt || p->__state == 0)
		kind = SLO_TRACE_STOP;
	else
		kind = p->__state & TASK_DEAD ? SLO_TRACE_EXIT : SLO_TRACE_SLEEP;
	mark(task, kind == SLO_TRACE_STOP ? TASK_WAITS : TASK_ASLEEP);
	return task->member ? write_record(task, p, kind, now, bpf_get_smp_processor_id()) : now;
}

static __always_inline void on_switch_in(struct task_struct *p, u64 now) __must_hold(rq)
{
	struct followed *task = follow(p);

	if (!task)
		return;
	refresh_unit(task, p, now);
	mark(task, TASK_RUNS);
	if (task->member)
		write_record(task, p, SLO_TRACE_RUN, now, bpf_get_smp_processor_id());
}

/* The arguments after these differ between kernels. */
SEC("tp_btf/sched_switch")
int BPF_PROG(slo_on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	u64 now;

	if (!recording)
		return 0;
	now = bpf_ktime_get_ns();
	if (!(prev->flags & PF_IDLE))
		now = on_switch_out(preempt, prev, now);
	if (!(next->flags & PF_IDLE))
		on_switch_in(next, now);
	return 0;
}

/*
 * Run once by the daemon, after the probes are attached: what the tasks do that are there already, so that
 * one which goes on running, or waiting, for long is not taken for asleep.
 *
 * The place among the records is taken first and kept only if no probe has seen the task until then:
 * whatever a probe writes of it comes after.
 *
 * p->on_cpu changes only after the probe of the switch. So that probe has to leave a mark on every task, also
 * on one that nothing was known of: else the task would be told as what it was before.
 */
SEC("iter/task")
int slo_follow_existing(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;
	struct slo_trace_record *record;
	struct followed *task;
	u64 now;
	u32 state;

	if (!p || (p->flags & PF_IDLE))
		return 0;
	task = follow(p);
	if (!task || task->state != TASK_UNKNOWN)
		return 0;
	now = bpf_ktime_get_ns();
	refresh_unit(task, p, now);
	state = p->on_cpu ? TASK_RUNS : p->__state == 0 ? TASK_WAITS : TASK_ASLEEP;
	if (!task->member || state == TASK_ASLEEP) {
		__sync_val_compare_and_swap(&task->state, TASK_UNKNOWN, state);
		return 0;
	}
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	/* The probe that comes next may have read the clock before. */
	task->last_ns = now;
	fill(record, p, task->member, entry_kind(state), now, p->thread_info.cpu);
	if (__sync_val_compare_and_swap(&task->state, TASK_UNKNOWN, state) == TASK_UNKNOWN)
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	return 0;
}
