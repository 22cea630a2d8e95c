// SPDX-License-Identifier: GPL-2.0-only
#include "settings/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "settings/file.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

namespace fs = std::filesystem;
using Severity = ConfigProblem::Severity;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class ConfigFile : public testing::Test {
 protected:
  fs::path write(const fs::path& name, std::string_view content) const { return root_.write(name, content); }
  void mask(const fs::path& name) const {
    fs::create_directories((root_.path() / name).parent_path());
    fs::create_symlink("/dev/null", root_.path() / name);
  }

  [[nodiscard]] ConfigReading read() const { return read_config(root_.path()); }
  ConfigReading read(std::string_view content) const {
    write("etc/scx-slo/scx-slo.conf", content);
    return read();
  }
  [[nodiscard]] unsigned retries() const { return read().config.retries; }

  static std::vector<std::string> messages(const ConfigReading& reading) {
    std::vector<std::string> all;
    for (const auto& problem : reading.problems) all.push_back(problem.message());
    return all;
  }

  fakes::TemporaryDirectory root_;
};

std::string retries_are(int count) {
  return "[Guard]\nRetries=" + std::to_string(count) + "\n";
}

TEST_F(ConfigFile, WithoutAnyFileTheDefaultsHold) {
  const auto reading = read();
  EXPECT_EQ(reading.config, Config());
  EXPECT_THAT(reading.problems, IsEmpty());
  EXPECT_EQ(reading.config.mode, Mode::automatic);
  EXPECT_EQ(reading.config.tunables.capacity, SLO_CAPACITY);
  EXPECT_EQ(reading.config.tunables.kick_interval_ns, 100'000U);
  EXPECT_EQ(reading.config.tunables.best_effort_floor_permille, 50U);
  EXPECT_EQ(reading.config.operator_permille, 50U);
  EXPECT_EQ(reading.config.defaults, standard_settings());
}

TEST_F(ConfigFile, SetsEveryKey) {
  const auto reading = read(
      "[Scheduler]\nMode=observe\nBestEffortFloor=2.5%\nBestEffortGap=50ms\nSloSliceMax="
      "10ms\nBestEffortSlice=5ms\n"
      "KickRate=1000\nMinRun=0us\nCapacity=16384\nOperatorReserve=12.5%\nShedding=no\nStrict=yes\n"
      "[Defaults]\nSloMetric=response\nSloObjective=99%\n"
      "[Events]\nRate=4\nBurst=7\nGlobalRate=50\n[Guard]\nRetries=1\nRetryWindow=1h\n");
  EXPECT_THAT(messages(reading), IsEmpty());
  const Config& config = reading.config;
  EXPECT_EQ(config.mode, Mode::observe);
  EXPECT_EQ(config.tunables.best_effort_floor_permille, 25U);
  EXPECT_EQ(config.tunables.best_effort_gap_ns, 50 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.tunables.slo_slice_max_ns, 10 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.tunables.best_effort_slice_ns, 5 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.tunables.kick_interval_ns, SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.tunables.min_run_ns, 0U);
  EXPECT_EQ(config.tunables.capacity, 16384U);
  EXPECT_EQ(config.operator_permille, 125U);
  EXPECT_FALSE(config.shedding);
  EXPECT_TRUE(config.strict);
  EXPECT_EQ(config.tunables.event_interval_ns, 250 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.tunables.event_burst, 7U);
  EXPECT_EQ(config.tunables.event_global_interval_ns, 20 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(config.retries, 1U);
  EXPECT_EQ(config.retry_window_ns, 3600 * SLO_NSEC_PER_SEC);
  EXPECT_TRUE(config.defaults.metric->value.is_response());
  const std::string file = (root_.path() / "etc/scx-slo/scx-slo.conf").string();
  EXPECT_EQ(config.defaults.objective->origin, (Origin{.file = file, .line = 15}));
  EXPECT_EQ(config.defaults.objective->value.to_string(), "99%");
}

TEST_F(ConfigFile, AnEmptyValueBringsTheDefaultBack) {
  const auto reading = read(
      "[Scheduler]\nMode=observe\nCapacity=7\nShedding=no\nStrict=yes\nMode=\nCapacity=\nShedding=\nStrict=\n"
      "[Defaults]\nSloMetric=response\nSloMetric=\n");
  EXPECT_EQ(reading.config, Config());
  EXPECT_THAT(reading.problems, IsEmpty());
}

TEST_F(ConfigFile, EveryModeIsWrittenAsItIsRead) {
  for (const Mode mode : {Mode::automatic, Mode::enforce, Mode::observe}) {
    EXPECT_EQ(read("[Scheduler]\nMode=" + std::string(to_string(mode)) + "\n").config.mode, mode);
  }
}

TEST_F(ConfigFile, ABadValueIsOneLineAndWhatEarlierOnesSayHolds) {
  const auto reading = read(
      "[Scheduler]\nMode=enforce\nMode=on\nCapacity=9\nCapacity=0\nCapacity=16385\nCapacity=1e3\n"
      "BestEffortFloor=5\nBestEffortFloor=0.9%\nBestEffortFloor=5.55%\nMinRun=100\nSloSliceMax="
      "500us\nKickRate=-1\n"
      "[Defaults]\nSloObjective=99.9\n[Guard]\nRetryWindow=10\n");
  EXPECT_EQ(reading.config.mode, Mode::enforce);
  EXPECT_EQ(reading.config.tunables.capacity, 9U);
  const std::string file = (root_.path() / "etc/scx-slo/scx-slo.conf").string();
  const std::string capacity = "accepted is a whole number from 1 to 16384 such as 1024";
  const std::string floor = "accepted is a share with its percent sign from 1% to 50% such as 5%";
  EXPECT_THAT(
      messages(reading),
      ElementsAre(
          file + ":3: Mode=on ignored; accepted is auto, enforce or observe",
          file + ":5: Capacity=0 ignored; " + capacity, file + ":6: Capacity=16385 ignored; " + capacity,
          file + ":7: Capacity=1e3 ignored; " + capacity, file + ":8: BestEffortFloor=5 ignored; " + floor,
          file + ":9: BestEffortFloor=0.9% ignored; " + floor,
          file + ":10: BestEffortFloor=5.55% ignored; " + floor,
          file +
              ":11: MinRun=100 ignored; accepted is a time span with its unit from 0us to 10ms such as 100us",
          file + ":12: SloSliceMax=500us ignored; accepted is a time span with its unit from 1ms to 1s such "
                 "as 20ms",
          file + ":13: KickRate=-1 ignored; accepted is a whole number from 1 to 1000000 such as 10000",
          StartsWith(file + ":15: SloObjective=99.9 ignored; accepted is a share"),
          StartsWith(file + ":17: RetryWindow=10 ignored; accepted is a time span")));
  for (const auto& problem : reading.problems) EXPECT_EQ(problem.severity, Severity::error);
}

TEST_F(ConfigFile, ASliceOfBestEffortEndsAtATenthOfASecond) {
  const auto at_most = read("[Scheduler]\nBestEffortSlice=100ms\n");
  EXPECT_EQ(at_most.config.tunables.best_effort_slice_ns, 100 * SLO_NSEC_PER_MSEC);
  EXPECT_THAT(at_most.problems, IsEmpty());

  write("etc/scx-slo/scx-slo.conf.d/50-long.conf", "[Scheduler]\nBestEffortSlice=100001us\n");
  const auto beyond = read("[Scheduler]\nBestEffortSlice=7ms\n");
  EXPECT_EQ(beyond.config.tunables.best_effort_slice_ns, 7 * SLO_NSEC_PER_MSEC)
      << "what an earlier file says";
  EXPECT_THAT(
      messages(beyond),
      ElementsAre(EndsWith("50-long.conf:2: BestEffortSlice=100001us ignored; accepted is a time span "
                           "with its unit from 1ms to 100ms such as 20ms")));
  ASSERT_THAT(beyond.problems, SizeIs(1));
  EXPECT_EQ(beyond.problems.front().severity, Severity::error);
}

TEST_F(ConfigFile, ADefaultBudgetIsRefused) {
  const auto reading = read("[Defaults]\nSloBudget=5ms\n");
  EXPECT_FALSE(reading.config.defaults.budget);
  EXPECT_THAT(messages(reading),
              ElementsAre(EndsWith(":2: SloBudget=5ms ignored; a budget is given to a unit by its "
                                   "name; type: systemctl edit UNIT")));
}

TEST_F(ConfigFile, WarnsOfWhatItDoesNotKnowOrDoesNotHonour) {
  const auto reading = read(
      "Mode=observe\n[Scheduler]\nmode=observe\n[scheduler]\nMode=observe\n[X-Slo]\nSloBudget="
      "5ms\n"
      "[Guard]\nBaseline=yes\nBaselineMaxLoss=5%\n[Defaults]\nSloReserve=5%\nSloMaxExec=5ms\n");
  EXPECT_EQ(reading.config, Config());
  EXPECT_THAT(
      messages(reading),
      ElementsAre(
          HasSubstr(":1: Mode=observe ignored; it stands before the first section; accepted are "
                    "[Scheduler], [Events], [Guard] and [Defaults]"),
          HasSubstr(":3: mode=observe: unknown key in [Scheduler]; accepted are Mode=, BestEffortFloor=,"),
          HasSubstr(":4: [scheduler]: nothing in this section is used; accepted are [Scheduler], "),
          HasSubstr(":6: [X-Slo]: nothing in this section is used"),
          HasSubstr(":9: Baseline=yes: this version of scx-slo does not honour it yet"),
          HasSubstr(":10: BaselineMaxLoss=5%: "), HasSubstr(":12: SloReserve=5%: unknown key in [Defaults]"),
          HasSubstr(":13: SloMaxExec=5ms: unknown key in [Defaults]; accepted are SloMetric=, "
                    "SloObjective= and SloImportance=")));
}

TEST_F(ConfigFile, OfFourMainFilesTheMostImportantCounts) {
  const std::vector<std::string> places = {"usr/lib", "usr/local/lib", "run", "etc"};
  for (int i = 0; i < 4; ++i) {
    write(places[static_cast<std::size_t>(i)] + "/scx-slo/scx-slo.conf", retries_are(10 + i));
    EXPECT_EQ(retries(), 10U + static_cast<unsigned>(i));
  }
  fs::remove(root_.path() / "etc/scx-slo/scx-slo.conf");
  mask("etc/scx-slo/scx-slo.conf");
  EXPECT_EQ(retries(), Config().retries) << "masked";
}

TEST_F(ConfigFile, DropInsFollowTheMainFileSortedByNameAlone) {
  write("etc/scx-slo/scx-slo.conf", retries_are(1));
  write("usr/lib/scx-slo/scx-slo.conf.d/50-a.conf", retries_are(2));
  EXPECT_EQ(retries(), 2U);
  write("etc/scx-slo/scx-slo.conf.d/40-b.conf", retries_are(3));
  EXPECT_EQ(retries(), 2U) << "50 comes after 40, wherever they are";
  write("run/scx-slo/scx-slo.conf.d/60-c.conf", retries_are(4));
  EXPECT_EQ(retries(), 4U);
  for (const char* unread : {"70-d.conf~", "70-d.conf.dpkg-old", ".70-d.conf", "README"})
    write(fs::path("etc/scx-slo/scx-slo.conf.d") / unread, retries_are(9));
  EXPECT_EQ(retries(), 4U);
}

TEST_F(ConfigFile, ADropInIsReplacedOrMaskedByItsNameInAMoreImportantDirectory) {
  write("usr/lib/scx-slo/scx-slo.conf.d/50-a.conf", "[Guard]\nRetries=5\nRetryWindow=1h\n");
  write("usr/local/lib/scx-slo/scx-slo.conf.d/50-a.conf", retries_are(6));
  EXPECT_EQ(retries(), 6U);
  EXPECT_EQ(read().config.retry_window_ns, Config().retry_window_ns) << "replaced as a whole";
  write("run/scx-slo/scx-slo.conf.d/50-a.conf", "");
  EXPECT_EQ(retries(), Config().retries) << "an empty file masks";
  write("run/scx-slo/scx-slo.conf.d/50-a.conf", retries_are(7));
  mask("etc/scx-slo/scx-slo.conf.d/50-a.conf");
  EXPECT_EQ(retries(), Config().retries) << "a link to /dev/null masks";
  EXPECT_THAT(read().problems, IsEmpty());
}

TEST_F(ConfigFile, WhatCannotBeReadIsOneLineEachAndTheRestHolds) {
  write("etc/scx-slo/scx-slo.conf.d/10-good.conf", retries_are(5));
  write("etc/scx-slo/scx-slo.conf.d/20-nul.conf", std::string_view("[Guard]\n\0Retries=6\n", 19));
  write("etc/scx-slo/scx-slo.conf.d/30-long.conf", "[Guard]\nRetries=" + std::string(300, '0') + "7\n");
  fs::create_directories(root_.path() / "etc/scx-slo/scx-slo.conf.d/40-directory.conf");
  fs::create_symlink("/nowhere", root_.path() / "etc/scx-slo/scx-slo.conf.d/50-dangling.conf");
  write("run/scx-slo/scx-slo.conf.d", "a file in the place of the directory");
  const auto reading = read();
  EXPECT_EQ(reading.config.retries, 5U);
  EXPECT_THAT(messages(reading),
              ElementsAre(HasSubstr("run/scx-slo/scx-slo.conf.d: cannot be read (Not a directory)"),
                          HasSubstr("20-nul.conf:2: the file holds a NUL byte and was not read"),
                          HasSubstr("30-long.conf:2: Retries=00"),
                          HasSubstr("40-directory.conf: is a directory where a file is expected"),
                          HasSubstr("50-dangling.conf: there is no such file")));
}

TEST_F(ConfigFile, AClosedFileOrDirectoryNamesTheChmodToType) {
  fs::permissions(root_.path(), fs::perms{0755});
  const auto closed = write("etc/scx-slo/scx-slo.conf", retries_are(5));
  const auto directory = write("run/scx-slo/scx-slo.conf.d/a.conf", retries_are(6)).parent_path();
  fs::permissions(closed, fs::perms{0});
  fs::permissions(directory, fs::perms{0});
  const auto reading = [&] {
    const fakes::AsNobody nobody;
    return read();
  }();
  fs::permissions(directory, fs::perms{0700});
  EXPECT_THAT(
      messages(reading),
      ElementsAre(
          directory.string() + ": cannot be read (Permission denied); run: chmod o+rx " + directory.string(),
          closed.string() + ": cannot be read (Permission denied); run: chmod o+r " + closed.string()));
}

TEST_F(ConfigFile, OneFileIsReadByTheSameRules) {
  const auto file = write("somewhere/mine.conf", "[Scheduler]\nMode=on\nKickRate=5\n");
  const auto reading = read_config_file(file);
  EXPECT_EQ(reading.config.tunables.kick_interval_ns, SLO_NSEC_PER_SEC / 5);
  EXPECT_THAT(messages(reading), ElementsAre(HasSubstr(":2: Mode=on ignored")));
  EXPECT_THAT(messages(read_config_file(root_.path() / "missing.conf")),
              ElementsAre(EndsWith("missing.conf: there is no such file")));
}

// The shipped file is all comments; with those that look like settings taken out of them it must say what the
// code does without any.
TEST_F(ConfigFile, TheShippedFileShowsTheDefaultsOfEveryKeyAndSetsNothing) {
  std::ifstream shipped(SCX_SLO_SOURCE_DIR "/conf/scx-slo.conf");
  ASSERT_TRUE(shipped);
  std::string as_shipped;
  std::string with_settings;
  std::string section;
  std::vector<ConfigKey> shown;
  for (std::string line; std::getline(shipped, line);) {
    as_shipped += line + "\n";
    if (line.starts_with('[')) section = line.substr(1, line.size() - 2);
    const auto equals = line.find('=');
    const bool is_setting = line.size() > 1 && line[0] == '#' && line[1] >= 'A' && line[1] <= 'Z' &&
                            equals != std::string::npos && line.find(' ') == std::string::npos;
    if (is_setting) {
      line.erase(0, 1);
      shown.push_back({.section = section, .key = line.substr(0, equals - 1)});
      EXPECT_GT(line.size(), equals) << line << " shows no default";
    }
    with_settings += line + "\n";
  }
  EXPECT_THAT(shown, testing::UnorderedElementsAreArray(config_keys()));
  EXPECT_EQ(read(as_shipped).config, Config());

  auto reading = read(with_settings);
  EXPECT_THAT(messages(reading), IsEmpty());
  ASSERT_TRUE(reading.config.defaults.metric && reading.config.defaults.objective);
  reading.config.defaults.metric->origin = {};
  reading.config.defaults.objective->origin = {};
  reading.config.defaults.importance->origin = {};
  EXPECT_EQ(reading.config, Config());
}

}  // namespace
}  // namespace slo
