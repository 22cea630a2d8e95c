// SPDX-License-Identifier: GPL-2.0-only
#include "client/figures/interval.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

TEST(ClientInterval, IsWhatWasAddedToEachCounter) {
  UnitReport later = nginx_later();
  later.causes.preempted += 4;
  later.causes.overlong += 5;
  later.causes.overrun += 6;
  later.demotions += 7;
  const auto interval = interval_between(nginx(), later, 2'000'000);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->usec, 2'000'000U);
  EXPECT_EQ(interval->jobs, 600U);
  EXPECT_EQ(interval->misses, 2U);
  EXPECT_EQ(interval->causes.late_start, 2U);
  EXPECT_EQ(interval->causes.preempted, 4U);
  EXPECT_EQ(interval->causes.overlong, 5U);
  EXPECT_EQ(interval->causes.overrun, 6U);
  EXPECT_EQ(interval->demotions, 7U);
  EXPECT_EQ(interval->exec_usec, 90'000U);
  EXPECT_DOUBLE_EQ(interval->jobs_per_second(), 300);
  EXPECT_DOUBLE_EQ(interval->miss_ratio().value(), 2.0 / 600);
}

TEST(ClientInterval, HasTheBucketsThatGrewAndTheirQuantiles) {
  const auto interval = interval_between(nginx(), nginx_later(), 2'000'000);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->wait.histogram, (Histogram{{.lower_ns = 36864, .upper_ns = 40960, .count = 598},
                                                 {.lower_ns = 5767168, .upper_ns = 6291456, .count = 1},
                                                 {.lower_ns = 8388608, .upper_ns = 9437184, .count = 1}}));
  EXPECT_EQ(interval->response.histogram,
            (Histogram{{.lower_ns = 245760, .upper_ns = 262144, .count = 600}}));
  EXPECT_EQ(interval->wait.p50_usec, 39U);
  EXPECT_EQ(interval->wait.p90_usec, 39U);
  EXPECT_FALSE(interval->wait.p99_usec) << "600 jobs are too few";
  EXPECT_FALSE(interval->wait.mean_usec || interval->wait.max_usec)
      << "the daemon gives them of all jobs only";
}

TEST(ClientInterval, WithoutJobsHasZerosAndNoRatio) {
  const auto interval = interval_between(nginx(), nginx(), 2'000'000);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->jobs, 0U);
  EXPECT_EQ(interval->jobs_per_second(), 0);
  EXPECT_FALSE(interval->miss_ratio());
  EXPECT_TRUE(interval->wait.histogram.empty());
  EXPECT_FALSE(interval->wait.p50_usec);
}

TEST(ClientInterval, OfNoTimeDividesByNothing) {
  EXPECT_EQ(interval_between(nginx(), nginx_later(), 0)->jobs_per_second(), 0);
}

TEST(ClientInterval, FromNothingIsAllThereIs) {
  UnitReport before = nginx();
  before.jobs = before.misses = before.demotions = before.exec_usec = 0;
  before.causes = {};
  before.wait.histogram.clear();
  before.response.histogram.clear();
  const auto interval = interval_between(before, nginx(), 1'000'000);
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->jobs, nginx().jobs);
  EXPECT_EQ(interval->wait.histogram, nginx().wait.histogram);
}

TEST(ClientInterval, ACounterThatWentBackMeansThereIsNone) {
  const auto differs = [](auto change) {
    UnitReport now = nginx_later();
    change(now);
    return interval_between(nginx(), now, 2'000'000).has_value();
  };
  ASSERT_TRUE(differs([](UnitReport&) {}));
  EXPECT_FALSE(differs([](UnitReport& now) { now.jobs = nginx().jobs - 1; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.misses = 0; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.causes.late_start = 1; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.causes.overlong = 0; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.demotions = 6; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.exec_usec = 1; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.wait.histogram[0].count = 1; }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.wait.histogram.erase(now.wait.histogram.begin()); }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.wait.histogram.resize(2); }));
  EXPECT_FALSE(differs([](UnitReport& now) { now.response.histogram.clear(); }));
}

TEST(ClientInterval, AMissCountedBeforeItsJobIsNoMoreThanAllOfThem) {
  UnitReport now = nginx();
  now.jobs += 1;
  now.misses += 2;
  EXPECT_EQ(interval_between(nginx(), now, 1'000'000)->miss_ratio(), 1.0);
}

}  // namespace
}  // namespace slo::client
