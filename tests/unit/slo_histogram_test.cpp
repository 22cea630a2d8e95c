// SPDX-License-Identifier: GPL-2.0-only
#include "slo_histogram.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <random>

namespace {

TEST(SloHistogram, FindsTheHighestBit) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(slo_log2(1ULL << bit), bit);
    EXPECT_EQ(slo_log2((1ULL << bit) | 1U), bit);
    EXPECT_EQ(slo_log2((1ULL << bit) | ((1ULL << bit) - 1)), bit);
  }
}

TEST(SloHistogram, EveryLowerEdgeFallsIntoItsOwnBucketAndTheValueBelowIntoTheOneBefore) {
  for (slo_u32 i = 1; i < SLO_HIST_BUCKETS; ++i) {
    EXPECT_EQ(slo_hist_index(slo_hist_lower_ns(i)), i);
    EXPECT_EQ(slo_hist_index(slo_hist_lower_ns(i) - 1), i - 1);
  }
}

TEST(SloHistogram, TheMidpointOfABucketIsOffByAtMostSixPointThreePercent) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    const slo_u64 value = random() >> (64 - 11 - random() % 26);
    if (value < slo_hist_lower_ns(1) || value >= slo_hist_lower_ns(SLO_HIST_BUCKETS - 1)) continue;
    const slo_u32 index = slo_hist_index(value);
    const double middle =
        (static_cast<double>(slo_hist_lower_ns(index)) + static_cast<double>(slo_hist_lower_ns(index + 1))) /
        2;
    ASSERT_NEAR(middle / static_cast<double>(value), 1.0, 0.063) << value;
  }
}

TEST(SloHistogram, ValuesOutsideTheRangeFallIntoTheFirstAndLastBucket) {
  EXPECT_EQ(slo_hist_index(0), 0U);
  EXPECT_EQ(slo_hist_index(UINT64_MAX), SLO_HIST_BUCKETS - 1);
}

}  // namespace
