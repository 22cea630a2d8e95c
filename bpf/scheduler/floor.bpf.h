/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The floor of best effort: while its tasks wait, it gets a turn on a CPU whenever SLO tasks have had more
 * than their share there. Looked for at every switch and every tick; a timer pinned to the CPU ends the turn,
 * as slices end at ticks only.
 */
#ifndef SLO_FLOOR_BPF_H
#define SLO_FLOOR_BPF_H

#include "bpf/scheduler/best_effort.bpf.h"

/* While an operator's task waits best effort has no less than what is reserved for them. */
static __noinline u32 larger_floor(u32 permille)
{
	u32 at = SLO_SERVER_OPERATOR;
	const struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
	u32 reserved_permille = cfg ? (u32)slo_server_permille(cfg->quota_ns) : 0;

	return permille > reserved_permille ? permille : reserved_permille;
}

/* Brings the floor's credit, and the reserve that is used, up to date with what has run since the last time.
 */
static __always_inline void charge(struct cpu_ctx *cctx, const struct shard_ctx *shard, u64 now)
	__must_hold(rq)
{
	u32 permille = tunables.best_effort_floor_permille;

	if (cctx->class == SLO_CLASS_BEST_EFFORT) {
		/* Without SLO tasks there is nothing to earn. */
		if (cctx->floor_credit_ns != floor_credit_max_ns)
			cctx->floor_credit_ns =
				slo_floor_earn(cctx->floor_credit_ns, slo_elapsed_ns(cctx->charged_ns, now),
					       permille, floor_credit_max_ns);
	} else if (cctx->class == SLO_CLASS_SLO && best_effort_waits(cctx, shard)) {
		if (cctx->wakeup_waits == WAKEUP_OF_OPERATOR_WAITS)
			permille = larger_floor(permille);
		cctx->floor_credit_ns = slo_floor_spend(cctx->floor_credit_ns,
							slo_elapsed_ns(cctx->charged_ns, now), permille);
	}
	if (cctx->class != SLO_CLASS_NONE && cctx->server != SLO_NO_SLOT)
		charge_server(cctx->server, (u32)shard->id, slo_elapsed_ns(cctx->charged_ns, now), now);
	cctx->charged_ns = now;
}

static __always_inline bool floor_is_wanted(const struct cpu_ctx *cctx, const struct shard_ctx *shard)
{
	return (cctx->wakeup_waits || slo_floor_is_wanted(cctx->floor_credit_ns, floor_credit_max_ns)) &&
	       best_effort_waits(cctx, shard);
}

/* Best effort waits that is not to wait for long: it woke up, or goes first. */
static __always_inline void tell_floor(s32 cpu, u32 goes_first)
{
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u32 waits = goes_first ? WAKEUP_OF_OPERATOR_WAITS : WAKEUP_WAITS;

	if (cctx->wakeup_waits < waits)
		cctx->wakeup_waits = waits;
}

static __noinline void start_floor_turn(s32 cpu, u64 now, u64 turn_ns)
{
	struct slo_timer *timer;
	u32 index = (u32)cpu;

	cpu_ctx_of(cpu)->floor_turn_until_ns = now + turn_ns;
	timer = bpf_map_lookup_elem(&floor_timers, &index);
	if (timer)
		bpf_timer_start(&timer->timer, turn_ns, BPF_F_TIMER_CPU_PIN);
}

/*
 * Serves best effort before SLO tasks when its turn is due, or wanted and the SLO tasks have slack for it.
 * has_slo: one of them waits, or ran until now and goes on; key: the earliest of theirs. wanted: as
 * floor_is_wanted() said.
 */
static __always_inline bool take_floor_turn(s32 cpu, struct cpu_ctx *cctx, struct task_struct *prev,
					    struct task_ctx *tctx, bool has_slo, bool wanted, u64 key,
					    u64 now) __must_hold(rq)
{
	u64 turn_ns;

	if (in_floor_turn(cctx, now))
		return serve_best_effort(cpu, cctx, prev, tctx, now);
	cctx->floor_turn_until_ns = 0;
	if (!has_slo || !wanted)
		return false; /* without SLO tasks it is next anyway */
	turn_ns = slo_floor_turn_ns(smallest_budget_ns);
	if (!slo_floor_takes_turn(cctx->floor_credit_ns, floor_credit_max_ns, now, turn_ns, key) &&
	    !(cctx->wakeup_waits &&
	      slo_floor_has_spare_turn(cctx->best_effort_ns, tunables.best_effort_floor_permille, now,
				       turn_ns, key)))
		return false;
	if (!take_best_effort(cpu, cctx, shard_at(cpu)))
		return false;
	start_floor_turn(cpu, now, turn_ns);
	return true;
}

static int end_floor_turn(void *map, u32 *index, struct slo_timer *timer)
{
	s32 cpu = (s32)*index;
	struct cpu_ctx *cctx = cpu_ctx_of(cpu);

	cctx->floor_turn_until_ns = 0;
	if (slo_waits(cctx, shard_at(cpu)))
		kick_now(cpu, cctx, now_unlocked());
	return 0;
}

#endif
