// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler: callbacks gather facts, ask job.h and policy.h, and carry out the answer.
 *
 * Two kinds of queues: `SLO`, ordered by key (the latest start that keeps the budget), and `best effort`,
 * ordered by weighted virtual time. Each exists once per shard (the CPUs of a last-level cache, at most 16)
 * and once per CPU, for tasks that may run only there. A CPU that needs work takes the earliest key; without
 * SLO tasks, or when best effort has its turn, the earliest virtual time; without either, what waits in other
 * shards.
 *
 * A waking task goes to an idle CPU at once. Where none is idle, an SLO task is queued first, then a CPU is
 * told to look again: whichever CPU comes takes the earliest key.
 */
#include "bpf/scheduler/pick.bpf.h"
#include "bpf/scheduler/dump.bpf.h"
#include "bpf/scheduler/job.bpf.h"
#include "bpf/scheduler/lifecycle.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops/select_cpu")
s32 BPF_PROG(slo_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *tctx;
	bool is_idle = false;
	u64 now;
	s32 cpu;

	/* Under load our own bits say that there is none to find, which spares the kernel's search. */
	if (!any_cpu_idle())
		return prev_cpu;
	tctx = task_ctx_of(p);
	if (!tctx)
		return prev_cpu;
	/* A synchronous wakeup may be put behind its waker, which need not sleep soon: not for a task with a
	 * budget. */
	if (tctx->acct.budget_ns != 0)
		wake_flags &= ~(u64)SCX_WAKE_SYNC;
	/* Whoever is given an idle CPU has to use it. */
	if (is_used_up(tctx->limit))
		return prev_cpu;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (!is_idle || is_offline(cpu))
		return cpu;
	now = now_unlocked();
	wake_job(tctx, p, now);
	if (may_have_limit(p, tctx))
		refresh_limit(tctx, p, now);
	slo_insert(p, SCX_DSQ_LOCAL, slice_of(tctx, shard_at(cpu)), enq_immed);
	return cpu;
}

static __always_inline void enqueue_slo(struct task_struct *p, struct task_ctx *tctx, s32 cpu, bool pinned,
					u64 now, u64 enq_flags) __must_hold(rq)
{
	u64 key = key_of(tctx, tctx->acct.job.exec_ns);
	u32 at = pinned ? (u32)cpu : shard_of(cpu);

	/*
	 * Counted first, then an idle CPU is looked for, then the kernel inserts it, when this callback has
	 * returned: a CPU that goes idle in between sees the count (slo_update_idle).
	 */
	join_queue(tctx, pinned ? SLO_QUEUE_PINNED_SLO : SLO_QUEUE_SHARED_SLO, at);
	slo_insert_vtime(p, (pinned ? QUEUE_PINNED_SLO : QUEUE_SHARED_SLO) | at, slo_slice_of(tctx), key,
			 enq_flags);
	if (wake_idle_cpu(p, cpu, pinned))
		return;
	if (pinned)
		kick_for(cpu, cpu_ctx_of(cpu), key, now);
	else
		preempt_for(p, cpu, key, now);
}

static __always_inline void enqueue_best_effort(struct task_struct *p, struct task_ctx *tctx, s32 cpu,
						bool pinned, u64 now, u64 enq_flags) __must_hold(rq)
{
	struct shard_ctx *shard = shard_at(cpu);
	u32 at = pinned ? (u32)cpu : (u32)shard->id;
	bool is_wakeup = enq_flags & SCX_ENQ_WAKEUP;
	u64 slice_ns = slice_of(tctx, shard);

	if (is_throttled(&tctx->acct))
		tctx->acct.job_cfg_flags |= SLO_JOB_THROTTLED;
	place_best_effort(p, tctx, cpu, shard, is_wakeup, now);
	join_queue(tctx, pinned ? SLO_QUEUE_PINNED_BEST_EFFORT : SLO_QUEUE_SHARED_BEST_EFFORT, at);
	slo_insert_vtime(p, (pinned ? QUEUE_PINNED_BEST_EFFORT : QUEUE_SHARED_BEST_EFFORT) | at, slice_ns,
			 waits_by_ns(tctx, shard), enq_flags);
	if (is_wakeup || tctx->goes_first)
		tell_floor(cpu, tctx->goes_first);
	if (!wake_idle_cpu(p, cpu, pinned) && is_wakeup)
		preempt_best_effort(p, tctx, cpu, shard, pinned, now);
}

