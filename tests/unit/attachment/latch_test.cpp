// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/latch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::HasSubstr;

Latch full() {
  return {.detached = true,
          .sysrq = true,
          .trial = true,
          .gave_up = "the kernel ended the scheduler: stall = bad",
          .failures_ns = {1, 1, UINT64_MAX}};
}

TEST(Latch, every_member_survives_being_written_and_read) {
  const Latch variants[] = {
      {},    {.detached = true}, {.sysrq = true}, {.trial = true}, {.gave_up = "x"}, {.failures_ns = {7}},
      full()};
  for (const Latch& latch : variants) {
    const auto again = parse_latch(to_text(latch));
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(*again, latch) << to_text(latch);
  }
}

TEST(Latch, words_of_the_kernel_cannot_add_a_line) {
  const auto again = parse_latch(to_text({.gave_up = "a\nsysrq=yes"}));
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->sysrq);
  EXPECT_EQ(again->gave_up, "a\\x0asysrq=yes");
}

TEST(Latch, what_is_not_understood_is_named) {
  for (const char* text :
       {"detached=no\n", "detached\n", "detached=yes", "later=yes\n", "failure=-1\n", "failure=1x\n",
        "failure=99999999999999999999\n", "gave-up=\n", "failure=2\nfailure=1\n", "\n", "\xff\n"}) {
    const auto latch = parse_latch(text);
    ASSERT_FALSE(latch) << text;
    EXPECT_EQ(latch.error().tried, "understand");
  }
}

TEST(LatchFile, is_written_whole_read_back_and_removed_when_empty) {
  const fakes::TemporaryDirectory directory;
  const auto path = directory.path() / "latch";
  const LatchFile file(path);
  EXPECT_EQ(file.read().value(), Latch{});
  ASSERT_TRUE(file.write(full()));
  EXPECT_EQ(LatchFile(path).read().value(), full());
  ASSERT_TRUE(file.write({.sysrq = true}));
  EXPECT_EQ(file.read().value(), Latch{.sysrq = true});
  ASSERT_TRUE(file.write({}));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  EXPECT_TRUE(file.write({})) << "nothing to remove is no failure";
}

TEST(LatchFile, a_damaged_file_is_an_error_that_names_it) {
  const fakes::TemporaryDirectory directory;
  const auto path = directory.write("latch", "banana\n");
  const auto latch = LatchFile(path).read();
  ASSERT_FALSE(latch);
  EXPECT_THAT(latch.error().message(), HasSubstr(path.string() + ": \"banana\""));
}

TEST(LatchFile, one_that_cannot_be_read_counts_as_detached_and_says_why) {
  const fakes::TemporaryDirectory directory;
  const LatchFile none(directory.path() / "latch");
  EXPECT_EQ(none.read_or_detached(), Latch{});
  ASSERT_TRUE(none.write({.sysrq = true}));
  EXPECT_EQ(none.read_or_detached(), Latch{.sysrq = true});

  const LatchFile damaged(directory.write("damaged", "detached=y"));
  const Latch latch = damaged.read_or_detached();
  EXPECT_TRUE(latch.detached);
  EXPECT_TRUE(latch.holds());
  EXPECT_THAT(latch.unreadable, HasSubstr("damaged: \"detached=y\""));
  EXPECT_THAT(LatchFile(directory.path()).read_or_detached().unreadable, HasSubstr("Is a directory"));
  ASSERT_TRUE(damaged.write(latch));
  EXPECT_EQ(damaged.read_or_detached(), Latch{.detached = true}) << "why is not in the file";
}

TEST(Latch, holds_where_an_operator_has_to_attach) {
  EXPECT_FALSE(Latch{}.holds());
  EXPECT_FALSE(Latch{.failures_ns = {7}}.holds());
  for (const Latch& latch :
       {Latch{.detached = true}, Latch{.sysrq = true}, Latch{.trial = true}, Latch{.gave_up = "x"}})
    EXPECT_TRUE(latch.holds()) << to_text(latch);
}

TEST(LatchFile, what_cannot_be_written_or_read_is_an_error) {
  const fakes::TemporaryDirectory directory;
  const LatchFile file(directory.path() / "missing" / "latch");
  EXPECT_EQ(file.write(full()).error().errno_value, ENOENT);
  EXPECT_FALSE(LatchFile(directory.path()).read()) << "a directory";
}

}  // namespace
}  // namespace slo
