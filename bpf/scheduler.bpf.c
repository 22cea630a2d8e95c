// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler: callbacks gather facts, ask job.h and policy.h, and carry out the answer.
 *
 * Two kinds of queues: `SLO`, ordered by key (the latest start that keeps the budget), and `best effort`,
 * ordered by weighted virtual time. Each exists once for all CPUs and once per CPU, for tasks that may run
 * only there. A CPU that needs work takes the earliest key; without SLO tasks, or when best effort has its
 * turn, the earliest virtual time.
 *
 * A waking task goes to an idle CPU at once. Where none is idle, an SLO task is queued first, then a CPU is
 * told to look again: whichever CPU comes takes the earliest key.
 */
#include "floor.bpf.h"

char _license[] SEC("license") = "GPL";

/* The program's own prologue raises the count of the running task by one on some kernels. */
static __always_inline bool is_migration_disabled(const struct task_struct *p)
{
	u32 own = bpf_get_current_task_btf() == p ? 1 : 0;

	return p->migration_disabled > own;
}

static __always_inline bool is_pinned(const struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 || is_migration_disabled(p);
}

SEC("struct_ops/select_cpu")
s32 BPF_PROG(slo_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	bool is_idle = false;
	s32 cpu;

	if (!tctx)
		return prev_cpu;
	refresh_unit(&tctx->acct, p);
	tctx->class = classify(tctx, slo_now());
	/* A synchronous wakeup may be put behind its waker, which need not sleep soon: not for a task with a
	 * budget. */
	if (tctx->class == SLO_CLASS_SLO)
		wake_flags &= ~(u64)SCX_WAKE_SYNC;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);
	if (is_idle)
		slo_insert(p, SCX_DSQ_LOCAL, slice_of(tctx), 0);
	return cpu;
}

static __always_inline void enqueue_slo(struct task_struct *p, struct task_ctx *tctx, s32 cpu, bool pinned,
					u64 now, u64 enq_flags)
{
	u64 key = key_of(tctx, now);
	u64 queue = pinned ? QUEUE_PINNED_SLO | (u32)cpu : QUEUE_SHARED_SLO;

	join_queue(tctx, pinned ? SLO_QUEUE_PINNED_SLO : SLO_QUEUE_SHARED_SLO, cpu);
	/* Queue first, then look for a CPU: one that goes idle in between finds the task in the queue. */
	slo_insert_vtime(p, queue, slice_of(tctx), key, enq_flags);
	if (wake_idle_cpu(p, cpu, pinned))
		return;
	if (pinned)
		try_victim(p, cpu, key, now);
	else
		preempt_for(p, cpu, key, now);
}

static __always_inline void enqueue_best_effort(struct task_struct *p, struct task_ctx *tctx, s32 cpu,
						bool pinned, u64 enq_flags)
{
	u64 queue = pinned ? QUEUE_PINNED_BEST_EFFORT | (u32)cpu : QUEUE_SHARED_BEST_EFFORT;

	tctx->vtime_ns = slo_vtime_place_ns(tctx->vtime_ns, vtime_now_ns.value);
	join_queue(tctx, pinned ? SLO_QUEUE_PINNED_BEST_EFFORT : SLO_QUEUE_SHARED_BEST_EFFORT, cpu);
	slo_insert_vtime(p, queue, slice_of(tctx), tctx->vtime_ns, enq_flags);
	wake_idle_cpu(p, cpu, pinned);
}

SEC("struct_ops/enqueue")
void BPF_PROG(slo_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p);
	bool pinned = is_pinned(p);
	u64 now = slo_now();

	if (!tctx) {
		/* Never seen; where it waits is not counted, so it must not wait in a queue that is. */
		slo_insert(p, SCX_DSQ_LOCAL, tick_ns, enq_flags);
		return;
	}
	refresh_unit(&tctx->acct, p);
	tctx->class = classify(tctx, now);
	if (tctx->class == SLO_CLASS_SLO)
		enqueue_slo(p, tctx, cpu, pinned, now, enq_flags);
	else
		enqueue_best_effort(p, tctx, cpu, pinned, enq_flags);
}

