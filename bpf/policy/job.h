/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Job accounting: when a task wakes, runs, stops and sleeps goes in; a finished job with its wait, exec and
 * response comes out. It does not know who calls: the scheduler's callbacks, tracing probes, or a test.
 *
 *              wakes                 runs
 *     NONE ------------> WAITING -------------> RUNNING     (from NONE too: first seen running)
 *      ^                  |   ^                  |   |
 *      |                  |   '----- stops ------'   |
 *      '----- sleeps -----+--------- sleeps ---------'      a job has ended
 *      '----- reset ------+--------- reset ----------'      it is forgotten
 *
 * Every other event in a state changes nothing: what is told twice counts once.
 *
 * A job lasts from wakeup (or fork) to the next voluntary sleep; all the time in it that the task is runnable
 * without running is wait. What that means where it is not plain:
 *
 *   preemption, yield,     the job goes on; the time until the task runs again is wait
 *   migration
 *   change of nice,        the kernel takes the task off its queue and puts it back (stops or nothing, then
 *   affinity, weight       wakes): the job goes on
 *   fork                   the child's first job begins where it is first made runnable
 *   exit, SIGKILL          end the job like a sleep, once the task has left its CPU for good; a task that is
 *                          killed asleep is woken for it: one more job
 *   SIGSTOP, a debugger's  the task leaves its CPU for something that it did not ask for, but it cannot run
 *   stop, the freezer      either: the job ends, the time until it may go on is nobody's, then a new job
 *                          begins. One that was asleep is woken to stop: a short job
 *   a signal just before   keeps the task on its CPU: nothing ends
 *   a sleep
 *   a wakeup on the way    before the task is off its queue: it does not sleep, and nothing ends. After that:
 *   to sleep               the job ends, and the next one begins, no earlier than that
 *   real-time, deadline,   the job under way when the class changes is forgotten, and while the task is of
 *   inherited priority     such a class nothing counts. Back again, what is left up to its next sleep belongs
 *                          to no job that counts; the next one begins with the next wakeup
 *   another unit           a job that begins in one unit and ends in another is nobody's
 *   first seen running     (the tracing began, or the kernel bypassed us): what came before is not known
 *   kernel threads         are in the root cgroup, so in no service: what they do for one is not its job
 *   a switch               belongs to the task that comes: wait ends where the kernel begins to choose
 *
 * Whoever calls decides what is a sleep, and forgets by slo_job_reset().
 *
 * Times are ns of one monotonic clock, read on the CPU where the event happens. Clocks of two CPUs may differ
 * by a little, so a span that would be negative counts as zero: no time comes out that is longer than all
 * steps ahead of the clock during the job.
 */
#ifndef SLO_JOB_H
#define SLO_JOB_H

#include "bpf/abi/slo_abi.h"

#define SLO_JOB_NONE 0u
#define SLO_JOB_WAITING 1u
#define SLO_JOB_RUNNING 2u

struct slo_job {
	slo_u64 wake_ns;       /* when the job began */
	slo_u64 since_ns;      /* when its present state began, or what it ran was last counted */
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

/* The task becomes runnable. In mid-job (a change of properties took it off its queue and back) nothing
 * begins anew. */
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

/* Counts what the task ran since that was counted last, and returns it; it runs on. */
static inline slo_u64 slo_job_runs_on(struct slo_job *job, slo_u64 now_ns)
{
	slo_u64 exec_ns;

	if (job->state != SLO_JOB_RUNNING)
		return 0;
	exec_ns = slo_elapsed_ns(job->since_ns, now_ns);
	job->exec_ns += exec_ns;
	job->since_ns = now_ns;
	return exec_ns;
}

/* The task leaves its CPU, runnable or about to sleep. Returns what slo_job_runs_on() would. */
static inline slo_u64 slo_job_stops(struct slo_job *job, slo_u64 now_ns)
{
	slo_u64 exec_ns;

	if (job->state != SLO_JOB_RUNNING)
		return 0;
	exec_ns = slo_job_runs_on(job, now_ns);
	job->state = SLO_JOB_WAITING;
	return exec_ns;
}

/* Execution of the present job so far, the run under way included. */
static inline slo_u64 slo_job_exec_ns(const struct slo_job *job, slo_u64 now_ns)
{
	if (job->state == SLO_JOB_RUNNING)
		return job->exec_ns + slo_elapsed_ns(job->since_ns, now_ns);
	return job->exec_ns;
}

/* Ends a job that has just stopped. */
static inline void slo_job_ends(struct slo_job *job, struct slo_job_end *end)
{
	end->wait_ns = job->wait_ns;
	end->exec_ns = job->exec_ns;
	end->first_wait_ns = job->has_run ? job->first_wait_ns : job->wait_ns;
	end->response_ns = job->wait_ns + job->exec_ns;
	slo_job_reset(job);
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
	slo_job_ends(job, end);
	return 1;
}

/* By how much a job exceeded its budget; 0: it kept it. cfg_flags: SLO_CFG_RESPONSE selects what is bounded.
 */
static inline slo_u64 slo_job_miss_ns(const struct slo_job_end *end, slo_u64 budget_ns, slo_u32 cfg_flags)
{
	return slo_elapsed_ns(budget_ns, cfg_flags & SLO_CFG_RESPONSE ? end->response_ns : end->wait_ns);
}

/*
 * Why a job missed its budget (SLO_CAUSE_*), exactly where it did. What the application did itself comes
 * before what others did: overlong, then overrun (without any wait it would have missed too), then throttled
 * (SLO_JOB_THROTTLED among the flags). Of the others those are late-start that would have missed also if they
 * had not waited any more once they ran.
 */
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
	if (cfg_flags & SLO_JOB_THROTTLED)
		return SLO_CAUSE_THROTTLED;
	return end->first_wait_ns > start_by_ns ? SLO_CAUSE_LATE_START : SLO_CAUSE_PREEMPTED;
}

#endif
