// SPDX-License-Identifier: GPL-2.0-only
#include "figures/histogram.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <ranges>

#include "bpf/policy/histogram.h"

namespace slo {
namespace {

// 1 - 0.9 is a little less than 0.1 in binary: without this allowance p90 would need 101 values, not 100.
constexpr double rounding = 1e-9;
constexpr double least_beyond = 10;

std::uint64_t midpoint_ns(const Bucket& bucket, std::uint64_t max_ns) {
  // Where a bucket has no upper edge, the greatest value seen is one.
  const std::uint64_t upper =
      bucket.upper_ns == UINT64_MAX ? std::max(bucket.lower_ns, max_ns) : bucket.upper_ns;
  return std::min(bucket.lower_ns + (upper - bucket.lower_ns) / 2, max_ns);
}

}  // namespace

Histogram make_histogram(std::span<const slo_u64> counts) {
  Histogram histogram;
  for (slo_u32 i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    const std::uint64_t upper = i + 1 < SLO_HIST_BUCKETS ? slo_hist_lower_ns(i + 1) : UINT64_MAX;
    histogram.push_back({.lower_ns = slo_hist_lower_ns(i), .upper_ns = upper, .count = counts[i]});
  }
  return histogram;
}

std::optional<std::uint64_t> quantile_ns(std::span<const Bucket> histogram, double q, std::uint64_t max_ns) {
  if (!(q > 0 && q < 1)) return {};
  const auto counts = histogram | std::views::transform(&Bucket::count);
  const auto total = static_cast<double>(std::ranges::fold_left(counts, std::uint64_t{0}, std::plus<>{}));
  if (total * (1 - q) < least_beyond - rounding) return {};

  const double rank = std::ceil(q * total - rounding);
  std::uint64_t seen = 0;
  for (const Bucket& bucket : histogram) {
    seen += bucket.count;
    if (static_cast<double>(seen) >= rank) return midpoint_ns(bucket, max_ns);
  }
  return midpoint_ns(histogram.back(), max_ns);
}

}  // namespace slo
