// SPDX-License-Identifier: GPL-2.0-only
/*
 * The placer: a cgroup that is made finds its settings by where it is, before anybody can be inside. It looks
 * from the root of the default hierarchy on, node by node, so that whoever may make cgroups somewhere gets
 * nothing that was meant for a unit of PID 1: "nginx.service" below a user's manager has another path. What
 * many units have by their names (templates, "docker-") holds only where all above are slices, which PID 1
 * alone makes.
 *
 * The kernel holds cgroup_mutex wherever this runs, so one of it runs at a time.
 */
#include "bpf/kernel/types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/accounting/cfg_map.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* the daemon makes it, larger */
	__type(key, struct slo_path_key);
	__type(value, struct slo_path);
} path_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SLO_PATHS_MAX);
	__type(key, u64); /* cgroup id */
	__type(value, struct slo_node);
} node_map SEC(".maps");

/* Written by the daemon. */
volatile u32 has_patterns = 0;
volatile u32 spares_offered = 0; /* in all, a running number; by it the place in `spares` */
struct slo_spare spares[SLO_SPARES];

/* Read by the daemon: how many of those were handed out. */
volatile u32 spares_taken = 0;

/* Of the cgroup that is looked for; a stack is too small. */
static struct slo_path_key key;

#define LAST (SLO_COMPONENT_LEN - 1)

/* length: of the component in `key`. The loop has to be gone before the verifier sees it, and the string with
 * it. */
static __always_inline bool ends_with(u32 length, const char *suffix, u32 size)
{
	bool same = length > size;
	u32 i;

#pragma unroll
	for (i = 0; i < size; i++)
		same = same && key.name[(length - size + i) & LAST] == suffix[i];
	return same;
}

#define ENDS_WITH(length, suffix) ends_with(length, suffix, sizeof(suffix) - 1)

/* SLO_PATTERN_*, and where the suffix begins; NONE: it is no unit's. */
static __always_inline u32 type_of(u32 length, u32 *dot)
{
	*dot = length - (sizeof(".service") - 1);
	if (ENDS_WITH(length, ".service"))
		return SLO_PATTERN_SERVICE;
	*dot = length - (sizeof(".scope") - 1);
	if (ENDS_WITH(length, ".scope"))
		return SLO_PATTERN_SCOPE;
	return ENDS_WITH(length, ".slice") ? SLO_PATTERN_SLICE : SLO_PATTERN_NONE;
}

/*
 * The nearest pattern that the component in `key` begins with: the longest, as systemd has it. The component
 * is cut after one dash or "@" after the other, from its end, and is gone afterwards. dot: of its suffix.
 */
static __noinline struct slo_path *find_pattern(u32 space, u32 type, u32 length, u32 dot)
{
	u32 i;

	key.node = space;
	key.pattern = type;
	bpf_for (i, 0, SLO_COMPONENT_LEN) {
		u32 at = (length - i) & LAST;
		u32 before = (at - 1) & LAST;
		struct slo_path *found;

		if (i > length)
			break;
		key.name[at] = 0;
		if (at > dot || (at != 0 && key.name[before] != '-' && key.name[before] != '@'))
			continue;
		found = bpf_map_lookup_elem(&path_map, &key);
		if (found)
			return found;
	}
	return NULL;
}

/* systemd puts an underscore before names that the kernel could mistake for files of its own. */
static __always_inline void drop_escape(u32 *length, u32 *dot)
{
	u32 i;

	if (key.name[0] != '_')
		return;
	bpf_for (i, 0, LAST)
		key.name[i & LAST] = key.name[(i + 1) & LAST];
	*dot -= 1;
	*length -= 1;
}

/* Counters and a number of its own, from those that the daemon offers. Without one it has its budget all the
 * same, and is counted from when the daemon hears of it. */
static __noinline void give_spare(struct slo_cfg *cfg __arg_nonnull, u64 id)
{
	u32 next = spares_taken;
	struct slo_spare *spare;

	if (next == spares_offered)
		return;
	spare = &spares[next % SLO_SPARES];
	cfg->slot = spare->slot;
	cfg->unit = spare->unit;
	spare->cgroup_id = id;
	__sync_fetch_and_add(&spares_taken, 1);
}

