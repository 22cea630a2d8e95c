// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "client/figures/unit_report.h"

namespace slo::client {

// What was counted between two readings of the same unit.
struct Interval {
  std::uint64_t usec = 0;
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  Causes causes = {};
  std::uint64_t demotions = 0;
  std::uint64_t exec_usec = 0;
  // Without mean and maximum, which the daemon gives of all jobs only.
  Latency wait = {};
  Latency response = {};

  // What the budget of `unit` bounds.
  [[nodiscard]] const Latency& bounded(const UnitReport& unit) const {
    return unit.bounds_response() ? response : wait;
  }
  [[nodiscard]] double jobs_per_second() const;
  [[nodiscard]] std::optional<double> miss_ratio() const;  // empty without jobs
};

// Empty when a counter of `now` is below that of `before`: the unit is counted anew since, so the two have no
// difference.
[[nodiscard]] std::optional<Interval> interval_between(const UnitReport& before, const UnitReport& now,
                                                       std::uint64_t usec);

}  // namespace slo::client