SEC("struct_ops/enqueue")
void BPF_PROG(slo_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = slo_task_cpu(p);
	bool pinned = is_pinned(p);
	u64 now = slo_rq_now(cpu);

	if (!tctx) {
		/* Never seen; where it waits is not counted, so it must not wait in a queue that is.
		 * Whichever CPU comes first takes it from there. */
		slo_insert(p, SCX_DSQ_GLOBAL, tick_ns, enq_flags);
		if (enq_flags & SCX_ENQ_LAST)
			scx_bpf_kick_cpu(cpu, 0);
		return;
	}
	wake_job(tctx, p, now);
	/* Straight to its CPU, which is another one: the kernel does not ask us about those of this one. */
	if (is_here_offline())
		slo_insert(p, SCX_DSQ_LOCAL, slice_of(tctx, shard_at(cpu)), enq_flags);
	else if (may_have_limit(p, tctx) && has_parked(p, tctx, now, enq_flags))
		return;
	else if (tctx->class == SLO_CLASS_SLO)
		enqueue_slo(p, tctx, cpu, pinned, now, enq_flags);
	else
		enqueue_best_effort(p, tctx, cpu, pinned, now, enq_flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(slo_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	kick_seen(cctx);
	cctx->nr_dispatches++;
	pick(cpu, cctx, prev);
	if (cctx->helps != 0)
		cctx->helps = 0;
}

/*
 * Closes the race between queueing and going idle. Queueing counts the task, then looks at the idle bits;
 * going idle sets the bit, then looks at the counts: one of the two sees the other. The task's insertion may
 * be under way on another CPU, hence several tries; what is still there then may not run here.
 */
SEC("struct_ops/update_idle")
void BPF_PROG(slo_update_idle, s32 cpu, bool idle)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	set_cpu_bit(idle_cpus, cpu, idle && !cctx->is_offline);
	if (any_limit != 0 && idle)
		charge_owed(cpu, slo_rq_now(cpu));
	if (!idle || cctx->is_offline || cctx->idle_retries >= IDLE_RETRIES ||
	    !(pinned_queue_waits(cctx) || shared_queue_waits()))
		return;
	cctx->idle_retries++;
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
}

/* Off the usual path: it was late before. */
static __noinline void renew(struct cpu_ctx *cctx, struct task_ctx *tctx, s32 cpu, u64 now) __must_hold(rq)
{
	renew_key(tctx, tctx->acct.job.exec_ns, now);
	cctx->key_ns = key_of(tctx, tctx->acct.job.exec_ns);
	count_renewal(&tctx->acct, cpu, now);
}

SEC("struct_ops/running")
void BPF_PROG(slo_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = slo_task_cpu(p);
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct shard_ctx *shard = shard_at(cpu);
	u64 now = slo_rq_now(cpu);

	if (!tctx)
		return;
	leave_queue(tctx);
	/* First seen here (the kernel bypasses us while it attaches or detaches): its wait is not known, so
	 * it does not count. */
	if (tctx->acct.job.state == SLO_JOB_NONE) {
		refresh_unit(&tctx->acct, p);
		begin_uncounted_job(&tctx->acct, now);
		tctx->key_from_ns = now;
		tctx->job_told_ns = 0;
	}
	slo_job_runs(&tctx->acct.job, now);
	cctx->ran_from_ns = now;
	cctx->run_from_ns = now;
	cctx->charged_ns = now;
	cctx->server = tctx->acct.server;
	cctx->of_run = 0;
	note_class(cpu, cctx, tctx->class);
	if (tctx->class == SLO_CLASS_SLO) {
		cctx->key_ns = key_of(tctx, tctx->acct.job.exec_ns);
		if (slo_is_tardy(cctx->key_ns, tctx->acct.budget_ns, now))
			renew(cctx, tctx, cpu, now);
	} else {
		if (!tctx->goes_first)
			cctx->server = SLO_NO_SLOT;
		cctx->wakeup_waits = 0;
		move_vtime(tctx, shard);
		begin_turn(cpu, cctx, shard, tctx, p);
		/* Its turn is over before the next tick. */
		if (cctx->gives_way && best_effort_waits(cctx, shard))
			kick_for_first_best_effort(cpu, now);
	}
	/* Requests that came while the CPU was between two tasks found nothing to preempt, and what waits
	 * behind a running SLO task may overtake it. */
	kick_seen(cctx);
	if (slo_waits(cctx, shard))
		kick_for_first(cpu, now);
	if (may_have_limit(p, tctx))
		begin_limited(cpu, tctx, p, now);
}

/* A running SLO task does not come by dispatch() until its slice ends: the tick looks whether best effort is
 * to have a turn, and whether what waits will overtake it. And a request that best effort never had, as it
 * was lost or the CPU was thought to be idle, is found here. */
SEC("struct_ops/tick")
void BPF_PROG(slo_tick, struct task_struct *p)
{
	s32 cpu = slo_task_cpu(p);
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	const struct shard_ctx *shard = shard_at(cpu);
	u64 now = slo_rq_now(cpu);

	note_clock(cpu, now);
	/* The kernel does not tell who leaves idleness while it bypasses us. */
	if (has_cpu_bit(idle_cpus, cpu))
		set_cpu_bit(idle_cpus, cpu, false);
	look_for_first_limit(p);
	if (any_limit != 0 && look_at_limited(cpu, p, now)) {
		slo_set_slice(p, 0);
		return;
	}
	if (cctx->class != SLO_CLASS_SLO) {
		if (cctx->server != SLO_NO_SLOT)
			charge(cctx, shard, now);
		if ((slo_waits(cctx, shard) && !in_floor_turn(cctx, now)) ||
		    (cctx->server != SLO_NO_SLOT && is_empty(cctx->server)))
			slo_set_slice(p, 0);
		else if (cctx->tick_looks != 0)
			kick_for_first_best_effort(cpu, now);
		return;
	}
	charge(cctx, shard, now);
	if (floor_is_wanted(cctx, shard) || (cctx->server != SLO_NO_SLOT && is_empty(cctx->server)))
		slo_set_slice(p, 0);
	else
		kick_for_first(cpu, now);
}

/* Whoever waits for this CPU runs next, be its key or its virtual time the later one. To give the rest of its
 * turn to one that it names is more than we do. */
SEC("struct_ops/yield")
bool BPF_PROG(slo_yield, struct task_struct *from, struct task_struct *to)
{
	if (to)
		return false;
	cpu_ctx_of(slo_task_cpu(from))->yields = 1;
	slo_set_slice(from, 0);
	return true;
}

SEC("struct_ops/stopping")
void BPF_PROG(slo_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = slo_task_cpu(p);
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	struct run_log *log;
	u64 now = slo_now();

	if (!tctx)
		return;
	log = run_log_of(cpu);
	if (log)
		log_run(log, p, tctx->acct.cgroup_id, cctx->run_from_ns, now);
	charge(cctx, shard_at(cpu), now);
	cctx->class = SLO_CLASS_NONE;
	if (cctx->limit != SLO_NO_SLOT)
		end_limited(cpu, cctx, p, now);
	account_run(tctx, slo_job_stops(&tctx->acct.job, now));
	if (tctx->class != SLO_CLASS_SLO) {
		cctx->best_effort_ns = now;
		keep_weight(tctx, p, p->__state == TASK_DEAD, now);
	}
	if (goes_to_sleep(p, runnable)) {
		tctx->turn_exec_ns = 0;
		keep_credit(tctx, shard_at(cpu));
		end_job(tctx, p, cpu, now);
	} else if (tctx->class == SLO_CLASS_SLO) {
		note_demotion(&tctx->acct, tctx->acct.job.exec_ns);
	}
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(slo_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *tctx = bpf_task_storage_get(&task_map, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!tctx)
		return -12; /* ENOMEM */
	tctx->acct.slot = SLO_NO_SLOT;
	tctx->acct.server = SLO_NO_SLOT;
	tctx->limit = SLO_NO_SLOT;
	tctx->limit_ratio = NO_LIMIT;
	return 0;
}

/* The task joins the class, at load, by fork, or back from a real-time class: what it did elsewhere does not
 * count. */
SEC("struct_ops/enable")
void BPF_PROG(slo_enable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);
	u64 now = slo_rq_now(slo_task_cpu(p));

	if (!tctx)
		return;
	forget_job(&tctx->acct);
	look_for_first_limit(p);
	begin_weight(tctx, p, now);
	/* A wakeup or a fork is still to come where it is not runnable yet. */
	if (p->on_rq) {
		tctx->key_from_ns = now;
		begin_uncounted_job(&tctx->acct, now);
	}
	tctx->vtime_shard = shard_of(slo_task_cpu(p));
	tctx->vtime_ns = slo_vtime_new_ns(shard_ctx_of(tctx->vtime_shard)->clock.vtime_ns);
}

SEC("struct_ops/disable")
void BPF_PROG(slo_disable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (!tctx)
		return;
	leave_queue(tctx);
	forget_job(&tctx->acct);
}

/* More flags and hotplug_seq are filled in by the daemon, from what the running kernel knows. */
SEC(".struct_ops.link")
struct sched_ext_ops scx_slo = {
	.select_cpu = (void *)slo_select_cpu,
	.enqueue = (void *)slo_enqueue,
	.dispatch = (void *)slo_dispatch,
	.update_idle = (void *)slo_update_idle,
	.running = (void *)slo_running,
	.tick = (void *)slo_tick,
	.yield = (void *)slo_yield,
	.stopping = (void *)slo_stopping,
	.init_task = (void *)slo_init_task,
	.enable = (void *)slo_enable,
	.disable = (void *)slo_disable,
	.dump = (void *)slo_dump,
	.dump_cpu = (void *)slo_dump_cpu,
	.dump_task = (void *)slo_dump_task,
	.cpu_online = (void *)slo_cpu_online,
	.cpu_offline = (void *)slo_cpu_offline,
	.init = (void *)slo_init,
	.exit = (void *)slo_exit,
	.flags = SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_ENQ_LAST,
	.timeout_ms = 30000,
	.exit_dump_len = SLO_EXIT_DUMP_LEN,
	.name = "scx_slo",
};