/* The task that ran until now keeps the CPU when it is still runnable and its key is the earliest. */
static __always_inline bool keeps_cpu(struct task_struct *prev, s32 cpu, const struct cpu_ctx *cctx, u64 now)
{
	struct task_ctx *tctx;
	u64 key, at;

	if (!prev || !(prev->scx.flags & SCX_TASK_QUEUED))
		return false;
	tctx = task_ctx_of(prev);
	if (!tctx || classify(tctx, now) != SLO_CLASS_SLO)
		return false;
	key = key_of(tctx, now);
	if (nr_shared_slo.value != 0 && head_of(QUEUE_SHARED_SLO, cpu, &at) && slo_before(at, key))
		return false;
	if (cctx->nr_pinned_slo != 0 && head_of(QUEUE_PINNED_SLO | (u32)cpu, cpu, &at) && slo_before(at, key))
		return false;
	slo_set_slice(prev, slo_slice_ns(tctx->acct.budget_ns, tick_ns));
	return true;
}

SEC("struct_ops/dispatch")
void BPF_PROG(slo_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 now = slo_now();

	kick_seen(cctx);
	charge_floor(cctx, now);
	if (take_floor_turn(cpu, cctx, now))
		return;
	if (keeps_cpu(prev, cpu, cctx, now) || take_slo(cpu, cctx))
		return;
	take_best_effort(cpu, cctx);
}

SEC("struct_ops/runnable")
void BPF_PROG(slo_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (!tctx)
		return;
	begin_job(&tctx->acct, p);
	slo_job_wakes(&tctx->acct.job, slo_now());
}

SEC("struct_ops/running")
void BPF_PROG(slo_running, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);
	s32 cpu = scx_bpf_task_cpu(p);
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 now = slo_now();

	if (!tctx)
		return;
	leave_queue(tctx);
	begin_job(&tctx->acct, p);
	slo_job_runs(&tctx->acct.job, now);
	tctx->ran_from_ns = now;
	cctx->ran_from_ns = now;
	cctx->floor_charged_ns = now;
	if (tctx->class == SLO_CLASS_SLO)
		cctx->key_ns = key_of(tctx, now);
	else if (slo_before(vtime_now_ns.value, tctx->vtime_ns))
		vtime_now_ns.value = tctx->vtime_ns;
	note_class(cpu, cctx, tctx->class);
	/*
	 * The kick may have been spent on switching to a task of the local queue, without a look at the
	 * others: once more, but only once, as a task that comes back by the local queue would be kicked for
	 * ever.
	 */
	if (cctx->kick_pending) {
		kick_seen(cctx);
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
	}
}

SEC("struct_ops/stopping")
void BPF_PROG(slo_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx *tctx = task_ctx_of(p);
	struct cpu_ctx *cctx = cpu_ctx_of(scx_bpf_task_cpu(p));
	u64 now = slo_now();
	u64 ran_ns;

	if (!tctx)
		return;
	slo_job_stops(&tctx->acct.job, now);
	ran_ns = slo_elapsed_ns(tctx->ran_from_ns, now);
	if (tctx->class == SLO_CLASS_BEST_EFFORT)
		tctx->vtime_ns += slo_vtime_charge_ns(ran_ns, p->scx.weight);
	else if (tctx->acct.job.exec_ns >= tctx->acct.max_exec_ns)
		tctx->acct.demoted = true;
	charge_floor(cctx, now);
	cctx->class = SLO_CLASS_NONE;
}

SEC("struct_ops/quiescent")
void BPF_PROG(slo_quiescent, struct task_struct *p, u64 deq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);
	struct slo_job_end end;

	if (!tctx)
		return;
	leave_queue(tctx);
	if (!(deq_flags & SCX_DEQ_SLEEP) || !slo_job_sleeps(&tctx->acct.job, slo_now(), &end))
		return;
	count_job(&tctx->acct, p, &end, scx_bpf_task_cpu(p));
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(slo_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *tctx = bpf_task_storage_get(&task_map, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!tctx)
		return -12; /* ENOMEM */
	tctx->acct.slot = SLO_NO_SLOT;
	tctx->acct.job_slot = SLO_NO_SLOT;
	return 0;
}