/* Once: what is there already is newer, or was told by the daemon, who knows better. */
static __noinline void give_settings(const struct slo_path *path __arg_nonnull, u64 id)
{
	struct slo_cfg cfg = path->cfg;

	if (bpf_map_lookup_elem(&cfg_map, &id))
		return;
	if (path->flags & SLO_PATH_IS_SHARED)
		give_spare(&cfg, id);
	bpf_map_update_elem(&cfg_map, &id, &cfg, BPF_NOEXIST);
}

static __always_inline bool read_component(struct cgroup *cgrp, u32 *length)
{
	long size;

	__builtin_memset(&key, 0, sizeof(key));
	size = bpf_probe_read_kernel_str(key.name, sizeof(key.name), BPF_CORE_READ(cgrp, kn, name));
	if (size <= 1 || size > SLO_COMPONENT_LEN)
		return false;
	*length = (u32)size - 1;
	return true;
}

static __noinline void place_below(struct cgroup *cgrp __arg_trusted,
				   const struct slo_node *above __arg_nonnull, u64 id, u64 made_ns)
{
	struct slo_node node = {.made_ns = made_ns};
	struct slo_path *path = NULL;
	u32 type, length, dot;

	if (!read_component(cgrp, &length))
		return;
	if (above->node != SLO_NODE_NONE) {
		key.node = above->node;
		path = bpf_map_lookup_elem(&path_map, &key);
	}
	if (path)
		node.node = path->node;
	if (above->space != SLO_NODE_NONE) {
		type = type_of(length, &dot);
		if (type == SLO_PATTERN_SLICE)
			node.space =
				path && (path->flags & SLO_PATH_HAS_PATTERNS) ? path->node : above->space;
		if (type != SLO_PATTERN_NONE && has_patterns && !(path && (path->flags & SLO_PATH_HAS_CFG))) {
			drop_escape(&length, &dot);
			path = find_pattern(above->space, type, length, dot);
		}
	} else if (node.node == SLO_NODE_NONE && !path) {
		return;
	}
	bpf_map_update_elem(&node_map, &id, &node, 0);
	if (path && (path->flags & SLO_PATH_HAS_CFG))
		give_settings(path, id);
}

/* made_ns: 0: it was there before. */
static __always_inline void place(struct cgroup *cgrp, u64 made_ns)
{
	struct cgroup_subsys_state *parent = cgrp->self.parent;
	struct slo_node root = {.node = SLO_NODE_ROOT, .space = SLO_NODE_ROOT};
	struct slo_node *above;
	u64 id = cgrp->kn->id;
	u64 above_id;

	if (!parent) {
		bpf_map_update_elem(&node_map, &id, &root, 0);
		return;
	}
	above_id = parent->cgroup->kn->id;
	above = bpf_map_lookup_elem(&node_map, &above_id);
	if (above)
		place_below(cgrp, above, id, made_ns);
}

/* Other hierarchies number their cgroups on their own. */
static __always_inline bool is_in_default_hierarchy(struct cgroup *cgrp)
{
	return cgrp->root->hierarchy_id == 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(slo_on_cgroup_mkdir, struct cgroup *cgrp)
{
	if (is_in_default_hierarchy(cgrp))
		place(cgrp, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(slo_on_cgroup_rmdir, struct cgroup *cgrp)
{
	u64 id = cgrp->kn->id;

	if (is_in_default_hierarchy(cgrp) && bpf_map_delete_elem(&node_map, &id) == 0)
		bpf_map_delete_elem(&cfg_map, &id);
	return 0;
}

/* Run by the daemon, from the top down: over all once this is attached, and below each new node. */
SEC("iter/cgroup")
int slo_place_existing(struct bpf_iter__cgroup *ctx)
{
	struct cgroup *cgrp = ctx->cgroup;
	struct slo_node *known;
	u64 id;

	if (!cgrp)
		return 0;
	id = cgrp->kn->id;
	known = bpf_map_lookup_elem(&node_map, &id);
	place(cgrp, known ? known->made_ns : 0);
	return 0;
}
