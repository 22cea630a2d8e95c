/* SPDX-License-Identifier: GPL-2.0-only */
/* What callback_log hands from the kernel to its own process: records of a ring buffer, told apart by size.
 */
#ifndef CALLBACK_LOG_H
#define CALLBACK_LOG_H

enum logged_kind {
	LOGGED_SELECT_CPU,  /* value: wake flags */
	LOGGED_ENQUEUE,     /* value: its flags */
	LOGGED_DISPATCH,    /* tid: the task that ran before, 0: none of sched_ext */
	LOGGED_UPDATE_IDLE, /* value: whether it is idle */
	LOGGED_RUNNING,     /* value: the virtual time or key that it was queued with last */
	LOGGED_TICK,
	LOGGED_STOPPING, /* value: STOPPED_* */
	LOGGED_ENABLE,
	LOGGED_DISABLE,
	LOGGED_WAKING, /* of a real-time task, which has no callbacks */
	LOGGED_SWITCH, /* to or from such a task; tid: what runs now, value: what ran before and STOPPED_* */
	LOGGED_KINDS
};

enum {
	STOPPED_RUNNABLE = 1,
	STOPPED_ASLEEP = 2, /* it left its CPU itself, to sleep or to end */
	STOPPED_DEAD = 4,
	STOPPED_BITS = 3,
};

struct logged_event {
	unsigned long long time_ns; /* CLOCK_MONOTONIC */
	unsigned long long value;
	unsigned int kind;
	unsigned int cpu; /* where it happened; of running, tick and stopping: of the task */
	unsigned int tid;
	unsigned int by; /* what ran there meanwhile, 0: nothing, or an interrupt came in between */
};

/* A task when it is first seen, and when it is seen in another cgroup. */
struct logged_task {
	unsigned long long time_ns;
	unsigned long long cgroup_id;
	unsigned long long cpus; /* the first 64 that it may run on */
	unsigned int tid;
	unsigned int flags; /* PF_* */
	unsigned int prio;
	unsigned int cpu;
	unsigned int nr_cpus_allowed;
	unsigned int weight;
	char comm[16];
};

#endif
