// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "client/json.h"
#include "client_fixtures.h"

namespace slo::client {
namespace {

using nlohmann::json;

const json expected_figures = json::parse(R"({
  "budget_usec": 5000, "budget_origin": "/etc/systemd/system/nginx.service.d/slo.conf:2",
  "metric": "wait", "objective": 0.999, "objective_kept": true, "max_exec_usec": 100000,
  "need_daemon_reload": false,
  "control_group": "/system.slice/nginx.service", "control_group_id": 4711,
  "jobs": 20000, "misses": 3,
  "misses_by_cause": {"late_start": 2, "preempted": 0, "overlong": 1, "overrun": 0},
  "miss_ratio": 0.00015, "demotions": 7, "exec_usec": 2400000,
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

TEST(ClientJson, AnEmptyListIsAnEmptyArray) {
  EXPECT_EQ(json::parse(list_json({})), json::parse(R"({"units": []})"));
}

TEST(ClientJson, StatsNamesTheUnitAskedForAndTheOneWhoseSettingsHold) {
  const json expected =
      with(expected_figures, {{"unit", "worker.service"}, {"settings_of", "nginx.service"}});
  EXPECT_EQ(json::parse(stats_json("worker.service", nginx())), expected);
}

TEST(ClientJson, InfinityAndUnknownFiguresAreNull) {
  const json unit = json::parse(list_json({UnitReport{}})).at("units").at(0);
  EXPECT_TRUE(unit.at("budget_usec").is_null());
  EXPECT_TRUE(unit.at("miss_ratio").is_null());
  EXPECT_TRUE(unit.at("max_exec_usec").is_null());
  EXPECT_TRUE(unit.at("objective_kept").is_null());
  for (const char* kind : {"wait", "response"})
    for (const json& figure : unit.at(kind)) EXPECT_TRUE(figure.is_null());
}

TEST(ClientJson, StatusHasStateAndUnits) {
  const Overview overview{.version = "1.2.3",
                          .mode = "auto",
                          .state = "enforcing",
                          .reason = "why",
                          .config_errors = 2,
                          .failures = 1,
                          .events_lost = 3,
                          .untracked = 4,
                          .scheduler = "scx_slo"};
  const json status = json::parse(status_json(overview, {nginx()}));
  json expected = json::parse(list_json({nginx()}));
  expected.update(json::parse(R"({"running": true, "state": "enforcing", "reason": "why", "mode": "auto",
                                  "version": "1.2.3", "config_errors": 2, "scheduler": "scx_slo",
                                  "failures": 1, "events_lost": 3, "untracked": 4})"));
  EXPECT_EQ(status, expected);
  EXPECT_EQ(json::parse(state_json(overview)), json::parse(R"({"state": "enforcing", "reason": "why"})"));
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

}  // namespace
}  // namespace slo::client
