// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

using nlohmann::json;

const json expected_figures = json::parse(R"({
  "budget_usec": 5000, "budget_origin": "/etc/systemd/system/nginx.service.d/slo.conf:2",
  "metric": "wait", "objective": 0.999, "objective_kept": true, "importance": 250,
  "reserve_per_sec_usec": 500000, "max_exec_usec": 100000,
  "need_daemon_reload": false, "pending": false,
  "control_group": "/system.slice/nginx.service", "control_group_id": 4711, "counted_with": null,
  "jobs": 20000, "misses": 3,
  "misses_by_cause": {"late_start": 2, "preempted": 0, "overlong": 1, "overrun": 0, "throttled": 0},
  "miss_ratio": 0.00015, "demotions": 7, "renewals": 2, "exec_usec": 2400000,
  "key_exec_usec": 2300000, "throttled_exec_usec": 50000,
  "wait": {"mean_usec": 14, "p50_usec": 12, "p90_usec": 40, "p99_usec": 87, "p999_usec": 910, "max_usec": 6100},
  "response": {"mean_usec": 260, "p50_usec": 250, "p90_usec": 410, "p99_usec": 990, "p999_usec": null, "max_usec": 9000}
})");

json with(json figures, const json& more) {
  figures.update(more);
  return figures;
}

TEST(ClientJson, ListHasTheDocumentedShape) {
  const json expected = {{"units", {with(expected_figures, {{"unit", "nginx.service"}})}}};
  EXPECT_EQ(json::parse(list_json({nginx()})), expected);
}

TEST(ClientJson, AUnitWhoseSettingsTheKernelHasRefusedIsMarked) {
  UnitReport unit = nginx();
  unit.pending = true;
  EXPECT_EQ(json::parse(list_json({unit})).at("units").at(0).at("pending"), true);
  EXPECT_EQ(json::parse(stats_json("nginx.service", unit, nullptr)).at("pending"), true);
}

TEST(ClientJson, AnEmptyListIsAnEmptyArray) {
  EXPECT_EQ(json::parse(list_json({})), json::parse(R"({"units": []})"));
}

const json wait_histogram = json::parse(R"([
  {"from_nsec": 11264, "below_nsec": 12288, "jobs": 10000}, {"from_nsec": 12288, "below_nsec": 13312, "jobs": 200},
  {"from_nsec": 36864, "below_nsec": 40960, "jobs": 8000}, {"from_nsec": 81920, "below_nsec": 90112, "jobs": 1797},
  {"from_nsec": 5767168, "below_nsec": 6291456, "jobs": 3}
])");
const json response_histogram = json::parse(R"([
  {"from_nsec": 245760, "below_nsec": 262144, "jobs": 19000}, {"from_nsec": 8388608, "below_nsec": 9437184, "jobs": 1000}
])");

json stats_figures(const char* asked) {
  json figures = with(expected_figures, {{"unit", asked}, {"settings_of", "nginx.service"}});
  figures["wait"]["histogram"] = wait_histogram;
  figures["response"]["histogram"] = response_histogram;
  return figures;
}

TEST(ClientJson, StatsNamesTheUnitAskedForAndTheOneWhoseSettingsHold) {
  EXPECT_EQ(json::parse(stats_json("worker.service", nginx(), nullptr)),
            with(stats_figures("worker.service"), {{"limit", nullptr}}));
}

const json limit_figures = json::parse(R"({
  "unit": "nginx.service", "control_group_id": 4711, "quota_per_sec_usec": 200000, "period_usec": 100000,
  "burst_usec": 0, "periods": 1200, "throttled_periods": 340, "throttled_usec": 24100000, "parked_tasks": 0
})");

TEST(ClientJson, LimitsAreThereWithAllUnitsAndTheOwnOneWithAUnit) {
  const LimitReport own = limit();
  EXPECT_EQ(json::parse(stats_json("nginx.service", nginx(), &own)).at("limit"), limit_figures);
  const json all = json::parse(stats_json({}, Limits{{own}}));
  EXPECT_EQ(all, (json{{"units", json::array()}, {"limits", {limit_figures}}}));
  EXPECT_EQ(json::parse(stats_json({}, Limits{std::vector<LimitReport>{}})).at("limits"), json::array());
}

