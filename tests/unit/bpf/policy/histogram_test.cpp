// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <random>
#include <vector>

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

// All values whose bucket could be told wrongly: each edge and its neighbours, and many between them.
std::vector<slo_u64> telling_values() {
  std::vector<slo_u64> values;
  for (slo_u32 i = 0; i < SLO_HIST_BUCKETS; ++i)
    for (const slo_u64 off : {0ULL, 1ULL, 2ULL})
      values.insert(values.end(),
                    {slo_hist_lower_ns(i) + off, slo_hist_lower_ns(i) - std::min(slo_hist_lower_ns(i), off)});
  std::mt19937_64 random(11);
  for (int i = 0; i < 200000; ++i) values.push_back(random() >> (random() % 64));
  std::ranges::sort(values);
  return values;
}

TEST(SloHistogram, TheBucketOfAValueContainsIt) {
  for (const auto value : telling_values()) {
    const slo_u32 index = slo_hist_index(value);
    ASSERT_LT(index, SLO_HIST_BUCKETS) << value;
    ASSERT_LE(slo_hist_lower_ns(index), value);
    ASSERT_TRUE(index + 1 == SLO_HIST_BUCKETS || value < slo_hist_lower_ns(index + 1)) << value;
  }
}

TEST(SloHistogram, ALargerValueIsNeverInALowerBucket) {
  slo_u32 last = 0;
  for (const auto value : telling_values()) {
    const slo_u32 index = slo_hist_index(value);
    ASSERT_GE(index, last) << value;
    last = index;
  }
  EXPECT_EQ(last, SLO_HIST_BUCKETS - 1);
}

TEST(SloHistogram, ABucketIsAtMostAnEighthOfItsLowerEdgeWide) {
  for (slo_u32 i = 1; i + 1 < SLO_HIST_BUCKETS; ++i)
    EXPECT_LE(8 * (slo_hist_lower_ns(i + 1) - slo_hist_lower_ns(i)), slo_hist_lower_ns(i)) << i;
}

TEST(SloHistogram, ValuesOutsideTheRangeFallIntoTheFirstAndLastBucket) {
  EXPECT_EQ(slo_hist_index(0), 0U);
  EXPECT_EQ(slo_hist_index(UINT64_MAX), SLO_HIST_BUCKETS - 1);
}

}  // namespace
