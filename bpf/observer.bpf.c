// SPDX-License-Identifier: GPL-2.0-only
/*
 * The observer: tracing probes that drive the job accounting under whatever scheduler runs. They mean what
 * the scheduler's callbacks mean: a job begins with a wakeup or a fork, and ends where the task leaves its
 * CPU in order to sleep. Tasks of a real-time class are left out, as they are when our scheduler runs.
 *
 * Nothing here needs sched_ext, nor looks at a queue.
 */
#include "accounting.bpf.h"

char _license[] SEC("license") = "GPL";

struct observed {
	struct accounting acct;
	u64 waking_ns; /* of the wakeup under way; 0: none, or nobody wants to know */
	u64 slept_ns;  /* when the last job ended */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct observed);
} observed_tasks SEC(".maps");

/* Read by the daemon: jobs that began without storage. */
volatile u64 untracked = 0;

static __always_inline struct observed *known(struct task_struct *p)
{
	return bpf_task_storage_get(&observed_tasks, p, NULL, 0);
}

/* Kernels before 7.0 refuse it at times: tried again at the next beginning of a job. */
static __always_inline struct observed *follow(struct task_struct *p)
{
	struct observed *obs = known(p);

	if (obs)
		return obs;
	obs = bpf_task_storage_get(&observed_tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!obs)
		return NULL;
	obs->acct.slot = SLO_NO_SLOT;
	obs->acct.job_slot = SLO_NO_SLOT;
	return obs;
}

/* Of a class above those that the scheduler manages: real-time, deadline, or one that inherited the like. */
static __always_inline bool is_real_time(const struct task_struct *p)
{
	return p->prio < MAX_RT_PRIO;
}

/* The clock costs more than the rest: it is read where somebody will see the result. */
static __always_inline u64 now_for(const struct accounting *acct)
{
	return acct->job_slot != SLO_NO_SLOT ? bpf_ktime_get_ns() : 0;
}

static __always_inline void begin_observed(struct observed *obs, struct task_struct *p)
{
	struct accounting *acct = &obs->acct;
	u64 from = obs->waking_ns;

	obs->waking_ns = 0;
	if (acct->job.state != SLO_JOB_NONE)
		return;
	refresh_unit(acct, p);
	begin_job(acct);
	if (acct->job_slot == SLO_NO_SLOT)
		from = 0;
	else if (from == 0)
		from = bpf_ktime_get_ns();
	else if (from < obs->slept_ns)
		from = obs->slept_ns; /* woken while it was still on its way to sleep */
	slo_job_wakes(&acct->job, from);
}

static __always_inline void on_wakeup(struct task_struct *p)
{
	struct observed *obs = follow(p);

	if (!obs) {
		__sync_fetch_and_add(&untracked, 1);
		return;
	}
	if (is_real_time(p))
		forget_job(&obs->acct);
	else
		begin_observed(obs, p);
}

/* Comes before the task is given a CPU, at times before it has left its last one, and also for tasks that
 * never slept: only a time to remember. */
SEC("tp_btf/sched_waking")
int BPF_PROG(slo_on_waking, struct task_struct *p)
{
	struct observed *obs = known(p);

	if (obs && obs->acct.slot != SLO_NO_SLOT)
		obs->waking_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(slo_on_wakeup, struct task_struct *p)
{
	on_wakeup(p);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(slo_on_wakeup_new, struct task_struct *p)
{
	on_wakeup(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(slo_on_fork, struct task_struct *p)
{
	follow(p); /* where it fails, the first wakeup tries again, and counts */
	return 0;
}

static __always_inline void on_switch_out(bool preempt, struct task_struct *p)
{
	struct observed *obs = known(p);
	struct slo_job_end end;
	u64 now;

	if (!obs || obs->acct.job.state == SLO_JOB_NONE)
		return;
	if (is_real_time(p)) {
		forget_job(&obs->acct);
		return;
	}
	now = now_for(&obs->acct);
	/* The state as it is now, not the one that the tracepoint hands out: that of a task which a signal
	 * kept from sleeping is back to running. */
	if (preempt || p->__state == 0) {
		slo_job_stops(&obs->acct.job, now);
		return;
	}
	obs->slept_ns = now;
	if (!slo_job_sleeps(&obs->acct.job, now, &end) || obs->acct.job_slot == SLO_NO_SLOT)
		return;
	refresh_unit(&obs->acct, p);
	count_job(&obs->acct, p, &end, (s32)bpf_get_smp_processor_id());
}

static __always_inline void on_switch_in(struct task_struct *p)
{
	struct observed *obs = known(p);

	if (!obs)
		return;
	if (is_real_time(p)) {
		forget_job(&obs->acct);
		return;
	}
	if (obs->acct.job.state == SLO_JOB_NONE) {
		refresh_unit(&obs->acct, p);
		begin_job(&obs->acct);
	}
	slo_job_runs(&obs->acct.job, now_for(&obs->acct));
}

/* The arguments after these differ between kernels. */
SEC("tp_btf/sched_switch")
int BPF_PROG(slo_on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	if (!(prev->flags & PF_IDLE))
		on_switch_out(preempt, prev);
	if (!(next->flags & PF_IDLE))
		on_switch_in(next);
	return 0;
}

/* Run once by the daemon: storage for the tasks that are there already. */
SEC("iter/task")
int slo_follow_existing(struct bpf_iter__task *ctx)
{
	struct task_struct *p = ctx->task;

	if (p)
		follow(p);
	return 0;
}
