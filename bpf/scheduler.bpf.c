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
#include "storage.bpf.h"

char _license[] SEC("license") = "GPL";

/* Queue ids: user queues have bit 63 clear. */
#define QUEUE_SHARED_SLO 1ull
#define QUEUE_SHARED_BEST_EFFORT 2ull
#define QUEUE_PINNED_SLO (1ull << 32)
#define QUEUE_PINNED_BEST_EFFORT (2ull << 32)

/* A head that may not run on this CPU must not hide the one behind it; so many are looked at. */
#define HEADS_MAX 8

/* Candidates of each kind that are tried as a victim. */
#define VICTIM_TRIES 4

static __always_inline u64 task_exec_ns(const struct task_ctx *tctx, u64 now)
{
	return slo_job_exec_ns(&tctx->job, now);
}

static __always_inline u32 classify(const struct task_ctx *tctx, u64 now)
{
	return slo_class(tctx->budget_ns, task_exec_ns(tctx, now), tctx->max_exec_ns);
}

static __always_inline u64 key_of(const struct task_ctx *tctx, u64 now)
{
	return slo_key_ns(tctx->job.wake_ns, tctx->budget_ns, task_exec_ns(tctx, now));
}

static __always_inline u64 slice_of(const struct task_ctx *tctx)
{
	if (tctx->class == SLO_CLASS_SLO)
		return slo_slice_ns(tctx->budget_ns, tick_ns);
	return slo_best_effort_slice_ns(tick_ns, nr_shared_slo.value);
}

/* Queue lengths, counted here so that an empty queue costs no look-up.
 * ------------------------------------------- */

static __always_inline void count_queue(const struct task_ctx *tctx, u64 by)
{
	struct cpu_ctx *cpu = cpu_ctx_of(tctx->queue_cpu);

	if (tctx->queue == SLO_QUEUE_SHARED_SLO)
		__sync_fetch_and_add(&nr_shared_slo.value, by);
	else if (tctx->queue == SLO_QUEUE_SHARED_BEST_EFFORT)
		__sync_fetch_and_add(&nr_shared_best_effort.value, by);
	else if (tctx->queue == SLO_QUEUE_PINNED_SLO)
		__sync_fetch_and_add(&cpu->nr_pinned_slo, (u32)by);
	else if (tctx->queue == SLO_QUEUE_PINNED_BEST_EFFORT)
		__sync_fetch_and_add(&cpu->nr_pinned_best_effort, (u32)by);
}

static __always_inline void leave_queue(struct task_ctx *tctx)
{
	if (tctx->queue == SLO_QUEUE_NONE)
		return;
	count_queue(tctx, (u64)-1);
	tctx->queue = SLO_QUEUE_NONE;
}

static __always_inline void join_queue(struct task_ctx *tctx, u32 queue, s32 cpu)
{
	leave_queue(tctx);
	tctx->queue = queue;
	tctx->queue_cpu = cpu;
	count_queue(tctx, 1);
}

/* Preemption
 * ----------------------------------------------------------------------------------------------------- */

/*
 * Makes a CPU look at the queues. One request at a time: until the CPU has looked, more say nothing new. The
 * exchange is a full barrier, so a CPU that has already looked (and cleared the flag) is asked again.
 */
