// SPDX-License-Identifier: GPL-2.0-only
/*
 * The observer: tracing probes that drive the job accounting under whatever scheduler runs. They mean what
 * the scheduler's callbacks mean: a job begins with a wakeup or a fork, and ends where the task leaves its
 * CPU in order to sleep. Tasks of a real-time class are left out, as they are when our scheduler runs.
 *
 * Nothing here needs sched_ext, nor looks at a queue.
 */
#include "bpf/accounting/jobs.bpf.h"
#include "bpf/kernel/task_group.bpf.h"
#include "bpf/policy/group.h"

char _license[] SEC("license") = "GPL";

/* How often the kernel's scheduler had throttled a task's group, or one above it. */
struct throttles {
	u64 task_group; /* 0: it had no limit */
	u32 number;
	u32 pad;
};

struct observed {
	struct accounting acct;
	u64 waking_ns; /* of the last wakeup; 0: none since the last job began, or nobody wanted to know */
	u64 slept_ns;  /* when the last job ended */
	struct throttles waking_throttles; /* at waking_ns */
	struct throttles job_throttles;    /* when the present job began */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct observed);
} observed_tasks SEC(".maps");

/* Read by the daemon: runs of tasks without storage. */
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
	return obs;
}

extern const struct rq runqueues __ksym __weak;

/* Of this CPU, read on the way here; 0 where the kernel does not show it. */
static __always_inline u64 run_queue_clock(void)
{
	const struct rq *rq = bpf_ksym_exists(&runqueues) ? bpf_this_cpu_ptr(&runqueues) : NULL;

	return rq ? rq->clock : 0;
}

/* Of a class above those that the scheduler manages: real-time, deadline, or one that inherited the like. */
static __always_inline bool is_real_time(const struct task_struct *p)
{
	return p->prio < MAX_RT_PRIO;
}

/* In how many periods the kernel has throttled the group or one above it. It counts a period at its end,
 * before those that were throttled run again. */
static __noinline u32 nr_throttled_of(struct task_struct *p __arg_trusted) __must_hold(rcu)
{
	const struct task_group *group = p->sched_task_group;
	u32 nr_throttled = 0;
	int i;

	bpf_for (i, 0, SLO_GROUP_DEPTH_MAX) {
		if (!group)
			break;
		nr_throttled += (u32)group->cfs_bandwidth.nr_throttled;
		group = group->parent;
	}
	return nr_throttled;
}

static __always_inline void note_throttles(struct throttles *throttles, struct task_struct *p)
	__must_hold(task)
{
	throttles->task_group = 0;
	if (!has_limit(p))
		return;
	throttles->task_group = (u64)p->sched_task_group;
	throttles->number = nr_throttled_of(p);
}

/* Since they were noted. Of a task that was moved meanwhile nobody can tell. */
static __always_inline bool was_throttled(const struct throttles *throttles, struct task_struct *p)
	__must_hold(task)
{
	return throttles->task_group != 0 && throttles->task_group == (u64)p->sched_task_group &&
	       throttles->number != nr_throttled_of(p);
}

/*
 * Comes before the task is given a CPU, at times before it has left its last one, and also for tasks that
 * never slept: settings to bring up to date and a time to remember. The last one before a task without a job
 * runs is the one that woke it, as no other can come until then. That saves a probe in sched_wakeup, which
 * would have to look the task up once more.
 */
static __always_inline void wakes(struct observed *obs, struct task_struct *p) __must_hold(task)
{
	refresh_unit(&obs->acct, p);
	/* The clock costs more than the rest: it is read where somebody will see the result. */
	if (obs->acct.slot == SLO_NO_SLOT)
		return;
	obs->waking_ns = bpf_ktime_get_ns();
	/* Here and not with the first run: the task may be throttled before that. */
	note_throttles(&obs->waking_throttles, p);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(slo_on_waking, struct task_struct *p)
{
	struct observed *obs = known(p);

	if (obs)
		wakes(obs, p);
	return 0;
}

/* A new task's first wakeup has no sched_waking. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(slo_on_wakeup_new, struct task_struct *p)
{
	struct observed *obs = follow(p);

	if (obs)
		wakes(obs, p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(slo_on_fork, struct task_struct *p)
{
	follow(p); /* where it fails, the first wakeup tries again */
	return 0;
}

