/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heartbeat: a timer tells the daemon that queues are being served. It falls silent when tasks wait while
 * no CPU looks at the queues, long before the kernel's own watchdog finds a starved task.
 */
#ifndef SLO_HEARTBEAT_BPF_H
#define SLO_HEARTBEAT_BPF_H

#include "preempt.bpf.h"

#define HEARTBEAT_NS (250ull * SLO_NSEC_PER_MSEC)

static u64 dispatches_seen;

static int beat(void *map, u32 *index, struct slo_timer *timer)
{
	u64 dispatches = 0;
	bool waiting = false;
	u32 i;

	bpf_for (i, 0, nr_cpus) {
		const struct cpu_ctx *cctx = cpu_ctx_of((s32)i);

		dispatches += cctx->nr_dispatches;
		waiting |= cctx->nr_pinned_slo != 0 || cctx->nr_pinned_best_effort != 0;
	}
	bpf_for (i, 0, nr_shards) {
		struct shard_ctx *shard = shard_ctx_of(i);

		waiting |= shard->nr_slo.value != 0 || shard->nr_best_effort.value != 0;
	}
	if (!waiting || dispatches != dispatches_seen)
		heartbeat_ns = bpf_ktime_get_ns();
	dispatches_seen = dispatches;
	bpf_timer_start(&timer->timer, HEARTBEAT_NS, 0);
	return 0;
}

#endif