static __always_inline void kick(s32 cpu, struct cpu_ctx *cctx)
{
	if (__sync_lock_test_and_set(&cctx->kick_pending, 1) == 0)
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

static __always_inline void kick_seen(struct cpu_ctx *cctx)
{
	if (cctx->kick_pending)
		__sync_lock_test_and_set(&cctx->kick_pending, 0);
}

static __always_inline bool in_floor_turn(const struct cpu_ctx *cctx, u64 now)
{
	return cctx->floor_turn_until_ns != 0 && now < cctx->floor_turn_until_ns;
}

/* The key of a running SLO task moves on with its execution. */
static __always_inline u64 running_key(const struct cpu_ctx *cctx, u64 now)
{
	return cctx->key_ns + slo_elapsed_ns(cctx->ran_from_ns, now);
}

/* The turn of best effort ends with a look at the queues, by a timer; until then the CPU is left alone. */
static __always_inline bool may_preempt(const struct cpu_ctx *cctx, u64 key, u64 now)
{
	return !in_floor_turn(cctx, now) && slo_preempts(key, cctx->class, running_key(cctx, now));
}

static __always_inline bool try_victim(struct task_struct *p, s32 cpu, u64 key, u64 now)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	if (!may_preempt(cctx, key, now) || !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
		return false;
	kick(cpu, cctx);
	return true;
}

/* A CPU of the mask that runs best effort, looking from the word of `near` on. */
static bool kick_best_effort(struct task_struct *p, s32 near, u64 key, u64 now)
{
	u32 words = (nr_cpus + 63) / 64;
	u32 tries = 0;
	int i;

	bpf_for(i, 0, (int)words)
	{
		u32 word = ((u32)near / 64 + (u32)i) % words;
		u64 bits;
		int j;

		if (word >= SLO_MAX_CPUS / 64)
			break;
		bits = best_effort_cpus[word];
		bpf_for(j, 0, VICTIM_TRIES)
		{
			if (!bits)
				break;
			if (try_victim(p, (s32)(word * 64 + slo_log2(bits)), key, now))
				return true;
			bits &= ~(1ull << slo_log2(bits));
			if (++tries >= VICTIM_TRIES * 4)
				return false;
		}
	}
	return false;
}

/* No CPU is idle: takes one from best effort, near `prev` if possible, else from a task with a later key. */
static void preempt_for(struct task_struct *p, s32 prev, u64 key, u64 now)
{
	struct cpu_ctx *cctx = cpu_ctx_of(prev);
	struct cpu_ctx *a, *b;
	u32 first, second;

	if (cctx->class == SLO_CLASS_BEST_EFFORT && try_victim(p, prev, key, now))
		return;
	if (kick_best_effort(p, prev, key, now))
		return;
	/* Two random choices find a CPU almost as good as the one with the latest key, without looking at
	 * all. */
	first = bpf_get_prandom_u32() % nr_cpus;
	second = bpf_get_prandom_u32() % nr_cpus;
	a = cpu_ctx_of((s32)first);
	b = cpu_ctx_of((s32)second);
	if (b->class == SLO_CLASS_SLO && slo_before(running_key(a, now), running_key(b, now)))
		first = second;
	if (!try_victim(p, (s32)first, key, now))
		try_victim(p, prev, key, now);
}

/* Placement
 * ------------------------------------------------------------------------------------------------------ */

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
	refresh_unit(tctx, p);
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

/* Wakes an idle CPU for a queued task; true when there was one. */
static __always_inline bool wake_idle_cpu(struct task_struct *p, s32 cpu, bool pinned)
{
	if (pinned) {
		if (!scx_bpf_test_and_clear_cpu_idle(cpu))
			return false;
	} else {
		cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
		if (cpu < 0)
			return false;
	}
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	return true;
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
		slo_insert_vtime(p, QUEUE_SHARED_BEST_EFFORT, tick_ns, vtime_now_ns.value, enq_flags);
		return;
	}
	refresh_unit(tctx, p);
	tctx->class = classify(tctx, now);
	if (tctx->class == SLO_CLASS_SLO)
		enqueue_slo(p, tctx, cpu, pinned, now, enq_flags);
	else
		enqueue_best_effort(p, tctx, cpu, pinned, enq_flags);
}

/* Dispatch
 * ------------------------------------------------------------------------------------------------------- */

