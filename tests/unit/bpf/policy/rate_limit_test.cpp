// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/rate_limit.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

constexpr slo_u64 interval_ns = 100 * SLO_NSEC_PER_MSEC;

TEST(RateLimit, AFreshBucketHoldsABurst) {
  slo_u64 full_at_ns = 0;
  for (int taken = 0; taken < 20; ++taken) {
    full_at_ns = slo_rate_take(full_at_ns, 5, interval_ns, 20);
    ASSERT_NE(full_at_ns, 0U) << taken;
  }
  EXPECT_EQ(slo_rate_take(full_at_ns, 5, interval_ns, 20), 0U);
}

TEST(RateLimit, AnEmptyBucketGainsATokenPerInterval) {
  slo_u64 full_at_ns = 0;
  for (int taken = 0; taken < 3; ++taken) full_at_ns = slo_rate_take(full_at_ns, 1000, interval_ns, 3);
  EXPECT_EQ(slo_rate_take(full_at_ns, 1000 + interval_ns - 1, interval_ns, 3), 0U);
  EXPECT_NE(slo_rate_take(full_at_ns, 1000 + interval_ns, interval_ns, 3), 0U);
}

TEST(RateLimit, ABucketWithoutRoomGivesNothing) {
  EXPECT_EQ(slo_rate_take(0, 1000, interval_ns, 0), 0U);
}

TEST(RateLimit, NeverGivesMoreThanTheBurstAndTheRateTogether) {
  std::mt19937_64 random(7);
  slo_u64 full_at_ns = 0;
  slo_u64 now_ns = 0;
  std::uint64_t taken = 0;
  for (int step = 0; step < 100000; ++step) {
    now_ns += random() % (interval_ns / 2);
    const slo_u64 next_ns = slo_rate_take(full_at_ns, now_ns, interval_ns, 5);
    if (next_ns == 0) continue;
    full_at_ns = next_ns;
    ++taken;
    ASSERT_LE(taken, 5 + now_ns / interval_ns);
  }
  EXPECT_GE(taken, now_ns / interval_ns * 9 / 10) << "a bucket in constant demand gives nearly its rate";
}

}  // namespace
