// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs each callback of the scheduler where it begins, and besides what moves tasks without one: tasks of
 * real-time classes. Who is attached to is said by callback_log.cpp.
 */
#include "bpf/kernel/types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "callback_log.h"

char _license[] SEC("license") = "GPL";

/* include/linux/preempt.h: an interrupt or a softirq is being served. The count of interrupts is bits 16 to
 * 19, and since 7.x bits 24 to 27, behind that of sections with interrupts disabled. */
#define SERVES_INTERRUPT 0x0fff0100

extern const int __preempt_count __ksym;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} records SEC(".maps");

/* Tasks that were told of, and in which cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64);
} told SEC(".maps");

/* Set by the process. */
bool is_on;
unsigned long long lost;

static __always_inline u32 by_whom(void)
{
	const int *count = bpf_this_cpu_ptr(&__preempt_count);

	return (*count & SERVES_INTERRUPT) ? 0 : (u32)bpf_get_current_pid_tgid();
}

static __noinline void tell(struct task_struct *p, u32 tid)
{
	u64 cgroup_id = BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id);
	const u64 *known = bpf_map_lookup_elem(&told, &tid);
	struct logged_task *task;

	if (known && *known == cgroup_id)
		return;
	bpf_map_update_elem(&told, &tid, &cgroup_id, 0);
	task = bpf_ringbuf_reserve(&records, sizeof(*task), 0);
	if (!task) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	task->time_ns = bpf_ktime_get_ns();
	task->cgroup_id = cgroup_id;
	task->cpus = BPF_CORE_READ(p, cpus_ptr, bits[0]);
	task->tid = tid;
	task->flags = BPF_CORE_READ(p, flags);
	task->prio = (u32)BPF_CORE_READ(p, prio);
	task->cpu = BPF_CORE_READ(p, thread_info.cpu);
	task->nr_cpus_allowed = (u32)BPF_CORE_READ(p, nr_cpus_allowed);
	task->weight = BPF_CORE_READ(p, scx.weight);
	BPF_CORE_READ_STR_INTO(&task->comm, p, comm);
	bpf_ringbuf_submit(task, BPF_RB_NO_WAKEUP);
}

static __noinline int note(u32 kind, struct task_struct *p, u32 cpu, u64 value)
{
	struct logged_event *event;
	u64 now = bpf_ktime_get_ns();
	u32 tid = 0;

	if (!is_on)
		return 0;
	if (p) {
		tid = (u32)BPF_CORE_READ(p, pid);
		if (tid)
			tell(p, tid);
	}
	event = bpf_ringbuf_reserve(&records, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->time_ns = now;
	event->value = value;
	event->kind = kind;
	event->cpu = cpu;
	event->tid = tid;
	event->by = by_whom();
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
}

/* The arguments of a callback: a program of struct_ops has them in an array. */
static __always_inline u64 argument(const u64 *callback, u32 index)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), callback + index);
	return value;
}

static __always_inline struct task_struct *task_argument(const u64 *callback, u32 index)
{
	return (struct task_struct *)argument(callback, index);
}

static __always_inline u32 cpu_of(struct task_struct *p)
{
	return BPF_CORE_READ(p, thread_info.cpu);
}

static __always_inline u64 why_stopped(struct task_struct *p, u32 state, bool runnable, bool is_own)
{
	u64 why = runnable ? STOPPED_RUNNABLE : 0;

	if (!runnable && state != 0 && is_own)
		why |= STOPPED_ASLEEP | (state & TASK_DEAD ? STOPPED_DEAD : 0);
	return why;
}

SEC("fentry/slo_select_cpu")
int BPF_PROG(log_select_cpu, const u64 *callback)
{
	return note(LOGGED_SELECT_CPU, task_argument(callback, 0), bpf_get_smp_processor_id(),
		    argument(callback, 2));
}

SEC("fentry/slo_enqueue")
int BPF_PROG(log_enqueue, const u64 *callback)
{
	return note(LOGGED_ENQUEUE, task_argument(callback, 0), bpf_get_smp_processor_id(),
		    argument(callback, 1));
}

SEC("fentry/slo_dispatch")
int BPF_PROG(log_dispatch, const u64 *callback)
{
	return note(LOGGED_DISPATCH, task_argument(callback, 1), (u32)argument(callback, 0), 0);
}

SEC("fentry/slo_update_idle")
int BPF_PROG(log_update_idle, const u64 *callback)
{
	return note(LOGGED_UPDATE_IDLE, NULL, (u32)argument(callback, 0), argument(callback, 1) & 1);
}

SEC("fentry/slo_running")
int BPF_PROG(log_running, const u64 *callback)
{
	struct task_struct *p = task_argument(callback, 0);

	return note(LOGGED_RUNNING, p, cpu_of(p), BPF_CORE_READ(p, scx.dsq_vtime));
}

SEC("fentry/slo_tick")
int BPF_PROG(log_tick, const u64 *callback)
{
	struct task_struct *p = task_argument(callback, 0);

	return note(LOGGED_TICK, p, cpu_of(p), 0);
}

SEC("fentry/slo_stopping")
int BPF_PROG(log_stopping, const u64 *callback)
{
	struct task_struct *p = task_argument(callback, 0);
	bool is_own = bpf_get_current_task() == (u64)p;

	return note(LOGGED_STOPPING, p, cpu_of(p),
		    why_stopped(p, BPF_CORE_READ(p, __state), argument(callback, 1) & 1, is_own));
}

SEC("fentry/slo_enable")
int BPF_PROG(log_enable, const u64 *callback)
{
	return note(LOGGED_ENABLE, task_argument(callback, 0), bpf_get_smp_processor_id(), 0);
}

SEC("fentry/slo_disable")
int BPF_PROG(log_disable, const u64 *callback)
{
	return note(LOGGED_DISABLE, task_argument(callback, 0), bpf_get_smp_processor_id(), 0);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(log_waking, struct task_struct *p)
{
	return p->prio < MAX_RT_PRIO ? note(LOGGED_WAKING, p, bpf_get_smp_processor_id(), 0) : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(log_switch, bool preempt, struct task_struct *prev, struct task_struct *next, u32 prev_state)
{
	if (prev->prio >= MAX_RT_PRIO && next->prio >= MAX_RT_PRIO)
		return 0;
	return note(LOGGED_SWITCH, next, bpf_get_smp_processor_id(),
		    (u64)prev->pid << STOPPED_BITS | why_stopped(prev, prev_state, prev_state == 0, true));
}
