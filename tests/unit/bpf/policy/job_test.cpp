// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/job.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

constexpr slo_u64 ms = SLO_NSEC_PER_MSEC;

TEST(Job, WaitsFromWakeupToFirstRunAndThenExecutes) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 10 * ms);
  slo_job_runs(&job, 13 * ms);
  slo_job_stops(&job, 18 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 18 * ms, &end), 1);
  EXPECT_EQ(end.wait_ns, 3 * ms);
  EXPECT_EQ(end.exec_ns, 5 * ms);
  EXPECT_EQ(end.response_ns, 8 * ms);
}

TEST(Job, TimeWhilePreemptedIsWait) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 0);
  slo_job_runs(&job, 1 * ms);
  slo_job_stops(&job, 3 * ms);
  slo_job_runs(&job, 10 * ms);
  slo_job_stops(&job, 11 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 11 * ms, &end), 1);
  EXPECT_EQ(end.wait_ns, 8 * ms);
  EXPECT_EQ(end.exec_ns, 3 * ms);
}

TEST(Job, WhatIsCountedWhileItRunsIsNotCountedAgain) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 0);
  EXPECT_EQ(slo_job_runs_on(&job, 1 * ms), 0U);  // it does not run yet
  slo_job_runs(&job, 1 * ms);
  EXPECT_EQ(slo_job_runs_on(&job, 3 * ms), 2 * ms);
  EXPECT_EQ(slo_job_exec_ns(&job, 4 * ms), 3 * ms);
  EXPECT_EQ(slo_job_stops(&job, 7 * ms), 4 * ms);
  EXPECT_EQ(slo_job_stops(&job, 8 * ms), 0U);
  slo_job_ends(&job, &end);
  EXPECT_EQ(end.wait_ns, 1 * ms);
  EXPECT_EQ(end.exec_ns, 6 * ms);
  EXPECT_EQ(job.state, SLO_JOB_NONE);
}

TEST(Job, AChangeOfPropertiesInMidJobDoesNotBeginAnotherJob) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 0);
  slo_job_runs(&job, 1 * ms);
  slo_job_stops(&job, 2 * ms);  // off the CPU, off the queue, and back: no sleep in between
  slo_job_wakes(&job, 2 * ms);
  slo_job_runs(&job, 4 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 5 * ms, &end), 1);
  EXPECT_EQ(end.wait_ns, 3 * ms);
  EXPECT_EQ(end.exec_ns, 2 * ms);
}

TEST(Job, ATaskFirstSeenRunningHasNoWaitFromBefore) {
  slo_job job{};
  slo_job_end end{};
  slo_job_runs(&job, 500 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 501 * ms, &end), 1);
  EXPECT_EQ(end.wait_ns, 0U);
  EXPECT_EQ(end.exec_ns, 1 * ms);
}

TEST(Job, SleepingWithoutAJobReportsNothing) {
  slo_job job{};
  slo_job_end end{};
  EXPECT_EQ(slo_job_sleeps(&job, 5 * ms, &end), 0);
  slo_job_wakes(&job, 6 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 7 * ms, &end), 1);
  EXPECT_EQ(slo_job_sleeps(&job, 8 * ms, &end), 0);
}

TEST(Job, AClockThatIsBehindOnAnotherCpuCountsAsZero) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 100);
  slo_job_runs(&job, 90);
  slo_job_stops(&job, 80);
  ASSERT_EQ(slo_job_sleeps(&job, 70, &end), 1);
  EXPECT_EQ(end.response_ns, 0U);
}

TEST(Job, ExecSoFarIncludesTheRunUnderWay) {
  slo_job job{};
  slo_job_wakes(&job, 0);
  EXPECT_EQ(slo_job_exec_ns(&job, 5 * ms), 0U);
  slo_job_runs(&job, 5 * ms);
  EXPECT_EQ(slo_job_exec_ns(&job, 7 * ms), 2 * ms);
  slo_job_stops(&job, 8 * ms);
  EXPECT_EQ(slo_job_exec_ns(&job, 20 * ms), 3 * ms);
}

// Whatever order events come in, wait + exec is the time from the job's first event to its last.
TEST(Job, WaitAndExecAddUpToTheResponseInAnyOrderOfEvents) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20000; ++round) {
    slo_job job{};
    slo_job_end end{};
    slo_u64 now = random() % 1000000;
    slo_u64 began = 0;
    bool open = false;
    for (int step = 0; step < 12; ++step) {
      now += random() % 5000;
      const slo_u32 was = job.state;
      switch (random() % 3) {
        case 0:
          slo_job_wakes(&job, now);
          break;
        case 1:
          slo_job_runs(&job, now);
          break;
        default:
          slo_job_stops(&job, now);
          break;
      }
      if (was == SLO_JOB_NONE && job.state != SLO_JOB_NONE) {
        began = now;
        open = true;
      }
    }
    now += random() % 5000;
    ASSERT_EQ(slo_job_sleeps(&job, now, &end), open ? 1 : 0);
    if (!open) continue;
    ASSERT_EQ(end.response_ns, now - began);
    ASSERT_EQ(end.wait_ns + end.exec_ns, end.response_ns);
  }
}

TEST(Job, AMissIsLateStartWhenItDidNotRunInTime) {
  const slo_job_end end{.wait_ns = 7 * ms, .first_wait_ns = 6 * ms, .exec_ns = 1 * ms, .response_ns = 8 * ms};
  EXPECT_EQ(slo_job_miss_ns(&end, 5 * ms, 0), 2 * ms);
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, 0), SLO_CAUSE_LATE_START);
}

TEST(Job, AMissIsPreemptedWhenItStartedInTimeAndThenWaited) {
  const slo_job_end end{.wait_ns = 7 * ms, .first_wait_ns = 1 * ms, .exec_ns = 1 * ms, .response_ns = 8 * ms};
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, 0), SLO_CAUSE_PREEMPTED);
}

TEST(Job, AMissIsOverlongWhenTheGuaranteeDidNotCoverItsExecution) {
  const slo_job_end end{
      .wait_ns = 7 * ms, .first_wait_ns = 6 * ms, .exec_ns = 200 * ms, .response_ns = 207 * ms};
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, 0), SLO_CAUSE_OVERLONG);
}

TEST(Job, AResponseIsJudgedByWaitAndExecutionTogether) {
  const slo_job_end end{.wait_ns = 3 * ms, .first_wait_ns = 3 * ms, .exec_ns = 3 * ms, .response_ns = 6 * ms};
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, 0), SLO_CAUSE_NONE);
  EXPECT_EQ(slo_job_miss_ns(&end, 5 * ms, SLO_CFG_RESPONSE), 1 * ms);
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, SLO_CFG_RESPONSE), SLO_CAUSE_LATE_START);
}

TEST(Job, AResponseOverTheBudgetByExecutionAloneIsAnOverrun) {
  const slo_job_end end{.wait_ns = 0, .first_wait_ns = 0, .exec_ns = 6 * ms, .response_ns = 6 * ms};
  EXPECT_EQ(slo_job_cause(&end, 5 * ms, 100 * ms, SLO_CFG_RESPONSE), SLO_CAUSE_OVERRUN);
}

TEST(Job, TheFirstWaitOfAJobThatNeverRanIsAllOfItsWait) {
  slo_job job{};
  slo_job_end end{};
  slo_job_wakes(&job, 1 * ms);
  ASSERT_EQ(slo_job_sleeps(&job, 4 * ms, &end), 1);
  EXPECT_EQ(end.first_wait_ns, 3 * ms);
}

}  // namespace
