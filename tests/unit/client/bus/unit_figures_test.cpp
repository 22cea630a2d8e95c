// SPDX-License-Identifier: GPL-2.0-only
#include "client/bus/unit_figures.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bus/stats.h"

namespace slo::client {
namespace {

UnitReport unit(const std::string& name) {
  UnitReport report;
  report.name = name;
  report.metric = "wait";
  return report;
}

std::string document(const std::vector<UnitStats>& units) {
  std::string text = "{\"Units\":[";
  for (const UnitStats& stats : units) text += (text.back() == '[' ? "" : ",") + stats_json(stats);
  return text + "]}";
}

UnitStats web() {
  UnitStats stats;
  stats.unit = "web.service";
  stats.budget_ns = 5'000'000;
  stats.jobs = 40;
  stats.misses = 10;
  stats.causes = {.late_start = 1, .preempted = 2, .overlong = 3, .overrun = 4, .throttled = 5};
  stats.demotions = 5;
  stats.exec_ns = 6'000;
  stats.miss_ratio = 0.25;
  stats.wait = {.mean_ns = 7'000,
                .p50_ns = 8'000,
                .p90_ns = {},
                .p99_ns = {},
                .p999_ns = {},
                .max_ns = 9'000,
                .histogram = {{.lower_ns = 8192, .upper_ns = 9216, .count = 39},
                              {.lower_ns = 1ULL << 36, .upper_ns = UINT64_MAX, .count = 1}}};
  return stats;
}

TEST(ClientUnitFigures, TheFiguresOfADocumentReachTheirUnits) {
  UnitStats idle;
  idle.unit = "idle.service";
  const auto units = with_figures({unit("idle.service"), unit("web.service")}, document({idle, web()}));
  ASSERT_TRUE(units.has_value());
  ASSERT_EQ(units->size(), 2U);
  EXPECT_EQ((*units)[0].jobs, 0U);
  EXPECT_FALSE((*units)[0].wait.max_usec);
  const UnitReport& report = (*units)[1];
  EXPECT_EQ(report.name, "web.service");
  EXPECT_EQ(report.metric, "wait");
  EXPECT_EQ(report.jobs, 40U);
  EXPECT_EQ(report.misses, 10U);
  EXPECT_EQ(report.causes.late_start, 1U);
  EXPECT_EQ(report.causes.preempted, 2U);
  EXPECT_EQ(report.causes.overlong, 3U);
  EXPECT_EQ(report.causes.overrun, 4U);
  EXPECT_EQ(report.causes.throttled, 5U);
  EXPECT_EQ(report.miss_ratio, 0.25);
  EXPECT_EQ(report.demotions, 5U);
  EXPECT_EQ(report.exec_usec, 6U);
  EXPECT_EQ(report.wait.mean_usec, 7U);
  EXPECT_EQ(report.wait.p50_usec, 8U);
  EXPECT_FALSE(report.wait.p90_usec);
  EXPECT_EQ(report.wait.max_usec, 9U);
  EXPECT_EQ(report.wait.histogram, web().wait.histogram);
}

TEST(ClientUnitFigures, AUnitWithoutCountersOfItsOwnSaysWhoseTheyAre) {
  UnitStats stats;
  stats.unit = "worker.service";
  stats.counted_with = "web.slice";
  const auto units = with_figures({unit("worker.service"), unit("web.service")}, document({web(), stats}));
  ASSERT_TRUE(units.has_value());
  EXPECT_EQ((*units)[0].counted_with, "web.slice");
  EXPECT_TRUE((*units)[0].wait.histogram.empty());
  EXPECT_FALSE((*units)[1].counted_with);
}

TEST(ClientUnitFigures, UnitsThatTheDocumentDoesNotHaveAreLeftOut) {
  const auto units = with_figures({unit("gone.service"), unit("web.service")}, document({web()}));
  ASSERT_TRUE(units.has_value());
  ASSERT_EQ(units->size(), 1U);
  EXPECT_EQ(units->front().name, "web.service");
}

TEST(ClientUnitFigures, TheLimitsOfADocumentAreRead) {
  const LimitFigures figures{.unit = "web.service",
                             .cgroup_id = 7,
                             .quota_ns = 20'000'000,
                             .period_ns = 100'000'000,
                             .burst_ns = 5'000'000,
                             .periods = 120,
                             .throttled_periods = 17,
                             .throttled_ns = 900'000'000,
                             .unused_ns = 1,
                             .parked = 3,
                             .used_up = true};
  const auto limits = limits_in("{\"Units\":[],\"Limits\":[" + limit_json(figures) + "]}");
  ASSERT_TRUE(limits.has_value() && limits->has_value());
  ASSERT_EQ((*limits)->size(), 1U);
  const LimitReport& limit = (*limits)->front();
  EXPECT_EQ(limit.unit, "web.service");
  EXPECT_EQ(limit.control_group_id, 7U);
  EXPECT_EQ(limit.quota_per_sec_usec, 200'000U);
  EXPECT_EQ(limit.period_usec, 100'000U);
  EXPECT_EQ(limit.burst_usec, 5'000U);
  EXPECT_EQ(limit.periods, 120U);
  EXPECT_EQ(limit.throttled_periods, 17U);
  EXPECT_EQ(limit.throttled_usec, 900'000U);
  EXPECT_EQ(limit.parked_tasks, 3U);
  EXPECT_EQ(limit_of(*limits, "web.service"), &limit);
  EXPECT_EQ(limit_of(*limits, "other.service"), nullptr);
}

TEST(ClientUnitFigures, NoLimitsAreNotTheSameAsThoseThatTheKernelKeeps) {
  EXPECT_TRUE(limits_in("{\"Limits\":[]}").value().has_value());
  EXPECT_FALSE(limits_in("{\"Limits\":null}").value().has_value());
  EXPECT_EQ(limit_of(Limits{}, "web.service"), nullptr);
  for (const char* text : {"", "{}", "{\"Limits\":3}", "{\"Limits\":[{\"Periods\":\"x\"}]}"}) {
    const auto limits = limits_in(text);
    ASSERT_FALSE(limits.has_value()) << text;
    EXPECT_TRUE(limits.error().contains("statistics")) << limits.error();
  }
}

TEST(ClientUnitFigures, ADocumentOfAnotherShapeIsAnErrorAndNoCrash) {
  for (const char* text :
       {"", "[]", "{}", "{\"Units\":[{}]}", "{\"Units\":[{\"Unit\":\"a\",\"Jobs\":\"x\"}]}",
        "{\"Units\":[{\"Unit\":\"a\",\"WaitHistogramNSec\":[[1]]}]}"}) {
    const auto units = with_figures({unit("a")}, text);
    ASSERT_FALSE(units.has_value()) << text;
    EXPECT_TRUE(units.error().contains("statistics")) << units.error();
  }
}

}  // namespace
}  // namespace slo::client
