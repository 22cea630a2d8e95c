/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What settings a cgroup has: told by the daemon, and by the placer where a cgroup is made.
 */
#ifndef SLO_CFG_MAP_BPF_H
#define SLO_CFG_MAP_BPF_H

#include "bpf/kernel/types.h"
#include <bpf/bpf_helpers.h>

#include "bpf/abi/slo_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* the daemon makes it, and the next one, larger */
	__type(key, u64);       /* cgroup id */
	__type(value, struct slo_cfg);
} cfg_map SEC(".maps");

#endif
