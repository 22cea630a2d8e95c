// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/scheduler_exit.h"

#include <gtest/gtest.h>

#include <utility>

namespace slo {
namespace {

constexpr std::uint64_t hotplug = 1ULL << 32U;
constexpr std::uint64_t restart = 1ULL << 48U;

TEST(SchedulerExit, each_kind_of_end_is_said_in_plain_words) {
  const std::pair<SchedulerExit, const char*> ends[] = {
      {{.kind = 64, .reason = "unregistered from user space"},
       "something outside scx-slo detached the scheduler: unregistered from user space"},
      {{.kind = 65, .reason = "unregistered from BPF", .message = "bye"},
       "the scheduler asked to be ended: unregistered from BPF (bye)"},
      {{.kind = 66, .reason = "unregistered from the main kernel"},
       "the kernel asked the scheduler to end: unregistered from the main kernel"},
      {{.kind = 66, .exit_code = restart | hotplug, .message = "cpu 1 going offline"},
       "a CPU came or went, which ended the scheduler: cpu 1 going offline"},
      {{.kind = 67, .reason = "disabled by sysrq-S"}, "an operator ended the scheduler with sysrq-S"},
      {{.kind = 1024}, "the kernel ended the scheduler"},
      {{.kind = 1025, .message = "bad dsq\n"}, "the kernel ended the scheduler: bad dsq\\x0a"},
      {{.kind = 9, .reason = "?"}, "the scheduler ended (exit kind 9): ?"},
  };
  for (const auto& [end, words] : ends) EXPECT_EQ(why_ended(end), words);
}

TEST(SchedulerExit, its_words_are_fit_to_be_shown_and_the_dump_keeps_its_lines) {
  const SchedulerExit exit = printable(SchedulerExit{.kind = 1025,
                                                     .exit_code = 7,
                                                     .reason = "bad\x1b",
                                                     .message = "of \u202ea\n",
                                                     .dump = "CPU 0\n\tcomm\x1b[2J\u009b\n"});
  EXPECT_EQ(exit.kind, 1025U);
  EXPECT_EQ(exit.exit_code, 7U);
  EXPECT_EQ(exit.reason, "bad\\x1b");
  EXPECT_EQ(exit.message, "of \\xe2\\x80\\xaea\\x0a");
  EXPECT_EQ(exit.dump, "CPU 0\n\tcomm\\x1b[2J\\xc2\\x9b\n");
}

TEST(SchedulerExit, only_the_kernels_wish_to_restart_and_sysrq_are_no_failures) {
  EXPECT_EQ(kind_of({.kind = 66, .exit_code = restart | hotplug}), EndKind::restart);
  EXPECT_EQ(kind_of({.kind = 66, .exit_code = hotplug}), EndKind::failure);
  EXPECT_EQ(kind_of({.kind = 67}), EndKind::sysrq);
  EXPECT_EQ(kind_of({.kind = 64}), EndKind::failure);
  EXPECT_EQ(kind_of({.kind = 1026, .exit_code = restart}), EndKind::failure) << "an error is an error";
}

}  // namespace
}  // namespace slo
