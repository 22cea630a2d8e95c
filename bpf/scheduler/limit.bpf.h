/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits: CPUQuota= of the cgroups that a task is in. The kernel keeps the values for its own class and takes
 * no notice of what other classes run, so they are read there and kept here. Nobody tells of a change on all
 * kernels: whether there is a limit at all is looked at at every tick and, once anybody had one, at every
 * wakeup (one number of the task's group), where and how large it is once per period. What is charged is what
 * the kernel itself counts, as `cpu.stat` has it: it leaves out the time of interrupts.
 */
#ifndef SLO_LIMIT_BPF_H
#define SLO_LIMIT_BPF_H

#include "bpf/kernel/task_group.bpf.h"
#include "bpf/scheduler/group.bpf.h"
#include "bpf/scheduler/server.bpf.h"

/* A limit is found within so many places from where the id of its cgroup says. */
#define LIMIT_PROBES 64
/* Where periods are long, limits are looked at this often. */
#define LIMIT_LOOK_NS (100ull * SLO_NSEC_PER_MSEC)
/* A place whose limit was not seen for this long is given to another. */
#define LIMIT_STALE_NS (10ull * SLO_NSEC_PER_SEC)
#define NO_QUOTA (~0ull)

/* Limits that are not kept, for the daemon to tell. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLO_UNKEPTS);
	__type(key, u32);
	__type(value, struct slo_unkept_limit);
} unkept_limits SEC(".maps");

/* Somebody has one, or had: before that nobody pays for a look. A task that joins tells, and one that a tick
 * finds: so a first limit is seen the sooner the more its group runs. Volatile, or it becomes a single bit,
 * which the kernel's type information has no word for. */
static volatile u32 any_limit;

static __always_inline u64 quota_of(u64 task_group)
{
	return BPF_CORE_READ((struct task_group *)task_group, cfs_bandwidth.quota);
}

static __always_inline u64 cgroup_id_of(u64 task_group)
{
	return BPF_CORE_READ((struct task_group *)task_group, css.cgroup, kn, id);
}

static __always_inline void read_name(char *name, u64 task_group)
{
	bpf_probe_read_kernel_str(name, SLO_CGROUP_NAME_LEN,
				  BPF_CORE_READ((struct task_group *)task_group, css.cgroup, kn, name));
}

static __noinline void tell_unkept(u64 task_group, u32 reason)
{
	u64 cgroup_id = cgroup_id_of(task_group);
	u32 i;

	bpf_for (i, 0, SLO_UNKEPTS) {
		u32 at = i;
		struct slo_unkept_limit *unkept = bpf_map_lookup_elem(&unkept_limits, &at);

		if (!unkept || unkept->cgroup_id == cgroup_id)
			break;
		if (__sync_val_compare_and_swap(&unkept->cgroup_id, 0, cgroup_id) != 0)
			continue;
		read_name(unkept->name, task_group);
		unkept->reason = reason;
		break;
	}
}

/* Nobody waits for it and nobody used it for long, so that nothing is forgiven. */
static __always_inline bool is_stale(const struct slo_limit *limit, u64 now)
{
	return limit->nr_parked == 0 && limit->throttled_from_ns == 0 &&
	       slo_elapsed_ns(limit->used_ns, now) > LIMIT_STALE_NS;
}

static __always_inline u32 home_of(u64 cgroup_id)
{
	static_assert((SLO_LIMITS & (SLO_LIMITS - 1)) == 0, "a mask needs a power of two");
	/* Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, 6.4. */
	return (u32)(cgroup_id * 0x9e3779b97f4a7c15ull >> 32) & (SLO_LIMITS - 1);
}

/* Takes the place for a group that is new there; false: somebody else was first. */
static __always_inline bool claim(struct slo_limit *limit, u64 was, u64 task_group, u64 now)
{
	if (__sync_val_compare_and_swap(&limit->task_group, was, task_group) != was)
		return false;
	limit->used_ns = now;
	return true;
}

/* Place of the limit of this group; SLO_NO_SLOT: there is none left. */
__noinline u32 place_of(u64 task_group, u64 cgroup_id, u64 now)
{
	u32 home = home_of(cgroup_id);
	u32 found = SLO_NO_SLOT, vacant = SLO_NO_SLOT;
	u64 was = 0;
	struct slo_limit *limit;
	u32 i;

	bpf_for (i, 0, LIMIT_PROBES) {
		u32 at = (home + i) & (SLO_LIMITS - 1);

		limit = bpf_map_lookup_elem(&limits, &at);
		if (!limit)
			break;
		if (limit->task_group == task_group) {
			found = at;
			break;
		}
		if (vacant == SLO_NO_SLOT && (limit->task_group == 0 || is_stale(limit, now))) {
			vacant = at;
			was = limit->task_group;
		}
		/* Nothing was ever put behind a place that is free. */
		if (limit->task_group == 0)
			break;
	}
	if (found != SLO_NO_SLOT || vacant == SLO_NO_SLOT)
		return found;
	limit = bpf_map_lookup_elem(&limits, &vacant);
	if (!limit || (!claim(limit, was, task_group, now) && limit->task_group != task_group))
		return SLO_NO_SLOT;
	return vacant;
}

/* The place has another group than before: nothing of that one holds. */
static __always_inline void name_limit(struct slo_limit *limit, u64 task_group, u64 cgroup_id)
{
	limit->cgroup_id = cgroup_id;
	limit->nr_periods = 0;
	limit->nr_throttled = 0;
	limit->throttled_ns = 0;
	read_name(limit->name, task_group);
}

/* Periods begin at different instants: those of all units that were there when the scheduler came would begin
 * at the same one, and their tasks come all at once. */
static __always_inline u64 begun_ns(u64 cgroup_id, u64 period_ns, u64 now)
{
	/* Below 2^32: periods end at 1 s. */
	return now - (period_ns & 0xffffffff) * ((u32)cgroup_id * 0x9e3779b9u) / (1ull << 32);
}

/* Brings the limit of a group up to date, and says where it is. A change brings a quota more, as it does in
 * the kernel. */
__noinline u32 update_limit(u64 task_group, u64 quota_ns, u64 now)
{
	u64 cgroup_id = cgroup_id_of(task_group);
	u32 place = place_of(task_group, cgroup_id, now);
	u32 at = server_of_limit(place);
	struct slo_limit *limit = bpf_map_lookup_elem(&limits, &place);
	struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
	struct server *server = bpf_map_lookup_elem(&servers, &at);
	u64 period_ns = (u64)BPF_CORE_READ((struct task_group *)task_group, cfs_bandwidth.period);
	u64 burst_ns = BPF_CORE_READ((struct task_group *)task_group, cfs_bandwidth.burst);

	if (!limit || !cfg || !server) {
		tell_unkept(task_group, SLO_UNKEPT_NO_PLACE);
		return SLO_NO_SLOT;
	}
	quota_ns = quota_ns < SLO_LIMIT_QUOTA_MAX_NS ? quota_ns : SLO_LIMIT_QUOTA_MAX_NS;
	burst_ns = burst_ns < quota_ns ? burst_ns : quota_ns;
	limit->used_ns = now;
	if (limit->cgroup_id != cgroup_id || server->filled_ns == 0) {
		note_refilled(server, limit, now);
		server->tokens_ns = 0;
		if (limit->cgroup_id != cgroup_id)
			name_limit(limit, task_group, cgroup_id);
	} else if (cfg->quota_ns == quota_ns && cfg->period_ns == period_ns && cfg->burst_ns == burst_ns) {
		refill_limit(at, now);
		return place;
	}
	give_back(at, server);
	if (server->filled_ns == 0 || cfg->period_ns != period_ns)
		server->filled_ns = begun_ns(cgroup_id, period_ns, now);
	cfg->quota_ns = quota_ns;
	cfg->period_ns = period_ns;
	cfg->burst_ns = burst_ns;
	server->tokens_ns = slo_limit_fill_ns(server->tokens_ns, quota_ns, burst_ns, 1);
	if (!slo_server_is_empty(server->tokens_ns))
		note_refilled(server, limit, now);
	return place;
}

static __always_inline void set_parent(u32 limit, u32 above)
{
	u32 at = server_of_limit(limit);
	struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
	u32 parent = above != SLO_NO_SLOT ? server_of_limit(above) : SLO_NO_SLOT;

	if (limit != SLO_NO_SLOT && cfg && cfg->parent != parent)
		cfg->parent = parent;
}

/* When its values are looked at again: as its present period ends. */
__noinline u64 look_again_ns(u32 limit, u64 now)
{
	u32 at = server_of_limit(limit);
	const struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
	const struct server *server = bpf_map_lookup_elem(&servers, &at);
	u64 latest_ns = now + LIMIT_LOOK_NS;
	u64 end_ns = latest_ns;

	if (limit != SLO_NO_SLOT && cfg && server)
		end_ns = server->filled_ns + cfg->period_ns;
	return slo_before(latest_ns, end_ns) ? latest_ns : end_ns;
}

/* Walks up from a task's group: where its nearest limit is. Global: see share_of_groups(). */
__noinline u32 find_limit(u64 of_task, u64 now)
{
	u64 task_group = of_task;
	u32 nearest = SLO_NO_SLOT, below = SLO_NO_SLOT;
	int i;

	bpf_for (i, 0, SLO_GROUP_DEPTH_MAX) {
		u64 quota_ns = quota_of(task_group);

		if (quota_ns != NO_QUOTA) {
			u32 place = update_limit(task_group, quota_ns, now);

			if (place != SLO_NO_SLOT) {
				set_parent(below, place);
				below = place;
				if (nearest == SLO_NO_SLOT)
					nearest = place;
			}
		}
		task_group = parent_of(task_group);
		if (!task_group)
			break;
	}
	/* What is further above others may have come to. */
	if (!task_group)
		set_parent(below, SLO_NO_SLOT);
	else if (BPF_CORE_READ((struct task_group *)task_group, cfs_bandwidth.hierarchical_quota) != NO_LIMIT)
		tell_unkept(of_task, SLO_UNKEPT_TOO_DEEP);
	return nearest;
}

/* All that is asked about those that have none. */
static __always_inline bool may_have_limit(const struct task_struct *p, const struct task_ctx *tctx)
	__must_hold(task)
{
	return any_limit != 0 && (tctx->limit != SLO_NO_SLOT || has_limit(p));
}

static __always_inline void look_for_first_limit(const struct task_struct *p)
{
	if (any_limit == 0 && has_limit(p))
		any_limit = 1;
}

/* Which limit the task has to keep to: a change of any that is the tightest so far, its own or above, changes
 * the ratio. */
static __always_inline void refresh_limit(struct task_ctx *tctx, struct task_struct *p, u64 now)
	__must_hold(task)
{
	s64 ratio = limit_ratio(p);

	if (tctx->limit_ratio == ratio &&
	    (ratio == NO_LIMIT ||
	     (tctx->limit_group == (u64)p->sched_task_group && slo_before(now, tctx->limit_until_ns))))
		return;
	tctx->limit_ratio = ratio;
	tctx->limit = SLO_NO_SLOT;
	if (ratio == NO_LIMIT)
		return;
	tctx->limit_group = (u64)BPF_CORE_READ(p, sched_task_group);
	tctx->limit = find_limit(tctx->limit_group, now);
	tctx->limit_until_ns = look_again_ns(tctx->limit, now);
}

/* The limit, or one above it, is used up. */
static __always_inline bool is_used_up(u32 limit)
{
	return limit != SLO_NO_SLOT && nr_empty_limits != 0 && is_empty(server_of_limit(limit));
}

/* A task that is to end, or to be frozen, needs the CPU for that, and others wait for it to be gone. */
static __always_inline bool is_called(const struct task_struct *p)
{
	const struct signal_struct *signal = p->signal;

	return (p->pending.signal.sig[0] & (1ul << (SIGKILL - 1))) ||
	       (signal && (signal->flags & SIGNAL_GROUP_EXIT)) || (p->jobctl & JOBCTL_TRAP_FREEZE);
}

static __always_inline bool never_parks(const struct task_struct *p)
{
	return (p->flags & (PF_KTHREAD | PF_EXITING)) || is_called(p);
}

/* What is left on the level that has least. */
__noinline s64 limit_left_ns(u32 limit, u32 shard)
{
	s64 least_ns = (s64)SLO_LIMIT_QUOTA_MAX_NS;
	u32 at = server_of_limit(limit);
	u32 i;

	bpf_for (i, 0, SLO_SERVER_DEPTH_MAX) {
		const struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
		const struct server *server = bpf_map_lookup_elem(&servers, &at);
		s64 left_ns;

		if (!cfg || !server)
			break;
		left_ns = server->tokens_ns + prepaid_ns(shard, at);
		if (left_ns < least_ns)
			least_ns = left_ns;
		at = cfg->parent;
	}
	return least_ns;
}

/* Fills those of a limit and above that are used up and whose time has come; when there will be something on
 * all levels again, as far as is known now. */
__noinline u64 refilled_at_ns(u32 limit, u64 now)
{
	u32 at = server_of_limit(limit);
	u64 latest_ns = now;
	u32 i;

	bpf_for (i, 0, SLO_SERVER_DEPTH_MAX) {
		const struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
		const struct server *server = bpf_map_lookup_elem(&servers, &at);
		u64 at_ns;

		if (!cfg || !server)
			break;
		if (server->is_empty)
			refill_limit(at, now);
		at_ns = server->filled_ns +
			slo_limit_periods_to_go(server->tokens_ns, cfg->quota_ns) * cfg->period_ns;
		if (server->is_empty && slo_before(latest_ns, at_ns))
			latest_ns = at_ns;
		at = cfg->parent;
	}
	return latest_ns;
}

/* What the task that runs here executed since that was noted last. */
static __always_inline void note_limited(struct limited *run, const struct task_struct *p) __must_hold(rq)
{
	u64 exec_ns = p->se.sum_exec_runtime;

	run->owed_ns += slo_elapsed_ns(run->exec_ns, exec_ns);
	run->exec_ns = exec_ns;
}

static __always_inline void charge_owed(s32 cpu, u64 now) __must_hold(rq)
{
	struct limited *run = limited_run_of(cpu);
	u64 owed_ns = run->owed_ns;

	run->owed_ns = 0;
	if (owed_ns != 0)
		charge_server(server_of_limit(run->limit), shard_of(cpu), owed_ns, now);
}

/* At the end of a run. Many that are short are charged at once, as long as there is ample left, and less than
 * one that is as short as runs can be is kept back: a CPU that goes idle keeps nothing. */
static __always_inline void end_limited(s32 cpu, struct cpu_ctx *cctx, const struct task_struct *p, u64 now)
	__must_hold(rq)
{
	struct limited *run = limited_run_of(cpu);

	note_limited(run, p);
	cctx->limit = SLO_NO_SLOT;
	if (run->owed_ns >= tunables.min_run_ns || !slo_before(now, run->ample_until_ns))
		charge_owed(cpu, now);
}

#endif