/* Returns the instant of the switch, or 0 where nobody had to know it. */
static __always_inline u64 on_switch_out(bool preempt, struct task_struct *p, s32 cpu, u64 log_now)
	__must_hold(rq)
{
	struct observed *obs = known(p);
	struct slo_job_end end;
	bool sleeps;
	u64 now;

	if (!obs)
		return 0;
	/* The state as it is now, not the one that the tracepoint hands out: that of a task which a signal
	 * kept from sleeping is back to running. */
	sleeps = !preempt && p->__state != 0;
	if (obs->acct.job.state == SLO_JOB_NONE) {
		/* What came while it ran has not woken it. */
		if (obs->waking_ns != 0 && !sleeps)
			obs->waking_ns = 0;
		return 0;
	}
	if (is_real_time(p)) {
		forget_job(&obs->acct);
		return 0;
	}
	now = bpf_ktime_get_ns();
	if (!sleeps) {
		slo_job_stops(&obs->acct.job, now);
		return now;
	}
	obs->slept_ns = now;
	slo_job_sleeps(&obs->acct.job, now, &end);
	refresh_unit(&obs->acct, p);
	if (was_throttled(&obs->job_throttles, p))
		obs->acct.job_cfg_flags |= SLO_JOB_THROTTLED;
	count_job(&obs->acct, p, &end, cpu, log_now);
	return now;
}

/* A job begins with its first run, and reaches back to the wakeup. now: the instant of the switch, if known:
 * what it took since then to count the job that ended is nobody's wait. */
static __always_inline void on_switch_in(struct run_log *log, struct task_struct *p, u64 log_now, u64 now)
	__must_hold(rq)
{
	struct observed *obs = follow(p);
	u64 from;

	if (!obs) {
		__sync_fetch_and_add(&untracked, 1);
		return;
	}
	if (obs->acct.cgroups == 0)
		refresh_unit(&obs->acct, p); /* runs since before we looked */
	log_switch(log, p, obs->acct.cgroup_id, log_now);
	log->is_judged = obs->acct.slot != SLO_NO_SLOT || obs->acct.job.state != SLO_JOB_NONE;
	log->generation = obs->acct.generation;
	from = obs->waking_ns;
	if (obs->acct.job.state == SLO_JOB_NONE) {
		/* Of no unit, or it was woken before the unit had settings, or before we looked. */
		if (from == 0)
			return;
		obs->waking_ns = 0;
		if (is_real_time(p))
			return;
		begin_job(&obs->acct);
		obs->job_throttles = obs->waking_throttles;
		/* It may have been woken while it was still on its way to sleep. */
		slo_job_wakes(&obs->acct.job, from < obs->slept_ns ? obs->slept_ns : from);
	} else if (is_real_time(p)) {
		forget_job(&obs->acct);
		return;
	}
	slo_job_runs(&obs->acct.job, now ? now : bpf_ktime_get_ns());
}

/* The arguments after these differ between kernels. */
SEC("tp_btf/sched_switch")
int BPF_PROG(slo_on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	s32 cpu = (s32)bpf_get_smp_processor_id();
	struct run_log *log = run_log_of(cpu);
	u64 log_now = run_queue_clock();
	u64 now = 0;

	if (!log)
		return 0;
	/* What was known of a task when it got the CPU spares the look-up of one that nobody answers for. */
	if (!(prev->flags & PF_IDLE) && (log->is_judged || log->generation != cfg_generation))
		now = on_switch_out(preempt, prev, cpu, log_now);
	if (next->flags & PF_IDLE)
		log_idle(log, log_now);
	else
		on_switch_in(log, next, log_now, now);
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
