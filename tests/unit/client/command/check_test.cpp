// SPDX-License-Identifier: GPL-2.0-only
#include "client/command/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/fakes.h"

namespace slo::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ClientCheck : public testing::Test {
 protected:
  // What is said of a file with this name and content, without the name.
  std::vector<std::string> said_of(const std::string& name, std::string_view content) {
    return said_of(directory_.write(name, content));
  }
  static std::vector<std::string> said_of(const std::filesystem::path& file) {
    std::vector<std::string> all;
    for (const auto& problem : check_files(std::vector{file}).problems) {
      EXPECT_THAT(problem.message(), StartsWith(file.string()));
      all.push_back(problem.message().substr(file.string().size()));
    }
    return all;
  }

  fakes::TemporaryDirectory directory_;
};

constexpr std::string_view for_units = "[X-Slo]\nSloBudget=5\n";
constexpr std::string_view for_daemon = "[Guard]\nRetries=many\n";

TEST_F(ClientCheck, FilesWithoutMistakesAreOnlyCounted) {
  const auto unit = directory_.write("a.service", "[Service]\nExecStart=/bin/true\n[X-Slo]\nSloBudget=5ms\n");
  const auto config = directory_.write("scx-slo.conf", "[Guard]\nRetries=5\n");
  const auto checked = check_files(std::vector{unit, config});
  EXPECT_THAT(checked.problems, IsEmpty());
  EXPECT_EQ(check_text(checked), "2 files checked: 0 errors, 0 warnings\n");
}

TEST_F(ClientCheck, SaysOfUnitFilesAndDropInsWhatTheDaemonWould) {
  for (const char* name : {"a.service", "a.scope", "a.slice", "a.service.d/x.conf", "slice.d/x.conf",
                           "service.d/x.conf", "x.conf", "anything"}) {
    EXPECT_THAT(said_of(name, for_units),
                ElementsAre(StartsWith(":2: SloBudget=5 ignored; accepted is a time span")))
        << name;
  }
}

TEST_F(ClientCheck, KnowsTheDaemonsFilesByNameDirectoryOrSections) {
  for (const char* name : {"scx-slo.conf", "scx-slo.conf.d/50-a.conf", "x.conf", "anything"}) {
    EXPECT_THAT(said_of(name, for_daemon),
                ElementsAre(StartsWith(":2: Retries=many ignored; accepted is a whole")))
        << name;
  }
  EXPECT_THAT(said_of("scx-slo.conf.d/unit.conf", for_units),
              ElementsAre(HasSubstr("nothing in this section is used")))
      << "the directory decides";
  EXPECT_THAT(said_of("a.service.d/50-b.conf", for_daemon),
              ElementsAre(": has no section [X-Slo], so it says nothing to scx-slo"));
}

TEST_F(ClientCheck, WarnsOfAUnitFileWithNothingForUsUnlessItSaidWhyAlready) {
  EXPECT_THAT(said_of("a.service", "[Service]\nExecStart=/bin/true\n"),
              ElementsAre(": has no section [X-Slo], so it says nothing to scx-slo"));
  EXPECT_THAT(said_of("a.service", "[X-SLO]\nSloBudget=5ms\n"),
              ElementsAre(HasSubstr("nothing in this section is used")));
}

TEST_F(ClientCheck, KnowsTheUnitByTheNameOfTheFileOrItsDirectory) {
  constexpr std::string_view good = "[X-Slo]\nSloBudget=5ms\n";
  EXPECT_THAT(said_of("system.slice", good), ElementsAre(HasSubstr("everything in system.slice")));
  EXPECT_THAT(said_of("user.slice.d/slo.conf", good), ElementsAre(HasSubstr("everything in user.slice")));
  EXPECT_THAT(said_of("system-a.slice", good), IsEmpty());
}

TEST_F(ClientCheck, WhatCannotBeReadIsAnError) {
  EXPECT_THAT(said_of(directory_.path() / "missing.service"), ElementsAre(": there is no such file"));
  EXPECT_THAT(said_of(directory_.path() / "missing/scx-slo.conf"), ElementsAre(": there is no such file"));
  EXPECT_THAT(said_of(directory_.path()), ElementsAre(HasSubstr("is a directory")));
}

TEST_F(ClientCheck, CountsErrorsAndWarnings) {
  const auto one = directory_.write("a.service", "[X-Slo]\nSloBudget=5\nSloBuget=5ms\nSloMetric=x\n");
  const auto checked = check_files(std::vector{one});
  EXPECT_EQ(checked.errors(), 2U);
  EXPECT_EQ(checked.warnings(), 1U);
  EXPECT_THAT(check_text(checked), testing::EndsWith("\n1 file checked: 2 errors, 1 warning\n"));
}

TEST_F(ClientCheck, SaysTheSameAsJson) {
  const auto file = directory_.write("a.service", "[X-Slo]\nSloBudget=\xff 5\nSloBuget=5ms\n");
  const auto checked = check_files(std::vector{file});
  const auto json = nlohmann::json::parse(check_json(checked));
  EXPECT_EQ(json["files"], 1);
  EXPECT_EQ(json["errors"], 1);
  EXPECT_EQ(json["warnings"], 1);
  ASSERT_EQ(json["problems"].size(), 2U);
  const auto& first = json["problems"][0];
  EXPECT_EQ(first["severity"], "error");
  EXPECT_EQ(first["file"], file.string());
  EXPECT_EQ(first["line"], 2);
  EXPECT_EQ(first["key"], "SloBudget");
  EXPECT_EQ(first["message"], checked.problems[0].message());
  EXPECT_EQ(json["problems"][1]["severity"], "warning");
}

}  // namespace
}  // namespace slo::client
