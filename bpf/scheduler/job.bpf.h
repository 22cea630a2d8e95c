/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the job of a task begins and where it ends, as the scheduler's callbacks tell it.
 */
#ifndef SLO_SCHEDULER_JOB_BPF_H
#define SLO_SCHEDULER_JOB_BPF_H

#include "bpf/scheduler/queue.bpf.h"

/* A job begins where the task becomes runnable: on its way to a CPU or to a queue. */
static __always_inline void wake_job(struct task_ctx *tctx, struct task_struct *p, u64 now) __must_hold(task)
{
	u32 class;

	refresh_unit(&tctx->acct, p);
	if (tctx->acct.job.state == SLO_JOB_NONE) {
		begin_job(&tctx->acct);
		slo_job_wakes(&tctx->acct.job, now);
		tctx->key_from_ns = now;
		tctx->key_exec_ns = 0;
		tctx->job_told_ns = 0;
		tctx->class = classify(tctx, 0);
		return;
	}
	class = classify(tctx, tctx->acct.job.exec_ns);
	if (class == SLO_CLASS_SLO && tctx->class != SLO_CLASS_SLO)
		renew_key(tctx, tctx->acct.job.exec_ns, now);
	tctx->class = class;
}

/* Counts the job that ends here; it has just stopped. */
static __always_inline void end_job(struct task_ctx *tctx, struct task_struct *p, s32 cpu, u64 now)
	__must_hold(rq)
{
	struct accounting *acct = &tctx->acct;
	struct slo_job_end end;

	/* Nobody's, wherever it ends. */
	if (acct->job_unit == SLO_NO_UNIT) {
		slo_job_reset(&acct->job);
		return;
	}
	slo_job_ends(&acct->job, &end);
	refresh_unit(acct, p);
	if (acct->cfg_flags & SLO_CFG_RESPONSE) {
		u64 *expected = expected_exec_of(acct->unit);

		*expected = slo_expect_exec_ns(*expected, end.exec_ns);
	}
	count_job(acct, p, &end, cpu, now);
}

/*
 * A task sleeps where it leaves its CPU itself, no longer in the running state; a change of its properties
 * that takes it off and back comes from elsewhere, or finds it in that state. quiescent() would tell it by a
 * flag, but one more callback costs more than everything this one does.
 */
static __always_inline bool goes_to_sleep(struct task_struct *p, bool runnable) __must_hold(rq)
{
	return !runnable && p->__state != 0 && bpf_get_current_task_btf() == p;
}

#endif
