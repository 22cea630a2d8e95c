/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a map says of a cgroup: its own entry, or that of its nearest ancestor which has one.
 */
#ifndef SLO_CGROUP_BPF_H
#define SLO_CGROUP_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>

/* Cgroups deeper than this below one with an entry do not inherit from it; systemd itself nests a handful. */
#define SLO_MAX_DEPTH 64

/* map: by cgroup id (u64). NULL: no entry from `cgrp` up. */
static __always_inline void *find_by_cgroup(void *map, struct cgroup *cgrp) __must_hold(rcu)
{
	void *found = NULL;
	int i;

	bpf_for (i, 0, SLO_MAX_DEPTH) {
		struct cgroup_subsys_state *parent;
		u64 id = cgrp->kn->id;

		found = bpf_map_lookup_elem(map, &id);
		if (found)
			break;
		parent = cgrp->self.parent;
		if (!parent)
			break;
		cgrp = parent->cgroup;
	}
	return found;
}

#endif
