/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heartbeat: a timer tells the daemon that queues are being served. It falls silent when tasks wait while
 * no CPU looks at the queues, long before the kernel's own watchdog finds a starved task. It also sees to it
 * that best effort's virtual time never stands still, fills the reserves, and finds idle CPUs.
 */
#ifndef SLO_HEARTBEAT_BPF_H
#define SLO_HEARTBEAT_BPF_H

#include "bpf/scheduler/move.bpf.h"
#include "bpf/scheduler/park.bpf.h"

static u64 dispatches_seen;

/*
 * What CPUs did while the kernel bypassed us (it attached us, or the machine slept) nobody told: those that
 * are idle since then are found here, and woken for what waits. Full barrier between the bit and the counts:
 * who queues a task sees the one, or we see the other.
 */
static __noinline void find_idle_cpus(void)
{
	const struct cpumask *idle = scx_bpf_get_idle_cpumask();
	u32 i;

	bpf_for (i, 0, nr_cpus) {
		struct cpu_ctx *cctx = cpu_ctx_of((s32)i);

		/* On its way there it waits until the last task has left it, and sees that where it looks. */
		if (cctx->is_offline)
			scx_bpf_kick_cpu((s32)i, 0);
		if (cctx->is_offline || has_cpu_bit(idle_cpus, (s32)i) || !bpf_cpumask_test_cpu(i, idle))
			continue;
		set_cpu_bit(idle_cpus, (s32)i, true);
		if (pinned_queue_waits(cctx) || shared_queue_waits())
			scx_bpf_kick_cpu((s32)i, SCX_KICK_IDLE);
	}
	scx_bpf_put_idle_cpumask(idle);
}

static int beat(void *map, u32 *index, struct slo_timer *timer)
{
	u64 dispatches = 0;
	bool waiting = shared_queue_waits();
	u32 i;

	/* It has ended: another scheduler may be there, and must not have our questions. */
	if (exit_record.kind != 0)
		return 0;
	bpf_for (i, 0, nr_cpus) {
		const struct cpu_ctx *cctx = cpu_ctx_of((s32)i);

		dispatches += cctx->nr_dispatches;
		waiting |= pinned_queue_waits(cctx);
	}
	if (!waiting || dispatches != dispatches_seen)
		heartbeat_ns = bpf_ktime_get_ns();
	dispatches_seen = dispatches;
	/* Kernels before 6.17 begin to keep track of idle CPUs after init, and end whoever asks before that:
	 * a look at the queues says that it has begun. */
	if (dispatches != 0)
		find_idle_cpus();
	hasten_queues();
	refill_limits(now_unlocked());
	if (nr_servers != 0)
		refill(now_unlocked());
	bpf_timer_start(&timer->timer, SLO_SERVER_PERIOD_NS, 0);
	return 0;
}

static int init_heartbeat(void)
{
	u32 zero = 0;
	struct slo_timer *timer = bpf_map_lookup_elem(&heartbeat_timer, &zero);
	int err;

	if (!timer)
		return -22;
	heartbeat_ns = bpf_ktime_get_ns();
	err = bpf_timer_init(&timer->timer, &heartbeat_timer, CLOCK_MONOTONIC);
	err = err ?: bpf_timer_set_callback(&timer->timer, beat);
	return err ?: bpf_timer_start(&timer->timer, SLO_SERVER_PERIOD_NS, 0);
}

#endif
