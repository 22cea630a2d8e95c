// SPDX-License-Identifier: GPL-2.0-only
/* The least that is a sched_ext scheduler: everything runs in the order in which it came. */
#include "bpf/kernel/kfuncs.h"

char _license[] SEC("license") = "GPL";

#define GLOBAL_QUEUE (SCX_DSQ_FLAG_BUILTIN | 1)
#define SLICE_NS 5000000

SEC("struct_ops/enqueue")
void BPF_PROG(other_enqueue, struct task_struct *p, u64 enq_flags)
{
	slo_insert(p, GLOBAL_QUEUE, SLICE_NS, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops other_scheduler = {
	.enqueue = (void *)other_enqueue,
	.name = "other_scheduler",
};
