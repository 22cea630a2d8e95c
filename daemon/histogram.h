// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "bpf/slo_abi.h"

namespace slo {

// The q-quantile (0 < q < 1) of a histogram of slo_histogram.h: the midpoint of the bucket that holds it, at most
// max_ns. Empty ("not yet known") with fewer than 10 / (1 - q) values: p50 needs 20, p99 1,000, p99.9 10,000.
[[nodiscard]] std::optional<std::uint64_t> quantile_ns(std::span<const slo_u64> buckets, double q, std::uint64_t max_ns);

}  // namespace slo
