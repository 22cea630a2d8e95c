// SPDX-License-Identifier: GPL-2.0-only
#include "figures/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "bpf/policy/histogram.h"

namespace slo {
namespace {

using Buckets = std::array<slo_u64, SLO_HIST_BUCKETS>;

std::optional<std::uint64_t> quantile(const Buckets& buckets, double q, std::uint64_t max_ns) {
  return quantile_ns(make_histogram(buckets), q, max_ns);
}

double error_of(std::uint64_t shown, std::uint64_t value) {
  return std::abs(static_cast<double>(shown) - static_cast<double>(value)) / static_cast<double>(value);
}

TEST(Histogram, HasOnlyBucketsWithValuesAndTheirEdges) {
  Buckets counts{};
  EXPECT_TRUE(make_histogram(counts).empty());
  counts[0] = 1;
  counts[2] = 22;
  counts[SLO_HIST_BUCKETS - 1] = 3;
  EXPECT_EQ(make_histogram(counts),
            (Histogram{{.lower_ns = 0, .upper_ns = 1024, .count = 1},
                       {.lower_ns = 1152, .upper_ns = 1280, .count = 22},
                       {.lower_ns = 1ULL << 36, .upper_ns = UINT64_MAX, .count = 3}}));
}

TEST(Quantile, IsUnknownUntilTenValuesLieBeyondIt) {
  const struct {
    double q;
    slo_u64 needed;
  } cases[] = {{0.5, 20}, {0.9, 100}, {0.99, 1000}, {0.999, 10000}};
  for (const auto& [q, needed] : cases) {
    Buckets buckets{};
    EXPECT_FALSE(quantile(buckets, q, 0)) << q;
    buckets[50] = needed - 1;
    EXPECT_FALSE(quantile(buckets, q, UINT64_MAX)) << q;
    buckets[50] = needed;
    EXPECT_TRUE(quantile(buckets, q, UINT64_MAX)) << q;
  }
}

TEST(Quantile, RefusesSharesThatAreNone) {
  Buckets buckets{};
  buckets[5] = 1'000'000;
  for (const double q : {0.0, 1.0, -0.5, 1.5, std::nan("")})
    EXPECT_FALSE(quantile(buckets, q, UINT64_MAX)) << q;
  EXPECT_FALSE(quantile_ns({}, 0.5, UINT64_MAX));
}

TEST(Quantile, TakesTheBucketThatHoldsTheRank) {
  Buckets buckets{};
  buckets[10] = 900;
  buckets[100] = 100;
  const auto middle = [](slo_u32 i) { return (slo_hist_lower_ns(i) + slo_hist_lower_ns(i + 1)) / 2; };
  EXPECT_EQ(quantile(buckets, 0.5, UINT64_MAX), middle(10));
  EXPECT_EQ(quantile(buckets, 0.9, UINT64_MAX), middle(10));
  EXPECT_EQ(quantile(buckets, 0.901, UINT64_MAX), middle(100));
  EXPECT_EQ(quantile(buckets, 0.99, UINT64_MAX), middle(100));
}

TEST(Quantile, OfAnyBucketIsWithinSixPercentOfItsEdges) {
  for (slo_u32 i = 1; i + 1 < SLO_HIST_BUCKETS; ++i) {
    Buckets buckets{};
    buckets[i] = 100;
    const auto shown = quantile(buckets, 0.5, UINT64_MAX);
    ASSERT_TRUE(shown);
    EXPECT_LE(error_of(*shown, slo_hist_lower_ns(i)), 0.063) << i;
    EXPECT_LE(error_of(*shown, slo_hist_lower_ns(i + 1) - 1), 0.063) << i;
  }
}

TEST(Quantile, IsNeverAboveTheGreatestValueSeen) {
  for (slo_u32 i = 0; i < SLO_HIST_BUCKETS; ++i) {
    Buckets buckets{};
    buckets[i] = 100;
    EXPECT_EQ(quantile(buckets, 0.5, slo_hist_lower_ns(i)), slo_hist_lower_ns(i)) << i;
  }
}

TEST(Quantile, OfTheOpenBucketLiesBetweenItsEdgeAndTheMaximum) {
  Buckets buckets{};
  buckets[SLO_HIST_BUCKETS - 1] = 100;
  const std::uint64_t edge = 1ULL << SLO_HIST_MAX_SHIFT;
  EXPECT_EQ(quantile(buckets, 0.5, 3 * edge), 2 * edge);
}

TEST(Quantile, OfRandomValuesIsWithinSixPercentOfTheTrueOne) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> latency(std::log(200'000.0), 1.5);
  Buckets buckets{};
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 50'000; ++i) {
    values.push_back(2000 + static_cast<std::uint64_t>(latency(random)));
    ++buckets[slo_hist_index(values.back())];
  }
  std::ranges::sort(values);
  for (const double q : {0.5, 0.9, 0.99, 0.999}) {
    const auto shown = quantile(buckets, q, values.back());
    ASSERT_TRUE(shown);
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))) - 1;
    EXPECT_LE(error_of(*shown, values[rank]), 0.063) << q;
  }
}

}  // namespace
}  // namespace slo
