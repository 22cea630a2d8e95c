// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/cat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace slo::client {
namespace {

const std::vector<UnitSetting> settings{
    {.key = "SloBudget", .value = "5ms", .file = "/etc/systemd/system/web.slice", .line = 3},
    {.key = "SloMetric", .value = "wait", .file = "", .line = 0}};

TEST(ClientCat, ShowsEachSettingWithItsValueAndWhereItIsSet) {
  EXPECT_EQ(cat_text("a.service", settings, {}),
            "SETTING    VALUE  SET IN\n"
            "SloBudget  5ms    /etc/systemd/system/web.slice:3\n"
            "SloMetric  wait   default\n");
}

TEST(ClientCat, SaysThatThereIsNoBudget) {
  EXPECT_EQ(cat_text("a.service", {settings[1]}, {}),
            "SETTING    VALUE  SET IN\n"
            "SloBudget  none   default\n"
            "SloMetric  wait   default\n");
}

TEST(ClientCat, SaysWhatToTypeWhenTheFilesHaveChanged) {
  EXPECT_THAT(
      cat_text("a.service", settings, {.changed_on_disk = true}),
      testing::EndsWith("\nThe files of a.service have changed since systemd read them; what was read before "
                        "holds.\nRun: systemctl daemon-reload\n"));
}

TEST(ClientCat, SaysThatTheKernelHasNotTakenTheSettings) {
  EXPECT_THAT(
      cat_text("a.service", settings, {.pending = true}),
      testing::EndsWith("\nPending: the kernel has refused the settings so far: they are not in force, "
                        "and are tried again.\n"));
}

TEST(ClientCat, SaysTheSameAsJson) {
  EXPECT_EQ(
      nlohmann::json::parse(cat_json("a.service", settings, {.changed_on_disk = true, .pending = true})),
      nlohmann::json::parse(R"({
    "unit": "a.service", "need_daemon_reload": true, "pending": true, "settings": [
      {"key": "SloBudget", "value": "5ms", "file": "/etc/systemd/system/web.slice", "line": 3},
      {"key": "SloMetric", "value": "wait", "file": null, "line": null}]})"));
}

}  // namespace
}  // namespace slo::client
