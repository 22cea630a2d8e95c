/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The beginning and the end: queues, timers, CPUs that come and go, and why the kernel let us go.
 */
#ifndef SLO_LIFECYCLE_BPF_H
#define SLO_LIFECYCLE_BPF_H

#include "bpf/scheduler/floor.bpf.h"
#include "bpf/scheduler/heartbeat.bpf.h"

/* Both must exist: a hotplug event without its callback ends the scheduler. */
SEC("struct_ops/cpu_online")
void BPF_PROG(slo_cpu_online, s32 cpu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	cctx->floor_credit_ns = floor_credit_max_ns;
	if (cctx->is_offline)
		nr_offline--;
	cctx->is_offline = 0;
}

/* Of one queue. Those behind it wait until the CPU is back. */
#define HANDED_OVER_MAX 4096

/*
 * The kernel asks us for nothing that this CPU could run any more, but it still runs what is in its own
 * queues, and waits: for the CPU's own threads to end, and for everybody else to be gone. They are counted
 * where they were until they run.
 */
static __noinline void hand_over(u64 queue) __must_hold(rcu)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	int i;

	bpf_iter_scx_dsq_new(&it, queue, 0);
	bpf_for (i, 0, HANDED_OVER_MAX) {
		p = bpf_iter_scx_dsq_next(&it);
		if (!p)
			break;
		slo_move_behind(&it, p, SCX_DSQ_GLOBAL);
	}
	bpf_iter_scx_dsq_destroy(&it);
}

SEC("struct_ops/cpu_offline")
void BPF_PROG(slo_cpu_offline, s32 cpu)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	/* On its way it goes idle once more, or several times. */
	cctx->is_offline = 1;
	nr_offline++;
	note_class(cpu, cctx, SLO_CLASS_NONE);
	set_cpu_bit(idle_cpus, cpu, false);
	hand_over(QUEUE_PINNED_SLO | (u32)cpu);
	hand_over(QUEUE_PINNED_BEST_EFFORT | (u32)cpu);
}

static int init_cpu(u32 cpu)
{
	struct slo_timer *floor_timer = bpf_map_lookup_elem(&floor_timers, &cpu);
	struct slo_timer *kick_timer = bpf_map_lookup_elem(&kick_timers, &cpu);
	int err;

	if (!floor_timer || !kick_timer)
		return -22; /* EINVAL: more CPUs than SLO_MAX_CPUS */
	cpu_ctx_of((s32)cpu)->floor_credit_ns = floor_credit_max_ns;
	cpu_ctx_of((s32)cpu)->limit = SLO_NO_SLOT;
	shard_at((s32)cpu)->nr_cpus++;
	note_clock((s32)cpu, slo_now());
	err = bpf_timer_init(&floor_timer->timer, &floor_timers, CLOCK_MONOTONIC);
	err = err ?: bpf_timer_set_callback(&floor_timer->timer, end_floor_turn);
	err = err ?: bpf_timer_init(&kick_timer->timer, &kick_timers, CLOCK_MONOTONIC);
	err = err ?: bpf_timer_set_callback(&kick_timer->timer, on_alarm);
	err = err ?: scx_bpf_create_dsq(QUEUE_PINNED_SLO | cpu, -1);
	return err ?: scx_bpf_create_dsq(QUEUE_PINNED_BEST_EFFORT | cpu, -1);
}

SEC("struct_ops.s/init")
s32 BPF_PROG(slo_init)
{
	int err;
	u32 i;

	bpf_for (i, 0, nr_shards) {
		shard_ctx_of(i)->id = i;
		err = scx_bpf_create_dsq(QUEUE_SHARED_SLO | i, -1);
		err = err ?: scx_bpf_create_dsq(QUEUE_SHARED_BEST_EFFORT | i, -1);
		if (err)
			return err;
	}
	bpf_for (i, 0, nr_cpus) {
		err = init_cpu(i);
		if (err)
			return err;
	}
	err = init_refill();
	err = err ?: init_parkings();
	return err ?: init_heartbeat();
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

#endif
