// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slo::client {

// A limit (CPUQuota=) as the scheduler keeps it. Times are microseconds.
struct LimitReport {
  std::string unit = {};  // or the last component of its cgroup's path, where that is no unit's
  std::uint64_t control_group_id = 0;
  std::uint64_t quota_per_sec_usec = 0;
  std::uint64_t period_usec = 0;
  std::uint64_t burst_usec = 0;
  std::uint64_t periods = 0;            // in which something ran
  std::uint64_t throttled_periods = 0;  // of these: in which it was used up
  std::uint64_t throttled_usec = 0;
  std::uint64_t parked_tasks = 0;  // that wait for the next period
};

// Empty: the scheduler is not in charge, and the kernel keeps limits itself.
using Limits = std::optional<std::vector<LimitReport>>;

// A null pointer: the unit has none, or it is not known.
[[nodiscard]] inline const LimitReport* limit_of(const Limits& limits, std::string_view unit) {
  if (!limits) return nullptr;
  const auto found = std::ranges::find(*limits, unit, &LimitReport::unit);
  return found == limits->end() ? nullptr : &*found;
}

}  // namespace slo::client
