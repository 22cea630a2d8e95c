// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bpf/abi/slo_abi.h"

namespace slo {

// How many values lie in one range: lower_ns <= value < upper_ns.
struct Bucket {
  std::uint64_t lower_ns = 0;
  std::uint64_t upper_ns = 0;  // UINT64_MAX: no upper edge
  std::uint64_t count = 0;

  bool operator==(const Bucket&) const = default;
};

// Only buckets that have values, from the lowest to the highest.
using Histogram = std::vector<Bucket>;

// `counts` are those of bpf/policy/histogram.h, one per bucket.
[[nodiscard]] Histogram make_histogram(std::span<const slo_u64> counts);

// The q-quantile (0 < q < 1): the midpoint of the bucket that holds it, at most max_ns. Empty ("not yet
// known") with fewer than 10 / (1 - q) values: p50 needs 20, p99 1,000, p99.9 10,000.
[[nodiscard]] std::optional<std::uint64_t> quantile_ns(std::span<const Bucket> histogram, double q,
                                                       std::uint64_t max_ns);

}  // namespace slo
