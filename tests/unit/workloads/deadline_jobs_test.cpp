// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <numeric>

#include "tests/workloads/job_log.h"

namespace slo::workload {
namespace {

TEST(ReleaseGrid, HoldsTheReleasesStrictlyBeforeTheEnd) {
  const release_grid grid{1000, 10, 1030};
  ASSERT_EQ(grid.count(), 3U);
  EXPECT_EQ(grid.release(2), 1020);
  EXPECT_EQ((release_grid{1000, 10, 1031}.count()), 4U);
  EXPECT_EQ((release_grid{1000, 10, 1000}.count()), 0U);
  EXPECT_EQ((release_grid{1000, 10, 900}.count()), 0U);
}

TEST(StaggerOffset, SpreadsTheThreadsEvenlyOverAPeriod) {
  EXPECT_EQ(stagger_offset(0, 2, 20), 0);
  EXPECT_EQ(stagger_offset(1, 2, 20), 10);
  EXPECT_EQ(stagger_offset(2, 3, 100), 66);
}

TEST(StaggerOffset, StaysBelowThePeriodForAnyNumberOfThreads) {
  for (std::size_t threads = 1; threads <= 256; ++threads)
    EXPECT_LT(stagger_offset(threads - 1, threads, 10'000), 10'000) << threads;
}

TEST(JobLog, CountsAsMissWhatIsOverTheLimitAndNotWhatReachesIt) {
  job_log log;
  log.finished(3, 3);
  log.finished(4, 3);
  EXPECT_EQ(log.responses.size(), 2U);
  EXPECT_EQ(log.misses, 1U);
}

TEST(CloseLog, CountsUnfinishedJobsPastTheirLimitAsMissesAndLeavesYoungerOnesOpen) {
  const release_grid grid{0, 10, 100};
  job_log log;
  close_log(log, grid, 5, 0, 100, 25);  // released at 50, 60, 70 | 80, 90
  EXPECT_EQ(log.responses, (std::vector<std::int64_t>{50, 40, 30}));
  EXPECT_EQ(log.unfinished, 3U);
  EXPECT_EQ(log.misses, 3U);
  EXPECT_EQ(log.open, 2U);
}

TEST(CloseLog, KnowsNothingOfWarmUpNorOfJobsNotReleasedBeforeTheStop) {
  const release_grid grid{0, 10, 1000};
  job_log log;
  close_log(log, grid, 0, 20, 45, 1);  // released at 0, 10 (warm-up), 20, 30, 40; 50 never was
  EXPECT_EQ(log.responses.size() + log.open, 3U);
  EXPECT_EQ(measured_jobs(grid, 20, 45), 3U);
}

TEST(MeasuredJobs, IsZeroWhenTheRunStopsDuringWarmUp) {
  EXPECT_EQ(measured_jobs({0, 10, 1000}, 500, 200), 0U);
}

TEST(Quantile, IsTheNearestRank) {
  std::vector<std::int64_t> values(1000);
  std::iota(values.begin(), values.end(), 1);
  EXPECT_EQ(quantile(values, 500), 500);
  EXPECT_EQ(quantile(values, 990), 990);
  EXPECT_EQ(quantile(values, 999), 999);
  EXPECT_EQ(quantile(values, 1000), 1000);
  EXPECT_EQ(quantile(std::vector<std::int64_t>{7}, 0), 7);
  EXPECT_EQ(quantile(std::vector<std::int64_t>{1, 2, 3}, 500), 2);
}

TEST(Summary, AddsUpTheThreadsAndFindsWhatWasSkipped) {
  std::vector<job_log> logs(2);
  logs[0].finished(10, 5);
  logs[0].finished(1, 5);
  logs[1].finished(3, 5);
  logs[1].open = 1;
  auto result = summarize(logs, 4);
  EXPECT_EQ(result.n, 3U);
  EXPECT_EQ(result.misses, 1U);
  EXPECT_EQ(result.open, 1U);
  EXPECT_EQ(result.skipped, 0U);
  EXPECT_EQ(result.p50, 3);
  EXPECT_EQ(result.max, 10);
  EXPECT_EQ(summarize(logs, 6).skipped, 2U);
}

TEST(Summary, IsEmptyWithoutJobs) {
  const auto result = summarize({}, 0);
  EXPECT_EQ(result.n, 0U);
  EXPECT_EQ(result.max, 0);
}

TEST(NextTurns, ApproachesTheEndWithoutOvershootingWhenTheCalibrationIsAThirdTooFast) {
  constexpr double claimed = 1.0;
  constexpr double real = 0.75;  // a turn takes a third longer than calibrated
  double remaining = 1e6;
  int looks = 0;
  while (remaining >= 2 && looks < 1000) {
    remaining -= static_cast<double>(next_turns(static_cast<std::int64_t>(remaining), claimed)) / real;
    ++looks;
  }
  EXPECT_GE(remaining, -2);
  EXPECT_LT(looks, 30);
}

TEST(NextTurns, AlwaysMakesProgress) {
  EXPECT_EQ(next_turns(1, 0.001), 1U);
  EXPECT_EQ(next_turns(-5, 1.0), 1U);
}

}  // namespace
}  // namespace slo::workload
