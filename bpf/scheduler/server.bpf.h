/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Servers in the scheduler. What a unit runs by key is charged to its reserve and to those of the slices
 * above it: while one of them is empty, the unit's tasks are best effort; once there is something in it
 * again, those that wait go back among the SLO tasks. What a task runs at all is charged to its limit and to
 * those above it: see limit.bpf.h.
 */
#ifndef SLO_SERVER_BPF_H
#define SLO_SERVER_BPF_H

#include "bpf/policy/limit.h"
#include "bpf/scheduler/storage.bpf.h"

/* Of each queue, when there is something in a reserve again. Those behind have to wait for best effort's turn
 * to come to them. */
#define REVIVED_MAX 64

struct server {
	s64 tokens_ns; /* as of filled_ns, less what was charged since */
	u64 filled_ns; /* of a limit: when its period began; 0: it has none yet */
	u32 is_empty;
	u32 pad;
} __attribute__((aligned(64)));

/* The CPUs of one shard, and one server. */
struct prepaid {
	s64 ns;
} __attribute__((aligned(64)));

/* Index: SLO_SERVER_*, or SLO_SERVERS_FIXED and the slot of the unit that has it, both written by the daemon;
 * from server_of_limit(0) on limits. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* the daemon makes it larger, and the next two with it */
	__type(key, u32);
	__type(value, struct slo_server_cfg);
} server_cfgs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct server);
} servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32); /* (shard, place in server_cfgs), as prepaid_index() has it */
	__type(value, struct prepaid);
} prepaid_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct slo_timer);
} refill_timer SEC(".maps");

/* Index: place of the limit. Outlives the scheduler, as what it counts does. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLO_LIMITS);
	__type(key, u32);
	__type(value, struct slo_limit);
} limits SEC(".maps");

/* Set by the daemon: places from here on have no reserve. */
volatile u32 nr_servers = 0;

static u32 is_refill_armed;
/* Limits that are used up: with none nobody looks for tasks that have to wait. */
static u32 nr_empty_limits;

static __always_inline u32 server_of_limit(u32 limit)
{
	return SLO_SERVERS_FIXED + tunables.capacity + limit;
}

static __always_inline struct slo_limit *limit_of_server(u32 at)
{
	u32 limit = at - server_of_limit(0);

	return bpf_map_lookup_elem(&limits, &limit);
}

/* Not on the usual path: few units have a reserve of their own. Global: see share_of_groups(). */
__noinline bool is_empty(u32 at)
{
	struct slo_server_cfg *cfg;
	struct server *server;
	bool empty = false;
	u32 i;

	bpf_for (i, 0, SLO_SERVER_DEPTH_MAX) {
		server = bpf_map_lookup_elem(&servers, &at);
		cfg = bpf_map_lookup_elem(&server_cfgs, &at);
		if (!server || !cfg)
			break;
		empty = server->is_empty != 0;
		if (empty)
			break;
		at = cfg->parent;
	}
	return empty;
}

static __always_inline bool is_throttled(const struct accounting *acct)
{
	return acct->server != SLO_NO_SLOT && is_empty(acct->server);
}

/* An operator's task, as long as there is something in their reserve: it comes before other best effort, and
 * what it runs is not counted by weight. */
static __always_inline bool operator_goes_first(const struct accounting *acct)
{
	return acct->server == SLO_SERVER_OPERATOR && !is_empty(SLO_SERVER_OPERATOR);
}

/* Reserves are looked at every SLO_SERVER_STEP_NS from now on, until none is empty. */
static __noinline void arm_refill(void)
{
	u32 zero = 0;
	struct slo_timer *timer;

	if (__sync_lock_test_and_set(&is_refill_armed, 1) != 0)
		return;
	timer = bpf_map_lookup_elem(&refill_timer, &zero);
	if (timer)
		bpf_timer_start(&timer->timer, SLO_SERVER_STEP_NS, 0);
}

/* Adds what has come in. Whoever moves the time on adds it; what is charged meanwhile is not lost. */
static __always_inline void fill(struct server *server, const struct slo_server_cfg *cfg, u64 now)
{
	u64 filled_ns = server->filled_ns;
	s64 tokens_ns = server->tokens_ns;

	if (__sync_val_compare_and_swap(&server->filled_ns, filled_ns, now) == filled_ns)
		__sync_fetch_and_add(&server->tokens_ns,
				     slo_server_fill_ns(tokens_ns, cfg->quota_ns, cfg->burst_ns,
							slo_elapsed_ns(filled_ns, now)) -
					     tokens_ns);
}

static __always_inline u32 prepaid_index(u32 shard, u32 at)
{
	return shard * server_of_limit(SLO_LIMITS) + at;
}

static __always_inline s64 prepaid_ns(u32 shard, u32 at)
{
	u32 index = prepaid_index(shard, at);
	const struct prepaid *prepaid = bpf_map_lookup_elem(&prepaid_map, &index);

	return prepaid ? prepaid->ns : 0;
}

/* What shards have taken of it and not used goes back, so that the tokens are all there is. */
static __noinline void give_back(u32 at, struct server *server __arg_nonnull)
{
	u32 i;

	bpf_for (i, 0, nr_shards) {
		u32 index = prepaid_index(i, at);
		struct prepaid *prepaid = bpf_map_lookup_elem(&prepaid_map, &index);

		if (prepaid && prepaid->ns != 0)
			__sync_fetch_and_add(&server->tokens_ns, __sync_lock_test_and_set(&prepaid->ns, 0));
	}
}