/* Key or virtual time of the first task of a queue that may run on this CPU; false when there is none. */
static __noinline bool head_of(u64 queue, s32 cpu, u64 *at __arg_nonnull)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	bool found = false;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for(i, 0, HEADS_MAX)
	{
		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		if (bpf_cpumask_test_cpu((u32)cpu, p->cpus_ptr)) {
			*at = p->scx.dsq_vtime;
			found = true;
			break;
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	return found;
}

/* Takes the earlier head of the shared queue and of this CPU's own. */
static __always_inline bool take(s32 cpu, u64 shared, u64 pinned, u64 nr_shared, u64 nr_pinned)
{
	u64 shared_at = 0, pinned_at = 0;

	if (nr_pinned == 0)
		return nr_shared != 0 && slo_move_to_local(shared);
	if (nr_shared != 0 && head_of(shared, cpu, &shared_at) && head_of(pinned, cpu, &pinned_at) &&
	    slo_before(shared_at, pinned_at) && slo_move_to_local(shared))
		return true;
	return slo_move_to_local(pinned) || (nr_shared != 0 && slo_move_to_local(shared));
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
	slo_set_slice(prev, slo_slice_ns(tctx->budget_ns, tick_ns));
	return true;
}

static __always_inline bool take_best_effort(s32 cpu, const struct cpu_ctx *cctx)
{
	return take(cpu, QUEUE_SHARED_BEST_EFFORT, QUEUE_PINNED_BEST_EFFORT | (u32)cpu,
		    nr_shared_best_effort.value, cctx->nr_pinned_best_effort);
}

static __always_inline bool take_slo(s32 cpu, const struct cpu_ctx *cctx)
{
	return take(cpu, QUEUE_SHARED_SLO, QUEUE_PINNED_SLO | (u32)cpu, nr_shared_slo.value,
		    cctx->nr_pinned_slo);
}

/* Brings the floor's credit up to date with what has run since the last time. */
static __always_inline void charge_floor(struct cpu_ctx *cctx, u64 now)
{
	u64 ran_ns = slo_elapsed_ns(cctx->floor_charged_ns, now);

	if (cctx->class == SLO_CLASS_BEST_EFFORT)
		cctx->floor_credit_ns = slo_floor_earn(cctx->floor_credit_ns, ran_ns);
	else if (cctx->class == SLO_CLASS_SLO &&
		 (nr_shared_best_effort.value != 0 || cctx->nr_pinned_best_effort != 0))
		cctx->floor_credit_ns = slo_floor_spend(cctx->floor_credit_ns, ran_ns);
	cctx->floor_charged_ns = now;
}

/* Serves best effort before SLO tasks when the floor is due or its turn is not over. */
static __always_inline bool take_floor_turn(s32 cpu, struct cpu_ctx *cctx, u64 now)
{
	struct floor_timer *timer;
	u64 turn_ns;
	u32 key = (u32)cpu;

	if (in_floor_turn(cctx, now))
		return take_best_effort(cpu, cctx);
	cctx->floor_turn_until_ns = 0;
	if (cctx->floor_credit_ns != 0 || !take_best_effort(cpu, cctx))
		return false;
	turn_ns = slo_floor_turn_ns(smallest_budget_ns);
	cctx->floor_turn_until_ns = now + turn_ns;
	timer = bpf_map_lookup_elem(&floor_timers, &key);
	if (timer)
		bpf_timer_start(&timer->timer, turn_ns, BPF_F_TIMER_CPU_PIN);
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

static int end_floor_turn(void *map, u32 *cpu, struct floor_timer *timer)
{
	struct cpu_ctx *cctx = cpu_ctx_of((s32)*cpu);

	cctx->floor_turn_until_ns = 0;
	if (nr_shared_slo.value != 0 || cctx->nr_pinned_slo != 0)
		kick((s32)*cpu, cctx);
	return 0;
}

/* A task's life
 * ---------------------------------------------------------------------------------------------------- */

SEC("struct_ops/runnable")
void BPF_PROG(slo_runnable, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (tctx)
		slo_job_wakes(&tctx->job, slo_now());
}

/* Keeps the mask of best-effort CPUs; written only when what a CPU runs changes its class. */
static __always_inline void note_class(s32 cpu, struct cpu_ctx *cctx, u32 class)
{
	u32 word = (u32)cpu / 64;
	u64 bit = 1ull << ((u32)cpu % 64);
	u32 in_mask = class == SLO_CLASS_BEST_EFFORT;

	cctx->class = class;
	if (cctx->in_best_effort_mask == in_mask || word >= SLO_MAX_CPUS / 64)
		return;
	cctx->in_best_effort_mask = in_mask;
	if (in_mask)
		__sync_fetch_and_or(&best_effort_cpus[word], bit);
	else
		__sync_fetch_and_and(&best_effort_cpus[word], ~bit);
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
	slo_job_runs(&tctx->job, now);
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
	slo_job_stops(&tctx->job, now);
	ran_ns = slo_elapsed_ns(tctx->ran_from_ns, now);
	if (tctx->class == SLO_CLASS_BEST_EFFORT)
		tctx->vtime_ns += slo_vtime_charge_ns(ran_ns, p->scx.weight);
	else if (tctx->job.exec_ns >= tctx->max_exec_ns)
		tctx->demoted = true;
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
	if (!(deq_flags & SCX_DEQ_SLEEP) || !slo_job_sleeps(&tctx->job, slo_now(), &end))
		return;
	count_job(tctx, &end, tctx->budget_ns, scx_bpf_task_cpu(p));
	tctx->demoted = false;
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(slo_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ctx *tctx = bpf_task_storage_get(&task_map, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!tctx)
		return -12; /* ENOMEM */
	tctx->slot = SLO_NO_SLOT;
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
	slo_job_reset(&tctx->job);
	tctx->demoted = false;
	tctx->vtime_ns = vtime_now_ns.value;
}

SEC("struct_ops/disable")
void BPF_PROG(slo_disable, struct task_struct *p)
{
	struct task_ctx *tctx = task_ctx_of(p);

	if (!tctx)
		return;
	leave_queue(tctx);
	slo_job_reset(&tctx->job);
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

/* Load and unload
 * ---------------------------------------------------------------------------------------------------- */

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
	bpf_for(cpu, 0, (int)nr_cpus)
	{
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
