/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The floor of best effort: while its tasks wait, it gets a turn on a CPU whenever SLO tasks have had more
 * than their share there. A timer pinned to the CPU ends the turn, as slices end at ticks only.
 */
#ifndef SLO_FLOOR_BPF_H
#define SLO_FLOOR_BPF_H

#include "preempt.bpf.h"
#include "queue.bpf.h"

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

static int end_floor_turn(void *map, u32 *cpu, struct floor_timer *timer)
{
	struct cpu_ctx *cctx = cpu_ctx_of((s32)*cpu);

	cctx->floor_turn_until_ns = 0;
	if (nr_shared_slo.value != 0 || cctx->nr_pinned_slo != 0)
		kick((s32)*cpu, cctx);
	return 0;
}

#endif
