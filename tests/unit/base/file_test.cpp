// SPDX-License-Identifier: GPL-2.0-only
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <span>
#include <string>

#include "base/fd.h"
#include "tests/unit/fakes.h"

namespace slo {
namespace {

TEST(File, is_read_whole_or_as_far_as_wanted) {
  const fakes::TemporaryDirectory directory;
  const std::string text(200'000, 'x');
  const auto path = directory.write("long", text);
  EXPECT_EQ(read_file(path), text);
  EXPECT_EQ(read_file(path, 70'000).value().size(), 70'000U);
  EXPECT_EQ(read_file(directory.write("empty", "")), "");
}

TEST(File, of_the_kernel_loses_one_line_feed_at_its_end) {
  const fakes::TemporaryDirectory directory;
  EXPECT_EQ(read_kernel_file(directory.write("state", "enabled\n")), "enabled");
  EXPECT_EQ(read_kernel_file(directory.write("two", "a\n\n")), "a\n");
}

TEST(File, has_another_stamp_once_it_is_written_or_replaced) {
  const fakes::TemporaryDirectory directory;
  const auto path = directory.write("a", "one");
  const auto first = stamp_of(path);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(stamp_of(path), first);
  directory.write("a", "longer");
  const auto written = stamp_of(path);
  EXPECT_NE(written, first);
  std::filesystem::rename(directory.write("b", "other."), path);
  EXPECT_NE(stamp_of(path), written);
  std::filesystem::remove(path);
  EXPECT_EQ(stamp_of(path), std::nullopt);
}

TEST(File, that_is_not_there_is_told_from_one_that_cannot_be_read) {
  const fakes::TemporaryDirectory directory;
  const auto missing = read_file(directory.path() / "missing");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().tried, "open");
  EXPECT_EQ(missing.error().errno_value, ENOENT);
  const auto folder = read_file(directory.path());
  ASSERT_FALSE(folder.has_value());
  EXPECT_EQ(folder.error().tried, "read");
  EXPECT_EQ(folder.error().errno_value, EISDIR);
}

TEST(File, is_written_whole_or_the_reason_is_told) {
  const fakes::TemporaryDirectory directory;
  const auto path = directory.write("out", "");
  const std::string text(200'000, 'y');
  EXPECT_TRUE(write_all(Fd(open(path.c_str(), O_WRONLY | O_CLOEXEC)).get(), std::as_bytes(std::span(text))));
  EXPECT_EQ(read_file(path), text);
  const Fd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(write_all(full.get(), std::as_bytes(std::span(text))).error(), ENOSPC);
}

TEST(FileStamp, says_what_a_file_holds_only_if_that_had_not_just_changed) {
  const FileStamp stamp{.changed_ns = 5'000'000'000};
  EXPECT_FALSE(is_settled(stamp, 0)) << "nobody said when";
  EXPECT_FALSE(is_settled(stamp, 5'000'000'001));
  EXPECT_FALSE(is_settled(stamp, 6'000'000'000));
  EXPECT_TRUE(is_settled(stamp, 6'000'000'001));
}

}  // namespace
}  // namespace slo
