// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/limit_table.h"

#include <cstdint>
#include <format>
#include <optional>

#include "base/time_span.h"
#include "client/print/cells.h"

namespace slo::client {
namespace {

using enum Table::Align;

std::string span_text(std::uint64_t usec) {
  return format_time_span_ns(to_ns(usec));
}

std::string throttled_share(const LimitReport& limit) {
  if (limit.periods == 0) return percent_text(std::nullopt);
  return percent_text(static_cast<double>(limit.throttled_periods) / static_cast<double>(limit.periods));
}

}  // namespace

std::string limit_text(const Limits& limits) {
  if (!limits)
    return "While scx-slo does not enforce, the kernel keeps CPUQuota= itself, and counts in cpu.stat of "
           "each "
           "control group.\n";
  if (limits->empty()) return {};
  Table table({{"UNIT"},
               {"QUOTA", right},
               {"PERIOD", right},
               {"PERIODS", right},
               {"THROTTLED", right},
               {"THROTTLED %", right},
               {"THROTTLED TIME", right}});
  for (const LimitReport& limit : *limits)
    table.add_row({limit.unit, reserve_text(limit.quota_per_sec_usec), span_text(limit.period_usec),
                   std::to_string(limit.periods), std::to_string(limit.throttled_periods),
                   throttled_share(limit), latency_text(limit.throttled_usec)});
  return table.to_string();
}

void add_limit(Table& facts, const LimitReport& limit) {
  std::string quota = std::format("{} of a CPU, per {}", reserve_text(limit.quota_per_sec_usec),
                                  span_text(limit.period_usec));
  if (limit.burst_usec > 0) quota += std::format(", and up to {} saved up", span_text(limit.burst_usec));
  facts.add_row({"Limit", quota + " (CPUQuota=)"});
  std::string throttled =
      std::format("{} of {} periods ({}), {} in all", limit.throttled_periods, limit.periods,
                  throttled_share(limit), latency_text(limit.throttled_usec));
  if (limit.parked_tasks > 0) throttled += std::format("; {} tasks wait now", limit.parked_tasks);
  facts.add_row({"Throttled", throttled});
}

}  // namespace slo::client