static __always_inline void note_used_up(struct server *server, struct slo_limit *limit, u64 now)
{
	if (__sync_lock_test_and_set(&server->is_empty, 1) != 0)
		return;
	__sync_fetch_and_add(&nr_empty_limits, 1);
	limit->throttled_from_ns = now;
}

static __always_inline void note_refilled(struct server *server, struct slo_limit *limit, u64 now)
{
	if (__sync_lock_test_and_set(&server->is_empty, 0) == 0)
		return;
	__sync_fetch_and_add(&nr_empty_limits, -1);
	__sync_fetch_and_add(&limit->throttled_ns, slo_elapsed_ns(limit->throttled_from_ns, now));
	limit->throttled_from_ns = 0;
}

/*
 * Where a new period has begun, whoever comes first fills the limit; true: that was here. Global: see
 * share_of_groups().
 */
__noinline bool refill_limit(u32 at, u64 now)
{
	struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
	struct server *server = bpf_map_lookup_elem(&servers, &at);
	struct slo_limit *limit = limit_of_server(at);
	u64 filled_ns, periods;
	s64 tokens_ns;

	if (!cfg || !server || !limit || cfg->period_ns == 0)
		return false;
	filled_ns = server->filled_ns;
	periods = slo_limit_periods(filled_ns, cfg->period_ns, now);
	if (periods == 0 || __sync_val_compare_and_swap(&server->filled_ns, filled_ns,
							filled_ns + periods * cfg->period_ns) != filled_ns)
		return false;
	give_back(at, server);
	limit->nr_let_go = 0;
	tokens_ns = server->tokens_ns;
	__sync_fetch_and_add(&server->tokens_ns,
			     slo_limit_fill_ns(tokens_ns, cfg->quota_ns, cfg->burst_ns, periods) - tokens_ns);
	__sync_fetch_and_add(&limit->nr_periods, server->is_empty ? periods : 1);
	if (!server->is_empty)
		return true;
	__sync_fetch_and_add(&limit->nr_throttled, periods);
	if (!slo_server_is_empty(server->tokens_ns))
		note_refilled(server, limit, now);
	return true;
}

/* A shard found no token left. */
static __noinline void use_up_limit(u32 at, struct server *server __arg_nonnull, u64 now)
{
	struct slo_limit *limit = limit_of_server(at);

	refill_limit(at, now);
	give_back(at, server);
	if (!limit || !slo_server_is_empty(server->tokens_ns))
		return;
	note_used_up(server, limit, now);
	/* Filled in between by one that saw it in use: one of the two sees the other. */
	if (!slo_server_is_empty(server->tokens_ns))
		note_refilled(server, limit, now);
}

static __always_inline void charge_one(u32 at, const struct slo_server_cfg *cfg, u32 shard, u64 exec_ns,
				       u64 now)
{
	u32 index = prepaid_index(shard, at);
	struct prepaid *prepaid = bpf_map_lookup_elem(&prepaid_map, &index);
	struct server *server = bpf_map_lookup_elem(&servers, &at);
	s64 left_ns;
	u64 draw_ns;

	if (!prepaid || !server || cfg->quota_ns == 0)
		return;
	left_ns = __sync_fetch_and_add(&prepaid->ns, -(s64)exec_ns) - (s64)exec_ns;
	draw_ns = slo_server_draw_ns(left_ns, slo_server_chunk_ns(cfg->quota_ns));
	if (draw_ns == 0)
		return;
	__sync_fetch_and_add(&prepaid->ns, draw_ns);
	left_ns = __sync_fetch_and_add(&server->tokens_ns, -(s64)draw_ns) - (s64)draw_ns;
	if (!slo_server_is_empty(left_ns))
		return;
	if (cfg->period_ns != 0) {
		use_up_limit(at, server, now);
		return;
	}
	fill(server, cfg, now);
	if (!slo_server_is_empty(server->tokens_ns))
		return;
	server->is_empty = 1;
	arm_refill();
}

__noinline u32 charge_server(u32 at, u32 shard, u64 exec_ns, u64 now)
{
	u32 i;

	bpf_for (i, 0, SLO_SERVER_DEPTH_MAX) {
		struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);

		if (!cfg)
			break;
		charge_one(at, cfg, shard, exec_ns, now);
		at = cfg->parent;
	}
	return at;
}

/* Fills all reserves. True when one was empty that is not any more; *empty: one still is. */
static __noinline bool refill_servers(u64 now, u32 *empty __arg_nonnull)
{
	bool revived = false;
	u32 nr = nr_servers;
	u32 i;

	*empty = 0;
	bpf_for (i, 0, nr) {
		u32 at = i;
		struct slo_server_cfg *cfg = bpf_map_lookup_elem(&server_cfgs, &at);
		struct server *server = bpf_map_lookup_elem(&servers, &at);

		if (!cfg || !server)
			break;
		if (cfg->quota_ns != 0)
			fill(server, cfg, now);
		if (!server->is_empty)
			continue;
		if (cfg->quota_ns != 0 && !slo_server_revives(server->tokens_ns, cfg->quota_ns)) {
			*empty = 1;
			continue;
		}
		server->is_empty = 0;
		revived = true;
	}
	return revived;
}

#endif
