// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that a sched_ext scheduler can be given from outside, whichever it is: an error, and a runnable task
 * that it can never find again, so that the kernel's watchdog ends it.
 */
#include "bpf/kernel/kfuncs.h"

char _license[] SEC("license") = "GPL";

#define NOWHERE 0x510510510ull
#define LOOKED_AT_MOST 4096

void scx_bpf_error_bstr(char *fmt, unsigned long long *data, u32 data__sz) __ksym;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;

/* 6.13 renamed it. */
bool scx_bpf_dsq_move___move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id,
			     u64 enq_flags) SLO_KFUNC;
bool scx_bpf_dispatch_from_dsq___move(struct bpf_iter_scx_dsq *it__iter, struct task_struct *p, u64 dsq_id,
				      u64 enq_flags) SLO_KFUNC;

/* The part of the kernel's that says where a task is queued. */
struct scx_dispatch_q {
	u64 id;
} __attribute__((preserve_access_index));

struct sched_ext_entity___queued {
	struct scx_dispatch_q *dsq;
} __attribute__((preserve_access_index));

struct task_struct___queued {
	struct sched_ext_entity___queued scx;
} __attribute__((preserve_access_index));

/* Set by the caller. */
int victim;
/* Whether the victim was caught waiting and was moved. */
bool hidden;

SEC("syscall")
int end_scheduler(void *ctx)
{
	static char fmt[] = "an error made by a test";
	unsigned long long none[1] = {};

	scx_bpf_error_bstr(fmt, none, sizeof(none));
	return 0;
}

SEC("syscall")
int make_nowhere(void *ctx)
{
	return scx_bpf_create_dsq(NOWHERE, -1);
}

static bool move(struct bpf_iter_scx_dsq *it, struct task_struct *p)
{
	if (bpf_ksym_exists(scx_bpf_dsq_move___move))
		return scx_bpf_dsq_move___move(it, p, NOWHERE, 0);
	return scx_bpf_dispatch_from_dsq___move(it, p, NOWHERE, 0);
}

/* The scheduler's own queue that the victim waits in; 0 when it runs or waits in one of the kernel's. */
static u64 queue_of_victim(void)
{
	struct task_struct *p = bpf_task_from_pid(victim);
	u64 id;

	if (!p)
		return 0;
	id = BPF_CORE_READ((struct task_struct___queued *)p, scx.dsq, id);
	bpf_task_release(p);
	return id == NOWHERE || (id & SCX_DSQ_FLAG_BUILTIN) ? 0 : id;
}

SEC("syscall")
int hide_victim(void *ctx)
{
	struct bpf_iter_scx_dsq it;
	u64 queue;
	int i;

	bpf_rcu_read_lock();
	queue = queue_of_victim();
	if (queue != 0) {
		bpf_iter_scx_dsq_new(&it, queue, 0);
		bpf_for (i, 0, LOOKED_AT_MOST) {
			struct task_struct *p = bpf_iter_scx_dsq_next(&it);

			if (!p)
				break;
			if (p->pid == victim) {
				hidden = move(&it, p);
				break;
			}
		}
		bpf_iter_scx_dsq_destroy(&it);
	}
	bpf_rcu_read_unlock();
	return 0;
}