TEST(ClientJson, StatsOfAllUnitsHasForEachWhatStatsOfItHas) {
  const json expected = {{"units", {stats_figures("nginx.service")}}, {"limits", nullptr}};
  EXPECT_EQ(json::parse(stats_json({nginx()}, Limits{})), expected);
  EXPECT_EQ(json::parse(stats_json(std::vector<UnitReport>{}, Limits{})),
            json::parse(R"({"units": [], "limits": null})"));
}

TEST(ClientJson, ABucketWithoutUpperEdgeEndsAtNull) {
  UnitReport unit = nginx();
  unit.wait.histogram = {{.lower_ns = 68719476736, .upper_ns = UINT64_MAX, .count = 1}};
  EXPECT_EQ(json::parse(stats_json("nginx.service", unit, nullptr)).at("wait").at("histogram"),
            json::parse(R"([{"from_nsec": 68719476736, "below_nsec": null, "jobs": 1}])"));
}

TEST(ClientJson, AWatchIsOneObjectPerLineWithWhatIsNew) {
  const Print first{.state = "enforcing", .reason = "why", .units = {{.report = nginx(), .last = {}}}};
  const std::string text = watch_json(first, "worker.service", 1'700'000'000'000'000);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_EQ(json::parse(text), with(stats_figures("worker.service"),
                                    json::parse(R"({"time_usec": 1700000000000000, "running": true,
                                      "state": "enforcing", "reason": "why", "restarted": false, "interval": null})")));

  const Print second{
      .state = "enforcing",
      .reason = "why",
      .restarted = true,
      .units = {{.report = nginx_later(), .last = interval_between(nginx(), nginx_later(), 2'000'000)}}};
  const json all = json::parse(watch_json(second, "", 5));
  EXPECT_TRUE(all.at("restarted").get<bool>());
  EXPECT_EQ(all.at("units").size(), 1U);
  EXPECT_EQ(all.at("units").at(0).at("unit"), "nginx.service");
  EXPECT_EQ(all.at("units").at(0).at("jobs"), 20600);
  EXPECT_EQ(all.at("units").at(0).at("interval"), json::parse(R"({
    "usec": 2000000, "jobs": 600, "jobs_per_second": 300.0, "misses": 2,
    "misses_by_cause": {"late_start": 2, "preempted": 0, "overlong": 0, "overrun": 0, "throttled": 0},
    "miss_ratio": 0.0033333333333333335, "demotions": 0, "exec_usec": 90000,
    "wait": {"p50_usec": 39, "p90_usec": 39, "p99_usec": null, "p999_usec": null, "histogram": [
      {"from_nsec": 36864, "below_nsec": 40960, "jobs": 598}, {"from_nsec": 5767168, "below_nsec": 6291456, "jobs": 1},
      {"from_nsec": 8388608, "below_nsec": 9437184, "jobs": 1}]},
    "response": {"p50_usec": 254, "p90_usec": 254, "p99_usec": null, "p999_usec": null, "histogram": [
      {"from_nsec": 245760, "below_nsec": 262144, "jobs": 600}]}
  })"));
}

TEST(ClientJson, AWatchWithoutAnswerSaysWhy) {
  EXPECT_EQ(watch_trouble_json("scx-slo is not running", false, 7),
            "{\"time_usec\":7,\"running\":false,\"error\":\"scx-slo is not running\"}\n");
  EXPECT_EQ(watch_trouble_json("no answer", {}, 7),
            "{\"time_usec\":7,\"running\":null,\"error\":\"no answer\"}\n");
}

TEST(ClientJson, InfinityAndUnknownFiguresAreNull) {
  const json unit = json::parse(list_json({UnitReport{}})).at("units").at(0);
  EXPECT_TRUE(unit.at("budget_usec").is_null());
  EXPECT_TRUE(unit.at("miss_ratio").is_null());
  EXPECT_TRUE(unit.at("max_exec_usec").is_null());
  EXPECT_TRUE(unit.at("reserve_per_sec_usec").is_null());
  EXPECT_TRUE(unit.at("objective_kept").is_null());
  for (const char* kind : {"wait", "response"})
    for (const json& figure : unit.at(kind)) EXPECT_TRUE(figure.is_null());
}

