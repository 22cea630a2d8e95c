// SPDX-License-Identifier: GPL-2.0-only
#include "bus_unit.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace slo {
namespace {

UnitStats sample() {
  UnitStats stats;
  stats.unit = "a.service";
  stats.budget_ns = 5'000'000;
  stats.jobs = 10;
  stats.misses = 1;
  stats.miss_ratio = 0.1;
  stats.exec_ns = 1'500;
  stats.wait.p50_ns = 1'499;
  stats.wait.max_ns = 499;
  stats.response.max_ns = 500;
  return stats;
}

TEST(BusUnit, durations_are_rounded_to_the_nearest_microsecond) {
  const auto encoded = encode_stats(sample());
  EXPECT_EQ(encoded.at("SloBudgetUSec").get<std::uint64_t>(), 5'000U);
  EXPECT_EQ(encoded.at("ExecUSec").get<std::uint64_t>(), 2U);
  EXPECT_EQ(encoded.at("WaitP50USec").get<std::uint64_t>(), 1U);
  EXPECT_EQ(encoded.at("WaitMaxUSec").get<std::uint64_t>(), 0U);
  EXPECT_EQ(encoded.at("ResponseMaxUSec").get<std::uint64_t>(), 1U);
}

TEST(BusUnit, misses_are_told_by_cause_and_what_became_of_their_events) {
  UnitStats stats = sample();
  stats.causes = {.late_start = 1, .preempted = 2, .overlong = 3, .overrun = 4};
  stats.events_suppressed = 5;
  stats.events_lost = 6;
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(encoded.at("MissesLateStart").get<std::uint64_t>(), 1U);
  EXPECT_EQ(encoded.at("MissesPreempted").get<std::uint64_t>(), 2U);
  EXPECT_EQ(encoded.at("MissesOverlong").get<std::uint64_t>(), 3U);
  EXPECT_EQ(encoded.at("MissesOverrun").get<std::uint64_t>(), 4U);
  EXPECT_EQ(encoded.at("EventsSuppressed").get<std::uint64_t>(), 5U);
  EXPECT_EQ(encoded.at("EventsLost").get<std::uint64_t>(), 6U);
}

TEST(BusUnit, the_longest_duration_does_not_wrap_and_infinity_stays_infinity) {
  UnitStats stats = sample();
  stats.budget_ns = UINT64_MAX;
  stats.exec_ns = UINT64_MAX - 1;
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(encoded.at("SloBudgetUSec").get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(encoded.at("ExecUSec").get<std::uint64_t>(), UINT64_MAX / 1000 + 1);
}

TEST(BusUnit, what_is_not_yet_known_is_absent) {
  UnitStats stats = sample();
  EXPECT_TRUE(encode_stats(stats).contains("WaitP50USec"));
  EXPECT_FALSE(encode_stats(stats).contains("WaitP99USec"));
  EXPECT_FALSE(encode_stats(stats).contains("ResponseP50USec"));
  EXPECT_FALSE(encode_stats(stats).contains("WaitMeanUSec"));
  stats.wait.mean_ns = 1'600;
  EXPECT_EQ(encode_stats(stats).at("WaitMeanUSec").get<std::uint64_t>(), 2U);
  EXPECT_TRUE(encode_stats(stats).contains("MissRatio"));
  stats.miss_ratio.reset();
  EXPECT_FALSE(encode_stats(stats).contains("MissRatio"));
}

TEST(BusUnit, histograms_keep_their_edges_in_nanoseconds) {
  UnitStats stats = sample();
  stats.wait.histogram = {{.lower_ns = 1152, .upper_ns = 1280, .count = 9},
                          {.lower_ns = 1ULL << 36, .upper_ns = UINT64_MAX, .count = 1}};
  const auto encoded = encode_stats(stats);
  const std::vector<EncodedBucket> expected{{1152, 1280, 9}, {1ULL << 36, UINT64_MAX, 1}};
  EXPECT_EQ(encoded.at("WaitHistogramNSec").get<std::vector<EncodedBucket>>(), expected);
  EXPECT_TRUE(encoded.at("ResponseHistogramNSec").get<std::vector<EncodedBucket>>().empty());
}

TEST(BusUnit, the_worst_miss_has_its_cause_and_times) {
  const auto worst = encode_worst({.unit = "a.service",
                                   .count = 3,
                                   .miss_ns = 1'000,
                                   .cause = "preempted",
                                   .timestamp_ns = 9,
                                   .budget_ns = 2'000,
                                   .wait_ns = 3'000,
                                   .exec_ns = 4'000});
  EXPECT_EQ(worst.at("Cause").get<std::string>(), "preempted");
  EXPECT_EQ(worst.at("MissUSec").get<std::uint64_t>(), 1U);
  EXPECT_EQ(worst.at("BudgetUSec").get<std::uint64_t>(), 2U);
  EXPECT_EQ(worst.at("WaitUSec").get<std::uint64_t>(), 3U);
  EXPECT_EQ(worst.at("ExecUSec").get<std::uint64_t>(), 4U);
}

TEST(BusUnit, unit_names_become_object_paths_as_systemd_encodes_them) {
  EXPECT_EQ(unit_object_path("a-b@c.service"), "/org/scxslo/unit/a_2db_40c_2eservice");
}

}  // namespace
}  // namespace slo
