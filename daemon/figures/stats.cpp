// SPDX-License-Identifier: GPL-2.0-only
#include "figures/stats.h"

#include <algorithm>
#include <functional>
#include <ranges>
#include <span>
#include <utility>

namespace slo {
namespace {

Distribution distribution(std::span<const slo_u64> counts, std::uint64_t sum_ns, std::uint64_t jobs,
                          std::uint64_t max_ns) {
  Histogram histogram = make_histogram(counts);
  return {.mean_ns = jobs > 0 ? std::optional(sum_ns / jobs) : std::nullopt,
          .p50_ns = quantile_ns(histogram, 0.5, max_ns),
          .p90_ns = quantile_ns(histogram, 0.9, max_ns),
          .p99_ns = quantile_ns(histogram, 0.99, max_ns),
          .p999_ns = quantile_ns(histogram, 0.999, max_ns),
          .max_ns = max_ns,
          .histogram = std::move(histogram)};
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
  total.renewals += more.renewals;
  total.key_exec_ns += more.key_exec_ns;
  total.throttled_exec_ns += more.throttled_exec_ns;
  total.events_suppressed += more.events_suppressed;
  total.events_lost += more.events_lost;
  std::ranges::transform(total.misses_by_cause, more.misses_by_cause, total.misses_by_cause, std::plus<>{});
  std::ranges::transform(total.wait_hist, more.wait_hist, total.wait_hist, std::plus<>{});
  std::ranges::transform(total.response_hist, more.response_hist, total.response_hist, std::plus<>{});
}

UnitStats make_unit_stats(std::string unit, std::uint64_t budget_ns, const slo_stats& counters) {
  const std::uint64_t response_sum_ns = counters.wait_sum_ns + counters.exec_sum_ns;
  UnitStats stats{
      .unit = std::move(unit),
      .budget_ns = budget_ns,
      .counted_with = {},
      .jobs = counters.jobs,
      .misses = counters.misses,
      .causes = {.late_start = counters.misses_by_cause[SLO_CAUSE_LATE_START],
                 .preempted = counters.misses_by_cause[SLO_CAUSE_PREEMPTED],
                 .overlong = counters.misses_by_cause[SLO_CAUSE_OVERLONG],
                 .overrun = counters.misses_by_cause[SLO_CAUSE_OVERRUN],
                 .throttled = counters.misses_by_cause[SLO_CAUSE_THROTTLED]},
      .demotions = counters.demotions,
      .renewals = counters.renewals,
      .exec_ns = counters.exec_sum_ns,
      .key_exec_ns = counters.key_exec_ns,
      .throttled_exec_ns = counters.throttled_exec_ns,
      .events_suppressed = counters.events_suppressed,
      .events_lost = counters.events_lost,
      .miss_ratio = {},
      .wait = distribution(counters.wait_hist, counters.wait_sum_ns, counters.jobs, counters.wait_max_ns),
      .response =
          distribution(counters.response_hist, response_sum_ns, counters.jobs, counters.response_max_ns)};
  if (counters.jobs > 0) {
    stats.miss_ratio = static_cast<double>(counters.misses) / static_cast<double>(counters.jobs);
  }
  return stats;
}

}  // namespace slo
