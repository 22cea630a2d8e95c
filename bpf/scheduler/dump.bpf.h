/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our lines in the kernel's debug dump, which an operator gets by SysRq-D, and the journal when the kernel
 * ends the scheduler. scx-slod(8) explains their words.
 *
 * The kernel holds the lock of the run queue it tells of and has interrupts off; other CPUs go on meanwhile,
 * so two lines need not be of one instant. Instants are told from now on: +5us is to come, -5us is past.
 */
#ifndef SLO_DUMP_BPF_H
#define SLO_DUMP_BPF_H

#include "bpf/scheduler/queue.bpf.h"

/* Names of numbers that are few, each in 32 bytes; a power of two of them, to be masked. */
typedef char dump_name[32];
static const dump_name class_names[4] = {"none", "best-effort", "SLO", "?"};
static const dump_name job_names[4] = {"none", "waiting", "running", "?"};
static const dump_name queue_names[8] = {
	"none", "shared-SLO", "shared-best-effort", "pinned-SLO", "pinned-best-effort", "parked", "?", "?",
};

static __always_inline u64 name_in(const dump_name *names, u32 size, u32 index)
{
	return (u64)&names[index & (size - 1)];
}

#define NAME_IN(names, index) name_in(names, sizeof(names) / sizeof(names[0]), index)

static __always_inline u64 in_us(u64 span_ns)
{
	return span_ns / SLO_NSEC_PER_USEC;
}

/* BPF has no signed division before cpu v4. */
static __always_inline u64 from_now_us(u64 at, u64 now)
{
	return slo_before(at, now) ? -in_us(now - at) : in_us(at - now);
}

SEC("struct_ops/dump")
void BPF_PROG(slo_dump, struct scx_dump_ctx *dctx)
{
	u32 i;

	slo_dump_part("slo: heartbeat=%+lldus smallest_budget=%lluus reserves=%u generation=%u\n",
		      from_now_us(heartbeat_ns, bpf_ktime_get_ns()), in_us(smallest_budget_ns), nr_servers,
		      cfg_generation);
	bpf_for (i, 0, nr_shards) {
		const struct shard_ctx *shard = shard_ctx_of(i);

		slo_dump_part("slo shard %u: waiting=%llu/%llu vtime_now=%lluus\n", i, shard->nr_slo.value,
			      shard->nr_best_effort.value, in_us(shard->clock.vtime_ns));
	}
}

/* Idle CPUs may be many, and the dump is cut at its end: of those the one is told that should not be idle. */
static __always_inline bool is_worth_a_line(const struct cpu_ctx *cctx, bool idle)
{
	return !idle || pinned_queue_waits(cctx) || cctx->kick_pending != 0;
}

SEC("struct_ops/dump_cpu")
void BPF_PROG(slo_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	const struct cpu_ctx *cctx = cpu_ctx_of(cpu);
	u64 now = now_unlocked();

	if (!is_worth_a_line(cctx, idle))
		return;
	slo_dump_part("slo: class=%s looks=%llu pinned=%u/%u kick_pending=%u",
		      NAME_IN(class_names, cctx->class), cctx->nr_dispatches, cctx->nr_pinned_slo,
		      cctx->nr_pinned_best_effort, cctx->kick_pending);
	if (cctx->class == SLO_CLASS_SLO)
		slo_dump_part(" key=%+lldus",
			      from_now_us(cctx->key_ns + slo_elapsed_ns(cctx->ran_from_ns, now), now));
	if (cctx->alarm_ns != 0)
		slo_dump_part(" alarm=%+lldus", from_now_us(cctx->alarm_ns, now));
	if (cctx->helps != 0)
		slo_dump_part(" helps=%u", cctx->helps - 1);
	slo_dump_part(" floor_credit=%lluus", in_us(cctx->floor_credit_ns));
	if (cctx->floor_turn_until_ns != 0)
		slo_dump_part(" floor_turn_until=%+lldus", from_now_us(cctx->floor_turn_until_ns, now));
	slo_dump_part("\n");
}

static __always_inline void dump_job(const struct task_ctx *tctx, u64 now)
{
	const struct slo_job *job = &tctx->acct.job;
	u64 exec_ns = slo_job_exec_ns(job, now);
	u64 wait_ns = job->wait_ns;

	slo_dump_part("slo: job=%s", NAME_IN(job_names, job->state));
	if (job->state == SLO_JOB_WAITING)
		wait_ns += slo_elapsed_ns(job->since_ns, now);
	if (job->state != SLO_JOB_NONE)
		slo_dump_part(" wake=%+lldus waited=%lluus executed=%lluus", from_now_us(job->wake_ns, now),
			      in_us(wait_ns), in_us(exec_ns));
	if (job->state != SLO_JOB_NONE && tctx->class == SLO_CLASS_SLO)
		slo_dump_part(" key=%+lldus", from_now_us(key_of(tctx, exec_ns), now));
	slo_dump_part("\n");
}

SEC("struct_ops/dump_task")
void BPF_PROG(slo_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	const struct task_ctx *tctx = task_ctx_of(p);

	if (!tctx) {
		slo_dump_part("slo: unknown\n");
		return;
	}
	slo_dump_part("slo: class=%s cgroup=%llu slot=%d budget=%lluus shed=%u reserve=%d throttled=%u",
		      NAME_IN(class_names, tctx->class), tctx->acct.cgroup_id, tctx->acct.slot,
		      in_us(tctx->acct.budget_ns), (tctx->acct.cfg_flags & SLO_CFG_SHED) != 0,
		      tctx->acct.server, is_throttled(&tctx->acct));
	slo_dump_part(" queue=%s/%u vtime=%lluus weight=%u\n",
		      NAME_IN(queue_names, (tctx->queue & SLO_QUEUE_PLACE) >> 16), tctx->queue & SLO_QUEUE_AT,
		      in_us(tctx->vtime_ns), tctx->weight);
	dump_job(tctx, now_unlocked());
}

#endif
