// SPDX-License-Identifier: GPL-2.0-only
#include "stats.h"

#include <algorithm>
#include <functional>
#include <ranges>
#include <span>
#include <utility>

#include "histogram.h"

namespace slo {
namespace {

Quantiles make_quantiles(std::span<const slo_u64> buckets, std::uint64_t max_ns) {
  return {.p50_ns = quantile_ns(buckets, 0.5, max_ns),
          .p90_ns = quantile_ns(buckets, 0.9, max_ns),
          .p99_ns = quantile_ns(buckets, 0.99, max_ns),
          .p999_ns = quantile_ns(buckets, 0.999, max_ns),
          .max_ns = max_ns};
}

}  // namespace

void add_stats(slo_stats& total, const slo_stats& more) {
  total.jobs += more.jobs;
  total.misses += more.misses;
  total.wait_sum_ns += more.wait_sum_ns;
  total.wait_max_ns = std::max(total.wait_max_ns, more.wait_max_ns);
  total.exec_sum_ns += more.exec_sum_ns;
  total.response_max_ns = std::max(total.response_max_ns, more.response_max_ns);
  total.demotions += more.demotions;
  total.events_suppressed += more.events_suppressed;
  total.events_lost += more.events_lost;
  std::ranges::transform(total.misses_by_cause, more.misses_by_cause, total.misses_by_cause, std::plus<>{});
  std::ranges::transform(total.wait_hist, more.wait_hist, total.wait_hist, std::plus<>{});
  std::ranges::transform(total.response_hist, more.response_hist, total.response_hist, std::plus<>{});
}

UnitStats make_unit_stats(std::string unit, std::uint64_t budget_ns, const slo_stats& counters) {
  UnitStats stats{.unit = std::move(unit),
                  .budget_ns = budget_ns,
                  .jobs = counters.jobs,
                  .misses = counters.misses,
                  .demotions = counters.demotions,
                  .exec_ns = counters.exec_sum_ns,
                  .miss_ratio = {},
                  .wait = make_quantiles(counters.wait_hist, counters.wait_max_ns),
                  .response = make_quantiles(counters.response_hist, counters.response_max_ns)};
  std::ranges::copy(counters.misses_by_cause, stats.misses_by_cause.begin());
  if (counters.jobs > 0) {
    stats.miss_ratio = static_cast<double>(counters.misses) / static_cast<double>(counters.jobs);
  }
  return stats;
}

}  // namespace slo
