// SPDX-License-Identifier: GPL-2.0-only
#include "settings/unit_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::SizeIs;

class UnitFilesTest : public testing::Test {
 protected:
  std::string budget_of(const std::vector<std::string>& paths) {
    const auto read = files_.read(paths);
    return read.settings.budget ? read.settings.budget->value.to_string() : "-";
  }
  std::filesystem::path write(const std::string& name, const std::string& budget) {
    return directory_.write(name, "[X-Slo]\nSloBudget=" + budget + "\n");
  }

  fakes::TemporaryDirectory directory_;
  std::uint64_t now_ns_ = UINT64_MAX;
  int reads_ = 0;
  UnitFiles files_{[this] { return Instant{.realtime_ns = now_ns_}; },
                   [this](const std::string& path) {
                     ++reads_;
                     return read_unit_file(path);
                   }};
};

TEST_F(UnitFilesTest, a_file_that_stays_as_it_was_is_read_once) {
  const auto unit = directory_.write("a.service", "[Service]\n");
  const auto drop_in = write("slo.conf", "5ms");
  EXPECT_EQ(budget_of({unit, drop_in}), "5ms");
  EXPECT_EQ(budget_of({unit, drop_in}), "5ms");
  EXPECT_TRUE(files_.has_settings(drop_in));
  EXPECT_FALSE(files_.has_settings(unit));
  EXPECT_EQ(reads_, 2);
}

TEST_F(UnitFilesTest, only_what_was_written_or_replaced_is_read_again) {
  const auto first = write("1.conf", "5ms");
  const auto second = directory_.write("2.conf", "[X-Slo]\nSloImportance=7\n");
  EXPECT_EQ(budget_of({first, second}), "5ms");
  write("1.conf", "10ms");
  EXPECT_EQ(budget_of({first, second}), "10ms");
  EXPECT_EQ(reads_, 3);
  std::filesystem::rename(write("new", "20ms"), first);
  EXPECT_EQ(budget_of({first, second}), "20ms");
  EXPECT_EQ(reads_, 4);
  std::filesystem::remove(first);
  EXPECT_EQ(budget_of({first, second}), "-");
}

TEST_F(UnitFilesTest, what_was_written_just_now_is_not_trusted) {
  const auto file = write("1.conf", "5ms");
  now_ns_ = stamp_of(file)->changed_ns + SLO_NSEC_PER_MSEC;
  EXPECT_EQ(budget_of({file}), "5ms");
  write("1.conf", "6ms");
  EXPECT_EQ(budget_of({file}), "6ms") << "whatever the clock of the file system says";
  EXPECT_EQ(budget_of({file}), "6ms");
  EXPECT_EQ(reads_, 3);
}

TEST_F(UnitFilesTest, a_file_that_is_missing_is_looked_for_each_time) {
  const auto file = directory_.path() / "1.conf";
  EXPECT_THAT(files_.read(std::vector<std::string>{file}).problems, SizeIs(1));
  EXPECT_THAT(files_.read(std::vector<std::string>{file}).problems, SizeIs(1));
  EXPECT_EQ(files_.size(), 0U);
}

TEST_F(UnitFilesTest, problems_are_told_with_each_reading) {
  const auto file = write("1.conf", "soon");
  EXPECT_THAT(files_.read(std::vector<std::string>{file}).problems, SizeIs(1));
  EXPECT_THAT(files_.read(std::vector<std::string>{file}).problems, SizeIs(1));
  EXPECT_EQ(reads_, 1);
}

TEST_F(UnitFilesTest, what_nobody_names_any_more_is_forgotten) {
  const auto first = write("1.conf", "5ms");
  const auto second = write("2.conf", "5ms");
  EXPECT_EQ(budget_of({first, second}), "5ms");
  files_.forget_unnamed();
  EXPECT_EQ(files_.size(), 2U);
  EXPECT_EQ(budget_of({second}), "5ms");
  files_.forget_unnamed();
  EXPECT_EQ(files_.size(), 1U);
  EXPECT_EQ(budget_of({second}), "5ms");
  EXPECT_EQ(reads_, 2);
}

TEST_F(UnitFilesTest, of_files_that_come_and_go_not_all_are_remembered) {
  UnitFiles files([] { return Instant{.realtime_ns = UINT64_MAX}; }, read_unit_file, 3);
  for (const char* name : {"1.conf", "2.conf", "3.conf", "4.conf"}) {
    EXPECT_TRUE(files.has_settings(write(name, "5ms")));
    EXPECT_LE(files.size(), 3U);
  }
}

}  // namespace
}  // namespace slo
