// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "client/json.h"

namespace slo::client {
namespace {

using nlohmann::json;

UnitReport report() {
  UnitReport unit;
  unit.name = "nginx.service";
  unit.control_group = "/system.slice/nginx.service";
  unit.control_group_id = 4711;
  unit.budget_usec = 5000;
  unit.budget_origin = "/etc/systemd/system/nginx.service.d/slo.conf:2";
  unit.jobs = 8;
  unit.misses = 2;
  unit.miss_ratio = 0.25;
  unit.demotions = 1;
  unit.exec_usec = 99;
  unit.wait = {.p50_usec = 12, .p90_usec = 40, .p99_usec = 87, .p999_usec = {}, .max_usec = 6100};
  unit.response = {.p50_usec = 250, .p90_usec = 410, .p99_usec = 990, .p999_usec = {}, .max_usec = 9000};
  return unit;
}

const json expected_figures = json::parse(R"({
  "budget_usec": 5000, "budget_origin": "/etc/systemd/system/nginx.service.d/slo.conf:2",
  "control_group": "/system.slice/nginx.service", "control_group_id": 4711,
  "jobs": 8, "misses": 2, "miss_ratio": 0.25, "demotions": 1, "exec_usec": 99,
  "wait": {"p50_usec": 12, "p90_usec": 40, "p99_usec": 87, "p999_usec": null, "max_usec": 6100},
  "response": {"p50_usec": 250, "p90_usec": 410, "p99_usec": 990, "p999_usec": null, "max_usec": 9000}
})");

json with(json figures, const json& more) {
  figures.update(more);
  return figures;
}

TEST(ClientJson, ListHasTheDocumentedShape) {
  const json expected = {{"units", {with(expected_figures, {{"unit", "nginx.service"}})}}};
  EXPECT_EQ(json::parse(list_json({report()})), expected);
}

TEST(ClientJson, AnEmptyListIsAnEmptyArray) {
  EXPECT_EQ(json::parse(list_json({})), json::parse(R"({"units": []})"));
}

TEST(ClientJson, StatsNamesTheUnitAskedForAndTheOneWhoseSettingsHold) {
  const json expected =
      with(expected_figures, {{"unit", "worker.service"}, {"settings_of", "nginx.service"}});
  EXPECT_EQ(json::parse(stats_json("worker.service", report())), expected);
}

TEST(ClientJson, InfinityAndUnknownFiguresAreNull) {
  const json unit = json::parse(list_json({UnitReport{}})).at("units").at(0);
  EXPECT_TRUE(unit.at("budget_usec").is_null());
  EXPECT_TRUE(unit.at("miss_ratio").is_null());
  for (const char* kind : {"wait", "response"})
    for (const json& figure : unit.at(kind)) EXPECT_TRUE(figure.is_null());
}

TEST(ClientJson, StatusHasStateAndUnits) {
  const Overview overview{
      .version = "1.2.3", .mode = "enforce", .state = "enforcing", .reason = "why", .config_errors = 2};
  const json status = json::parse(status_json(overview, {report()}));
  json expected = json::parse(list_json({report()}));
  expected.update(json::parse(R"({"running": true, "state": "enforcing", "reason": "why", "mode": "enforce",
                                  "version": "1.2.3", "config_errors": 2})"));
  EXPECT_EQ(status, expected);
  EXPECT_EQ(json::parse(state_json(overview)), json::parse(R"({"state": "enforcing", "reason": "why"})"));
}

TEST(ClientJson, AStoppedDaemonHasAStateToo) {
  EXPECT_EQ(json::parse(not_running_json()), json::parse(R"({"running": false, "state": "not-running"})"));
}

TEST(ClientJson, CountersOf64BitsAreExact) {
  UnitReport unit = report();
  unit.jobs = 18446744073709551615u;
  EXPECT_EQ(json::parse(list_json({unit})).at("units").at(0).at("jobs").get<std::uint64_t>(), unit.jobs);
}

TEST(ClientJson, QuotesAndBytesThatAreNotUtf8CannotBreakTheText) {
  UnitReport unit = report();
  unit.budget_origin = "/etc/a\"\\\n\xff:1";
  const std::string text = list_json({unit});
  EXPECT_EQ(json::parse(text).at("units").at(0).at("budget_origin").get<std::string>(),
            "/etc/a\"\\\n\xef\xbf\xbd:1");
}

}  // namespace
}  // namespace slo::client
