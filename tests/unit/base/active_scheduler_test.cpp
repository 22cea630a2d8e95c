// SPDX-License-Identifier: GPL-2.0-only
#include "base/active_scheduler.h"

#include <gtest/gtest.h>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

TEST(ActiveScheduler, is_named_as_the_kernel_names_it) {
  const fakes::TemporaryDirectory root;
  EXPECT_EQ(active_scheduler_text(root.path()), "") << "a kernel without sched_ext";
  root.write("sys/kernel/sched_ext/state", "disabled\n");
  EXPECT_EQ(active_scheduler_text(root.path()), "");
  root.write("sys/kernel/sched_ext/state", "enabled\n");
  root.write("sys/kernel/sched_ext/root/ops", "scx_flash_1.0\n");
  EXPECT_EQ(active_scheduler_text(root.path()), "scx_flash_1.0");
  root.write("sys/kernel/sched_ext/state", "disabling\n");
  root.write("sys/kernel/sched_ext/root/ops", "");
  EXPECT_EQ(active_scheduler_text(root.path()), "(disabling)");
}

}  // namespace
}  // namespace slo
