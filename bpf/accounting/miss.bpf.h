/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling of missed jobs. Within the rate limits each is a record in the ring buffer; beyond them the worst
 * one is kept for the next record, and the others are counted.
 */
#ifndef SLO_MISS_BPF_H
#define SLO_MISS_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>

#include "bpf/abi/slo_abi.h"
#include "bpf/policy/job.h"
#include "bpf/policy/rate_limit.h"
#include "bpf/accounting/run_log.bpf.h"

/* One task's part of the accounting. */
struct accounting {
	struct slo_job job;
	u64 cgroup_id; /* settings below are those of this cgroup at this generation, and at static_prio */
	u64 cgroups;   /* address of its css_set then */
	u64 budget_ns;
	u64 max_exec_ns;
	u64 start_within_ns; /* for keys: slo_start_within_ns() of budget_ns, later where it is shed */
	u64 job_budget_ns;   /* what the present job is judged by: what held at its start */
	u64 job_max_exec_ns;
	u64 job_key_exec_ns; /* execution of the present job while it was served by key */
	u64 job_throttled_exec_ns;
	u32 generation;
	u32 slot;
	u32 unit; /* slo_cfg.unit */
	u32 cfg_flags;
	u32 job_unit;      /* unit at the start of the present job */
	u32 job_cfg_flags; /* flags at the start of the present job, and SLO_JOB_* */
	u32 server;        /* slot whose reserve it uses; SLO_NO_SLOT: none */
	u8 static_prio;    /* of the task then: 100..139 */
	bool demoted;      /* the present job went over max_exec_ns while it was scheduled by key */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* bytes; the daemon makes it, and the next one, larger */
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32); /* slot */
	__type(value, struct slo_event_limit);
} event_limits SEC(".maps");

/* Set before loading. */
const volatile struct slo_tunables tunables;

static u64 event_global_full_at_ns;

/* One token of the unit's bucket and one of everybody's. A lost race counts as an empty bucket: whoever won
 * sends an event. */
static __always_inline bool may_send_event(struct slo_event_limit *limit, u64 now)
{
	u64 global = event_global_full_at_ns;
	u64 own = limit->full_at_ns;
	u64 own_next = slo_rate_take(own, now, tunables.event_interval_ns, tunables.event_burst);
	u64 global_next = slo_rate_take(global, now, tunables.event_global_interval_ns, tunables.event_burst);

	return own_next != 0 && global_next != 0 &&
	       __sync_val_compare_and_swap(&limit->full_at_ns, own, own_next) == own &&
	       __sync_val_compare_and_swap(&event_global_full_at_ns, global, global_next) == global;
}

struct miss {
	struct slo_job_end *end;
	u64 miss_ns;
	u64 now;     /* CLOCK_MONOTONIC */
	u64 log_now; /* on the clock of the run log */
	u32 cause;
	s32 cpu;
};

/* The latest start that would have kept the budget. */
static __always_inline u64 late_after_ns(const struct accounting *acct, const struct miss *miss)
{
	u64 key = miss->now - miss->end->response_ns + acct->job_budget_ns;

	if (acct->job_cfg_flags & SLO_CFG_RESPONSE)
		key -= miss->end->exec_ns;
	return key;
}

static __noinline void fill_event(struct deadline_event *event __arg_nonnull, const struct accounting *acct,
				  struct task_struct *p, const struct miss *miss) __must_hold(rq)
{
	event->timestamp_ns = miss->now;
	event->cgroup_id = acct->cgroup_id;
	event->deadline_miss_ns = miss->miss_ns;
	event->budget_ns = acct->job_budget_ns;
	event->wait_ns = miss->end->wait_ns;
	event->exec_ns = miss->end->exec_ns;
	event->key_ns = late_after_ns(acct, miss);
	event->suppressed = 0;
	event->slot = acct->slot;
	event->cause = miss->cause;
	event->tid = (u32)p->pid;
	event->cpu = (u32)miss->cpu;
	event->flags = acct->job_cfg_flags & SLO_CFG_RESPONSE;
	event->unit = acct->unit;
	bpf_probe_read_kernel_str(event->comm, sizeof(event->comm), p->comm);
	find_rival(&event->rival, event->tid, miss->cpu, miss->log_now, miss->end->response_ns);
}

static __always_inline bool may_write_worst(struct slo_event_limit *limit)
{
	return __sync_val_compare_and_swap(&limit->is_writing, 0, 1) == 0;
}

static __always_inline void worst_written(struct slo_event_limit *limit)
{
	__sync_lock_test_and_set(&limit->is_writing, 0);
}

/* No record for this one now. Where two CPUs have worse ones at the same instant, one is kept. */
static __always_inline void suppress(struct slo_event_limit *limit, const struct accounting *acct,
				     struct task_struct *p, const struct miss *miss) __must_hold(rq)
{
	__sync_fetch_and_add(&limit->suppressed, 1);
	if (miss->miss_ns <= limit->worst.deadline_miss_ns || !may_write_worst(limit))
		return;
	fill_event(&limit->worst, acct, p, miss);
	worst_written(limit);
}

/* A worse one that got no record takes the place of this one. */
static __always_inline void fill_worst(struct deadline_event *event, struct slo_event_limit *limit,
				       const struct accounting *acct, struct task_struct *p,
				       const struct miss *miss) __must_hold(rq)
{
	bool is_mine = may_write_worst(limit);

	if (is_mine && limit->worst.deadline_miss_ns > miss->miss_ns)
		*event = limit->worst;
	else
		fill_event(event, acct, p, miss);
	if (!is_mine)
		return;
	limit->worst.deadline_miss_ns = 0;
	worst_written(limit);
}

static u64 lag_told_ns;

/* Not on the usual path: keys are renewed where there is too much to do. One that is lost is followed by the
 * next. */
static __always_inline void tell_lag(u64 now)
{
	u64 told = lag_told_ns;
	struct slo_lag_event *event;

	if (now - told < SLO_LAG_INTERVAL_NS || __sync_val_compare_and_swap(&lag_told_ns, told, now) != told)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	event->timestamp_ns = now;
	bpf_ringbuf_submit(event, 0);
}

/* Tells of a miss, or counts that it did not. Not on the usual path: misses are rare or rate-limited. */
static __noinline void report_miss(struct slo_stats *stats, const struct accounting *acct,
				   struct task_struct *p, struct miss *miss) __must_hold(rq)
{
	struct deadline_event *event;
	struct slo_event_limit *limit;
	u32 slot = acct->slot;

	limit = bpf_map_lookup_elem(&event_limits, &slot);
	if (!limit)
		return;
	miss->now = bpf_ktime_get_ns();
	if (!may_send_event(limit, miss->now)) {
		__sync_fetch_and_add(&stats->events_suppressed, 1);
		suppress(limit, acct, p, miss);
		return;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&stats->events_lost, 1);
		suppress(limit, acct, p, miss);
		return;
	}
	fill_worst(event, limit, acct, p, miss);
	event->suppressed = __sync_lock_test_and_set(&limit->suppressed, 0);
	bpf_ringbuf_submit(event, 0);
}

#endif
