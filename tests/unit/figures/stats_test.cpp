// SPDX-License-Identifier: GPL-2.0-only
#include "figures/stats.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace slo {
namespace {

// Every 64-bit word of the record, so that a field added to the ABI cannot be forgotten here.
std::vector<slo_u64> words(const slo_stats& stats) {
  std::vector<slo_u64> all(sizeof(stats) / sizeof(slo_u64));
  std::memcpy(all.data(), &stats, sizeof(stats));
  return all;
}

slo_stats numbered(slo_u64 first) {
  slo_stats stats{};
  std::vector<slo_u64> all(sizeof(stats) / sizeof(slo_u64));
  for (auto& word : all) word = first++;
  std::memcpy(&stats, all.data(), sizeof(stats));
  return stats;
}

TEST(Stats, AddUpInEveryWordButMaximaAndPadding) {
  slo_stats total = numbered(1);
  add_stats(total, numbered(1000));
  const auto before = words(numbered(1));
  const auto more = words(numbered(1000));
  const auto after = words(total);
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::size_t offset = i * sizeof(slo_u64);
    const bool is_max =
        offset == offsetof(slo_stats, wait_max_ns) || offset == offsetof(slo_stats, response_max_ns);
    if (offset >= offsetof(slo_stats, pad) && offset < offsetof(slo_stats, wait_hist)) continue;
    EXPECT_EQ(after[i], is_max ? more[i] : before[i] + more[i]) << "word " << i;
  }
}

TEST(Stats, KeepTheGreaterMaximumWhicheverSideItIsOn) {
  slo_stats total{};
  total.wait_max_ns = 9;
  total.response_max_ns = 1;
  slo_stats more{};
  more.wait_max_ns = 3;
  more.response_max_ns = 7;
  add_stats(total, more);
  EXPECT_EQ(total.wait_max_ns, 9U);
  EXPECT_EQ(total.response_max_ns, 7U);
}

TEST(UnitStats, HaveNoRatioAndNoQuantilesWithoutJobs) {
  const UnitStats stats = make_unit_stats("a.service", 5'000'000, slo_stats{});
  EXPECT_EQ(stats.unit, "a.service");
  EXPECT_EQ(stats.budget_ns, 5'000'000U);
  EXPECT_FALSE(stats.miss_ratio);
  for (const auto& quantiles : {stats.wait, stats.response}) {
    EXPECT_TRUE(quantiles.histogram.empty());
    EXPECT_FALSE(quantiles.mean_ns);
    EXPECT_FALSE(quantiles.p50_ns || quantiles.p90_ns || quantiles.p99_ns || quantiles.p999_ns);
  }
}

TEST(UnitStats, TakeEveryFigureFromItsCounter) {
  slo_stats counters{};
  counters.jobs = 1000;
  counters.misses = 10;
  counters.misses_by_cause[SLO_CAUSE_LATE_START] = 1;
  counters.misses_by_cause[SLO_CAUSE_PREEMPTED] = 2;
  counters.misses_by_cause[SLO_CAUSE_OVERLONG] = 3;
  counters.misses_by_cause[SLO_CAUSE_OVERRUN] = 4;
  counters.misses_by_cause[SLO_CAUSE_THROTTLED] = 5;
  counters.events_suppressed = 5;
  counters.events_lost = 6;
  counters.wait_sum_ns = 2'000'000;
  counters.demotions = 3;
  counters.exec_sum_ns = 77'000;
  counters.wait_max_ns = 2'000'000;
  counters.response_max_ns = 9'000'000;
  counters.wait_hist[20] = 1000;
  counters.response_hist[60] = 1000;
  const UnitStats stats = make_unit_stats("a.service", UINT64_MAX, counters);
  EXPECT_EQ(stats.jobs, 1000U);
  EXPECT_EQ(stats.misses, 10U);
  EXPECT_EQ(stats.causes.late_start, 1U);
  EXPECT_EQ(stats.causes.preempted, 2U);
  EXPECT_EQ(stats.causes.overlong, 3U);
  EXPECT_EQ(stats.causes.overrun, 4U);
  EXPECT_EQ(stats.causes.throttled, 5U);
  EXPECT_EQ(stats.events_suppressed, 5U);
  EXPECT_EQ(stats.events_lost, 6U);
  EXPECT_EQ(stats.wait.mean_ns, 2'000U);
  EXPECT_EQ(stats.response.mean_ns, 2'077U);
  EXPECT_EQ(stats.demotions, 3U);
  EXPECT_EQ(stats.exec_ns, 77'000U);
  EXPECT_DOUBLE_EQ(stats.miss_ratio.value(), 0.01);
  EXPECT_EQ(stats.wait.max_ns, 2'000'000U);
  EXPECT_EQ(stats.response.max_ns, 9'000'000U);
  EXPECT_TRUE(stats.wait.p50_ns && stats.wait.p90_ns && stats.wait.p99_ns);
  EXPECT_FALSE(stats.wait.p999_ns);
  EXPECT_LT(stats.wait.p50_ns, stats.response.p50_ns);
  EXPECT_EQ(stats.wait.histogram, make_histogram(counters.wait_hist));
  EXPECT_EQ(stats.response.histogram, make_histogram(counters.response_hist));
  EXPECT_NE(stats.wait.histogram, stats.response.histogram);
}

}  // namespace
}  // namespace slo
