/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Job accounting: when a task wakes, runs, stops and sleeps goes in; a finished job with its wait, exec and
 * response comes out. It does not know who calls: the scheduler's callbacks, tracing probes, or a test.
 *
 *              wakes                 runs                 stops
 *     NONE ------------> WAITING ------------> RUNNING ------------> WAITING ...
 *      ^                    |                     |
 *      '------- sleeps -----+------- sleeps ------'
 *
 * A job lasts from wakeup (or fork) to the next voluntary sleep. Preemption, yield, migration and changes of
 * the task's properties do not end it; all the time it is runnable without running is wait.
 *
 * Times are ns of one monotonic clock, read on the CPU where the event happens. Clocks of two CPUs may differ
 * by a little, so a span that would be negative counts as zero.
 */
#ifndef SLO_JOB_H
#define SLO_JOB_H

#include "slo_abi.h"

#define SLO_JOB_NONE 0u
#define SLO_JOB_WAITING 1u
#define SLO_JOB_RUNNING 2u

struct slo_job {
	slo_u64 wake_ns;       /* when the job began */
	slo_u64 since_ns;      /* when its present state began */
	slo_u64 wait_ns;       /* up to since_ns */
	slo_u64 exec_ns;       /* up to since_ns */
	slo_u64 first_wait_ns; /* before its first run */
	slo_u32 state;         /* SLO_JOB_* */
	slo_u32 has_run;
};

struct slo_job_end {
	slo_u64 wait_ns;
	slo_u64 first_wait_ns; /* before its first run; all of the wait when it never ran */
	slo_u64 exec_ns;
	slo_u64 response_ns; /* wait + exec */
};

/* For times within 2^63 ns of each other. By the sign of the difference: compilers make a saturating
 * subtraction of the comparison of the two, which BPF lacks. */
static inline slo_u64 slo_elapsed_ns(slo_u64 from_ns, slo_u64 now_ns)
{
	long long elapsed_ns = (long long)(now_ns - from_ns);

	return elapsed_ns > 0 ? (slo_u64)elapsed_ns : 0;
}

static inline void slo_job_reset(struct slo_job *job)
{
	job->wake_ns = 0;
	job->since_ns = 0;
	job->wait_ns = 0;
	job->exec_ns = 0;
	job->first_wait_ns = 0;
	job->state = SLO_JOB_NONE;
	job->has_run = 0;
}

/* The task becomes runnable. In mid-job (a change of properties took it off the CPU and back) nothing begins
 * anew. */
static inline void slo_job_wakes(struct slo_job *job, slo_u64 now_ns)
{
	if (job->state != SLO_JOB_NONE)
		return;
	job->wake_ns = now_ns; /* the rest is zero between jobs */
	job->since_ns = now_ns;
	job->state = SLO_JOB_WAITING;
}

/* The task gets a CPU. */
static inline void slo_job_runs(struct slo_job *job, slo_u64 now_ns)
{
	if (job->state == SLO_JOB_RUNNING)
		return;
	if (job->state ==
	    SLO_JOB_NONE) /* first seen running: what came before is unknown and counts for nothing */
		slo_job_wakes(job, now_ns);
	else
		job->wait_ns += slo_elapsed_ns(job->since_ns, now_ns);
	if (!job->has_run) {
		job->first_wait_ns = job->wait_ns;
		job->has_run = 1;
	}
	job->since_ns = now_ns;
	job->state = SLO_JOB_RUNNING;
}

/* The task leaves its CPU, runnable or about to sleep. */
static inline void slo_job_stops(struct slo_job *job, slo_u64 now_ns)
{
	if (job->state != SLO_JOB_RUNNING)
		return;
	job->exec_ns += slo_elapsed_ns(job->since_ns, now_ns);
	job->since_ns = now_ns;
	job->state = SLO_JOB_WAITING;
}

/* Execution of the present job so far, the run under way included. */
static inline slo_u64 slo_job_exec_ns(const struct slo_job *job, slo_u64 now_ns)
{
	if (job->state == SLO_JOB_RUNNING)
		return job->exec_ns + slo_elapsed_ns(job->since_ns, now_ns);
	return job->exec_ns;
}

/* The task sleeps (or exits). Returns 1 and fills `end` when that ends a job, else 0. */
static inline int slo_job_sleeps(struct slo_job *job, slo_u64 now_ns, struct slo_job_end *end)
{
	if (job->state == SLO_JOB_NONE)
		return 0;
	if (job->state == SLO_JOB_RUNNING)
		slo_job_stops(job, now_ns);
	else
		job->wait_ns += slo_elapsed_ns(job->since_ns, now_ns);
	end->wait_ns = job->wait_ns;
	end->exec_ns = job->exec_ns;
	end->first_wait_ns = job->has_run ? job->first_wait_ns : job->wait_ns;
	end->response_ns = job->wait_ns + job->exec_ns;
	slo_job_reset(job);
	return 1;
}

/* By how much a job exceeded its budget; 0: it kept it. cfg_flags: SLO_CFG_RESPONSE selects what is bounded.
 */
static inline slo_u64 slo_job_miss_ns(const struct slo_job_end *end, slo_u64 budget_ns, slo_u32 cfg_flags)
{
	return slo_elapsed_ns(budget_ns, cfg_flags & SLO_CFG_RESPONSE ? end->response_ns : end->wait_ns);
}

/* Why a job missed its budget (SLO_CAUSE_*). What the application did itself comes before what others did. */
static inline slo_u32 slo_job_cause(const struct slo_job_end *end, slo_u64 budget_ns, slo_u64 max_exec_ns,
				    slo_u32 cfg_flags)
{
	slo_u64 start_by_ns = budget_ns;

	if (slo_job_miss_ns(end, budget_ns, cfg_flags) == 0)
		return SLO_CAUSE_NONE;
	if (end->exec_ns > max_exec_ns)
		return SLO_CAUSE_OVERLONG;
	if (cfg_flags & SLO_CFG_RESPONSE) {
		if (end->exec_ns > budget_ns)
			return SLO_CAUSE_OVERRUN;
		start_by_ns = budget_ns - end->exec_ns;
	}
	return end->first_wait_ns > start_by_ns ? SLO_CAUSE_LATE_START : SLO_CAUSE_PREEMPTED;
}

#endif
