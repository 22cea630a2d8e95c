// SPDX-License-Identifier: GPL-2.0-only
#include "base/time_limits.h"

#include <gtest/gtest.h>

#include "attachment/recovery.h"
#include "trace/recording_order.h"

namespace slo {
namespace {

TEST(TimeLimits, accept_what_lies_between_them) {
  constexpr TimeLimits limits{.shortest_ns = 2'000, .longest_ns = 5'000};
  EXPECT_FALSE(limits.accept_ns(1'999));
  EXPECT_TRUE(limits.accept_ns(2'000));
  EXPECT_TRUE(limits.accept_ns(5'000));
  EXPECT_FALSE(limits.accept_ns(5'001));
  EXPECT_FALSE(limits.accept_usec(1));
  EXPECT_TRUE(limits.accept_usec(2));
  EXPECT_TRUE(limits.accept_usec(5));
  EXPECT_FALSE(limits.accept_usec(6));
  EXPECT_FALSE(limits.accept_usec(UINT64_MAX)) << "as nanoseconds it would not fit";
}

TEST(TimeLimits, are_said_as_an_operator_would_write_them) {
  EXPECT_EQ(recording_limits.to_string(), "1s to 10min");
  EXPECT_EQ(trial_limits.to_string(), "1s to 1w");
}

}  // namespace
}  // namespace slo