TEST(ClientJson, StatusHasStateAndUnits) {
  const Overview overview{.version = "1.2.3",
                          .mode = "auto",
                          .state = "enforcing",
                          .reason = "why",
                          .healthy = true,
                          .config_errors = 2,
                          .pending = 14,
                          .waiting = {"c.service"},
                          .failures = 1,
                          .events_lost = 3,
                          .untracked = 4,
                          .late_budgets = 9,
                          .late_budget_max_usec = 10,
                          .systemd_behind = true,
                          .log_lines_lost = 11,
                          .longest_turn_usec = 12,
                          .longest_loading_turn_usec = 13,
                          .capacity = 5,
                          .folded = 6,
                          .shed = {"a.service"},
                          .operator_reserve_usec = 50'000,
                          .strict = true,
                          .limited_units = 7,
                          .throttled_units = 8,
                          .unkept = {{.unit = "b.service", .setting = "CPUQuota=", .why = "because"}},
                          .scheduler = "scx_slo"};
  const json status = json::parse(status_json(overview, {nginx()}));
  json expected = json::parse(list_json({nginx()}));
  expected.update(
      json::parse(R"({"running": true, "state": "enforcing", "reason": "why", "healthy": true, "mode": "auto",
                                  "version": "1.2.3", "config_errors": 2, "pending": 14, "waiting": ["c.service"], "scheduler": "scx_slo",
                                  "failures": 1, "events_lost": 3, "untracked": 4,
                                  "late_budgets": 9, "late_budget_max_usec": 10,
                                  "systemd_behind": true, "log_lines_lost": 11, "longest_turn_usec": 12,
                                  "longest_loading_turn_usec": 13,
                                  "capacity": 5, "folded": 6, "shed": ["a.service"],
                                  "operator_reserve_per_sec_usec": 50000, "strict": true,
                                  "limited_units": 7, "throttled_units": 8,
                                  "unkept": [{"unit": "b.service", "setting": "CPUQuota=", "why": "because"}]})"));
  EXPECT_EQ(status, expected);
  EXPECT_EQ(json::parse(state_json(overview)), json::parse(R"({"state": "enforcing", "reason": "why"})"));
}

TEST(ClientJson, FiguresOfAUnitWithoutCountersOfItsOwnAreNull) {
  const json unit = json::parse(stats_json("worker.service", folded("web.slice"), nullptr));
  EXPECT_EQ(unit.at("counted_with"), "web.slice");
  EXPECT_EQ(unit.at("budget_usec"), 2000);
  for (const char* figure :
       {"jobs", "misses", "misses_by_cause", "miss_ratio", "objective_kept", "demotions", "exec_usec"})
    EXPECT_TRUE(unit.at(figure).is_null()) << figure;
  for (const char* kind : {"wait", "response"})
    for (const json& figure : unit.at(kind)) EXPECT_TRUE(figure.is_null());
  EXPECT_EQ(json::parse(list_json({folded("")})).at("units").at(0).at("counted_with"), "");
}

TEST(ClientJson, AStoppedDaemonHasAStateToo) {
  EXPECT_EQ(json::parse(not_running_json()), json::parse(R"({"running": false, "state": "not-running"})"));
}

TEST(ClientJson, CountersOf64BitsAreExact) {
  UnitReport unit = nginx();
  unit.jobs = 18446744073709551615u;
  EXPECT_EQ(json::parse(list_json({unit})).at("units").at(0).at("jobs").get<std::uint64_t>(), unit.jobs);
}

TEST(ClientJson, QuotesAndBytesThatAreNotUtf8CannotBreakTheText) {
  UnitReport unit = nginx();
  unit.budget_origin = "/etc/a\"\\\n\xff:1";
  const std::string text = list_json({unit});
  EXPECT_EQ(json::parse(text).at("units").at(0).at("budget_origin").get<std::string>(),
            "/etc/a\"\\\n\xef\xbf\xbd:1");
}

TEST(ClientJson, IsAsciiSoThatItCannotTakeTheTerminalOver) {
  UnitReport unit = nginx();
  unit.budget_origin = "/etc/\u009b2J\u202e\u00b5:1";
  const std::string text = list_json({unit});
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x7f; }));
  EXPECT_EQ(json::parse(text).at("units").at(0).at("budget_origin").get<std::string>(), unit.budget_origin);
}

}  // namespace
}  // namespace slo::client
