// SPDX-License-Identifier: GPL-2.0-only
#include "bus/stats.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

using nlohmann::json;

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

TEST(BusStats, durations_are_rounded_to_the_nearest_microsecond) {
  const auto encoded = encode_stats(sample());
  EXPECT_EQ(encoded.at("SloBudgetUSec").get<std::uint64_t>(), 5'000U);
  EXPECT_EQ(encoded.at("ExecUSec").get<std::uint64_t>(), 2U);
  EXPECT_EQ(encoded.at("WaitP50USec").get<std::uint64_t>(), 1U);
  EXPECT_EQ(encoded.at("WaitMaxUSec").get<std::uint64_t>(), 0U);
  EXPECT_EQ(encoded.at("ResponseMaxUSec").get<std::uint64_t>(), 1U);
}

TEST(BusStats, misses_are_told_by_cause_and_what_became_of_their_events) {
  UnitStats stats = sample();
  stats.causes = {.late_start = 1, .preempted = 2, .overlong = 3, .overrun = 4, .throttled = 5};
  stats.events_suppressed = 5;
  stats.events_lost = 6;
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(encoded.at("MissesLateStart").get<std::uint64_t>(), 1U);
  EXPECT_EQ(encoded.at("MissesPreempted").get<std::uint64_t>(), 2U);
  EXPECT_EQ(encoded.at("MissesOverlong").get<std::uint64_t>(), 3U);
  EXPECT_EQ(encoded.at("MissesOverrun").get<std::uint64_t>(), 4U);
  EXPECT_EQ(encoded.at("MissesThrottled").get<std::uint64_t>(), 5U);
  EXPECT_EQ(encoded.at("EventsSuppressed").get<std::uint64_t>(), 5U);
  EXPECT_EQ(encoded.at("EventsLost").get<std::uint64_t>(), 6U);
}

TEST(BusStats, the_longest_duration_does_not_wrap_and_infinity_stays_infinity) {
  UnitStats stats = sample();
  stats.budget_ns = UINT64_MAX;
  stats.exec_ns = UINT64_MAX - 1;
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(encoded.at("SloBudgetUSec").get<std::uint64_t>(), UINT64_MAX);
  EXPECT_EQ(encoded.at("ExecUSec").get<std::uint64_t>(), UINT64_MAX / 1000 + 1);
}

TEST(BusStats, what_is_not_yet_known_is_absent) {
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

TEST(BusStats, histograms_keep_their_edges_in_nanoseconds) {
  UnitStats stats = sample();
  stats.wait.histogram = {{.lower_ns = 1152, .upper_ns = 1280, .count = 9},
                          {.lower_ns = 1ULL << 36, .upper_ns = UINT64_MAX, .count = 1}};
  const auto encoded = encode_stats(stats);
  const std::vector<EncodedBucket> expected{{1152, 1280, 9}, {1ULL << 36, UINT64_MAX, 1}};
  EXPECT_EQ(encoded.at("WaitHistogramNSec").get<std::vector<EncodedBucket>>(), expected);
  EXPECT_TRUE(encoded.at("ResponseHistogramNSec").get<std::vector<EncodedBucket>>().empty());
}

TEST(BusStats, without_jobs_there_is_no_longest_wait_either) {
  UnitStats stats = sample();
  stats.jobs = 0;
  EXPECT_FALSE(encode_stats(stats).contains("WaitMaxUSec"));
  EXPECT_TRUE(json::parse(stats_json(stats)).at("WaitMaxUSec").is_null());
}

TEST(BusStats, json_has_every_key_and_null_for_what_is_not_known_or_infinite) {
  UnitStats stats = sample();
  stats.budget_ns = UINT64_MAX;
  stats.miss_ratio = 1e-5;
  stats.wait.histogram = {{.lower_ns = 1152, .upper_ns = 1280, .count = 9},
                          {.lower_ns = 1ULL << 36, .upper_ns = UINT64_MAX, .count = 1}};
  EXPECT_EQ(json::parse(stats_json(stats)), json::parse(R"({
    "Unit": "a.service", "SloBudgetUSec": null, "CountedWith": null, "Jobs": 10, "Misses": 1, "MissesLateStart": 0,
    "MissesPreempted": 0, "MissesOverlong": 0, "MissesOverrun": 0, "MissesThrottled": 0, "EventsSuppressed": 0, "EventsLost": 0,
    "MissRatio": 1e-5, "Demotions": 0, "Renewals": 0, "ExecUSec": 2, "ExecByKeyUSec": 0, "ExecThrottledUSec": 0,
    "WaitMeanUSec": null, "WaitP50USec": 1, "WaitP90USec": null, "WaitP99USec": null, "WaitP999USec": null,
    "WaitMaxUSec": 0, "WaitHistogramNSec": [[1152, 1280, 9], [68719476736, null, 1]],
    "ResponseMeanUSec": null, "ResponseP50USec": null, "ResponseP90USec": null, "ResponseP99USec": null,
    "ResponseP999USec": null, "ResponseMaxUSec": 1, "ResponseHistogramNSec": []
  })"));
}

TEST(BusStats, what_is_known_has_the_same_name_and_value_in_json_as_in_get_stats) {
  UnitStats stats = sample();
  stats.wait.mean_ns = stats.wait.p90_ns = stats.wait.p99_ns = stats.wait.p999_ns = 3'000;
  stats.response.mean_ns = stats.response.p50_ns = stats.response.p90_ns = stats.response.p99_ns = 4'000;
  stats.response.p999_ns = 5'000;
  const json all = json::parse(stats_json(stats));
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(all.size(), encoded.size() + 1) << "CountedWith is there for those alone that are";
  for (const auto& [name, value] : encoded) {
    ASSERT_TRUE(all.contains(name)) << name;
    if (!value.containsValueOfType<std::uint64_t>()) continue;
    EXPECT_EQ(all.at(name).get<std::uint64_t>(), value.get<std::uint64_t>()) << name;
  }
}

TEST(BusStats, a_unit_that_is_counted_with_another_has_no_figures_and_no_zeros) {
  UnitStats stats;
  stats.unit = "a.service";
  stats.budget_ns = 5'000'000;
  stats.counted_with = "web.slice";
  const auto encoded = encode_stats(stats);
  EXPECT_EQ(encoded.size(), 3U);
  EXPECT_EQ(encoded.at("CountedWith").get<std::string>(), "web.slice");
  EXPECT_EQ(encoded.at("SloBudgetUSec").get<std::uint64_t>(), 5'000U);
  json all = json::parse(stats_json(stats));
  EXPECT_EQ(all.size(), json::parse(stats_json(sample())).size());
  EXPECT_EQ(all.at("CountedWith"), "web.slice");
  for (const char* known : {"Unit", "SloBudgetUSec", "CountedWith"}) all.erase(known);
  for (const auto& [name, value] : all.items()) EXPECT_TRUE(value.is_null()) << name;
  stats.counted_with = "";
  EXPECT_EQ(json::parse(stats_json(stats)).at("CountedWith"), "");
}

UnitStats with_jobs(std::uint64_t jobs) {
  slo_stats counters{};
  counters.jobs = counters.wait_hist[20] = counters.response_hist[60] = jobs;
  return make_unit_stats("a.service", 5'000'000, counters);
}

TEST(BusStats, a_quantile_of_waits_and_responses_is_told_from_so_many_jobs_on_and_not_before) {
  for (const auto& [quantile, jobs] : std::vector<std::pair<std::string, std::uint64_t>>{
           {"P50USec", 20}, {"P90USec", 100}, {"P99USec", 1'000}, {"P999USec", 10'000}}) {
    for (const std::string& name : {"Wait" + quantile, "Response" + quantile}) {
      EXPECT_FALSE(encode_stats(with_jobs(jobs - 1)).contains(name)) << name;
      EXPECT_TRUE(encode_stats(with_jobs(jobs)).contains(name)) << name;
      EXPECT_TRUE(json::parse(stats_json(with_jobs(jobs - 1))).at(name).is_null()) << name;
      EXPECT_TRUE(json::parse(stats_json(with_jobs(jobs))).at(name).is_number()) << name;
    }
  }
}

TEST(BusStats, names_that_json_has_to_escape_arrive_as_they_are) {
  UnitStats stats = sample();
  stats.unit = R"(dev-disk\x2d1 "quoted".service)";
  EXPECT_EQ(json::parse(stats_json(stats)).at("Unit"), stats.unit);
}

class AllStatsTest : public ManagerTest {
 protected:
  std::string document() {
    std::string text;
    const auto parts = all_stats(manager());
    for (auto part = parts(); part; part = parts()) text += *part;
    return text;
  }
};

TEST_F(AllStatsTest, the_document_has_each_unit_with_a_budget) {
  budget("a.service", "5ms");
  budget("b.slice", "2ms");
  files_.further["/etc/c.service"].metric = Setting<Metric>{.value = Metric::response(), .origin = {}};
  manager().units_listed(
      {fakes::fact("a.service", 11), fakes::fact("b.slice", 12), fakes::fact("c.service", 13)});
  count("a.service", 3);
  count("b.slice", 4);
  const json all = json::parse(document());
  ASSERT_EQ(all.at("Units").size(), 2U);
  EXPECT_EQ(all.at("Units")[0].at("Unit"), "a.service");
  EXPECT_EQ(all.at("Units")[0].at("Jobs"), 3);
  EXPECT_EQ(all.at("Units")[1].at("Unit"), "b.slice");
  EXPECT_EQ(all.at("Units")[1].at("SloBudgetUSec"), 2000);
  EXPECT_EQ(all.at("Units")[1].at("Jobs"), 4);
}

TEST_F(AllStatsTest, without_units_the_document_is_complete_all_the_same) {
  manager().units_listed({});
  EXPECT_EQ(json::parse(document()), json::parse(R"({"Units": [], "Limits": null})"));
}

TEST_F(AllStatsTest, limits_are_there_while_the_scheduler_keeps_them) {
  start();
  EXPECT_EQ(json::parse(document()).at("Limits"), json::array());
  KeptLimit kept;
  kept.record.task_group = 1;
  kept.record.cgroup_id = 11;
  kept.record.used_ns = now_.monotonic_ns;
  kept.record.nr_periods = 9;
  kept.record.nr_throttled = 4;
  kept.record.throttled_ns = 7'600;
  kept.record.nr_parked = 2;
  kept.cfg.quota_ns = 30 * SLO_NSEC_PER_MSEC;
  kept.cfg.burst_ns = SLO_NSEC_PER_MSEC;
  kept.cfg.period_ns = 20 * SLO_NSEC_PER_MSEC;
  kernel_.limits = {kept, kept};
  const json all = json::parse(document());
  ASSERT_EQ(all.at("Limits").size(), 2U);
  EXPECT_EQ(all.at("Limits")[0], json::parse(R"({
    "Unit": "a.service", "ControlGroupId": 11, "QuotaPerSecUSec": 1500000, "PeriodUSec": 20000, "BurstUSec": 1000,
    "Periods": 9, "ThrottledPeriods": 4, "ThrottledUSec": 8, "ParkedTasks": 2
  })"));
}

TEST_F(AllStatsTest, a_unit_that_goes_while_it_is_read_is_left_out_and_no_other) {
  for (const char* unit : {"a.service", "b.service", "c.service"}) budget(unit, "5ms");
  manager().units_listed(
      {fakes::fact("a.service", 11), fakes::fact("b.service", 12), fakes::fact("c.service", 13)});
  const auto parts = all_stats(manager());
  std::string text = parts().value_or("");
  text += parts().value_or("");
  manager().unit_gone("b.service");
  for (auto part = parts(); part; part = parts()) text += *part;
  const json all = json::parse(text);
  ASSERT_EQ(all.at("Units").size(), 2U);
  EXPECT_EQ(all.at("Units")[1].at("Unit"), "c.service");
}

}  // namespace
}  // namespace slo