/* The task joins the class, at load, by fork, or back from a real-time class: what it did elsewhere does not
 * count. */
SEC("struct_ops/enable")
void BPF_PROG(slo_enable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (!tctx)
		return;
	forget_job(&tctx->acct);
	tctx->vtime_ns = slo_vtime_new_ns(vtime_now_ns.value);
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

/* Both must exist: a hotplug event without its callback ends the scheduler. */
SEC("struct_ops/cpu_online")
void BPF_PROG(slo_cpu_online, s32 cpu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	cctx->floor_credit_ns = SLO_FLOOR_CREDIT_MAX_NS;
}

SEC("struct_ops/cpu_offline")
void BPF_PROG(slo_cpu_offline, s32 cpu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	note_class(cpu, cctx, SLO_CLASS_NONE);
}

static int init_cpu(u32 cpu)
{
	struct floor_timer *timer = bpf_map_lookup_elem(&floor_timers, &cpu);
	struct cpu_ctx *cctx = cpu_ctx_of((s32)cpu);
	int err;

	if (!timer)
		return -22; /* EINVAL: more CPUs than SLO_MAX_CPUS */
	cctx->floor_credit_ns = SLO_FLOOR_CREDIT_MAX_NS;
	err = bpf_timer_init(&timer->timer, &floor_timers, CLOCK_MONOTONIC);
	if (err)
		return err;
	err = bpf_timer_set_callback(&timer->timer, end_floor_turn);
	if (err)
		return err;
	err = scx_bpf_create_dsq(QUEUE_PINNED_SLO | cpu, -1);
	if (err)
		return err;
	return scx_bpf_create_dsq(QUEUE_PINNED_BEST_EFFORT | cpu, -1);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(slo_init)
{
	int err, cpu;

	err = scx_bpf_create_dsq(QUEUE_SHARED_SLO, -1);
	if (err)
		return err;
	err = scx_bpf_create_dsq(QUEUE_SHARED_BEST_EFFORT, -1);
	if (err)
		return err;
	bpf_for (cpu, 0, (int)nr_cpus) {
		err = init_cpu((u32)cpu);
		if (err)
			return err;
	}
	return 0;
}

SEC("struct_ops.s/exit")
void BPF_PROG(slo_exit, struct scx_exit_info *ei)
{
	bpf_probe_read_kernel_str(exit_record.reason, sizeof(exit_record.reason), ei->reason);
	bpf_probe_read_kernel_str(exit_record.msg, sizeof(exit_record.msg), ei->msg);
	bpf_probe_read_kernel_str(exit_record.dump, sizeof(exit_record.dump), ei->dump);
	exit_record.exit_code = (u64)ei->exit_code;
	/* Last: a reader that sees a kind finds the rest in place. */
	__sync_lock_test_and_set(&exit_record.kind, (u32)ei->kind);
}

/* Flags and hotplug_seq are filled in by the daemon, from what the running kernel knows. */
SEC(".struct_ops.link")
struct sched_ext_ops scx_slo = {
	.select_cpu = (void *)slo_select_cpu,
	.enqueue = (void *)slo_enqueue,
	.dispatch = (void *)slo_dispatch,
	.runnable = (void *)slo_runnable,
	.running = (void *)slo_running,
	.stopping = (void *)slo_stopping,
	.quiescent = (void *)slo_quiescent,
	.init_task = (void *)slo_init_task,
	.enable = (void *)slo_enable,
	.disable = (void *)slo_disable,
	.cpu_online = (void *)slo_cpu_online,
	.cpu_offline = (void *)slo_cpu_offline,
	.init = (void *)slo_init,
	.exit = (void *)slo_exit,
	.timeout_ms = 30000,
	.exit_dump_len = SLO_EXIT_DUMP_LEN,
	.name = "scx_slo",
};
