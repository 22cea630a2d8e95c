// SPDX-License-Identifier: GPL-2.0-only
#include "histogram.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bpf/slo_histogram.h"

namespace slo {
namespace {

// 1 - 0.9 is a little less than 0.1 in binary: without this allowance p90 would need 101 values, not 100.
constexpr double rounding = 1e-9;
constexpr double least_beyond = 10;

std::uint64_t midpoint_ns(std::size_t index, std::uint64_t max_ns) {
  const auto bucket = static_cast<slo_u32>(index);
  const std::uint64_t lower = slo_hist_lower_ns(bucket);
  // The last bucket is open: the greatest value seen is its upper edge.
  const std::uint64_t upper =
      bucket + 1 < SLO_HIST_BUCKETS ? slo_hist_lower_ns(bucket + 1) : std::max(lower, max_ns);
  return std::min(lower + (upper - lower) / 2, max_ns);
}

}  // namespace

std::optional<std::uint64_t> quantile_ns(std::span<const slo_u64> buckets, double q, std::uint64_t max_ns) {
  if (!(q > 0 && q < 1)) return {};
  const auto total = static_cast<double>(std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0}));
  if (total * (1 - q) < least_beyond - rounding) return {};

  const double rank = std::ceil(q * total - rounding);
  std::uint64_t seen = 0;
  std::size_t index = 0;
  while (index + 1 < buckets.size()) {
    seen += buckets[index];
    if (static_cast<double>(seen) >= rank) break;
    ++index;
  }
  return midpoint_ns(index, max_ns);
}

}  // namespace slo
