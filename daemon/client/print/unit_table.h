// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/figures/unit_report.h"
#include "client/figures/watch.h"

// Tables with a line for each unit. What a column is called and what stands in it is the same in all of them.
namespace slo::client {

enum class UnitColumn : std::uint8_t {
  unit,
  budget,
  importance,
  reserve,
  jobs,
  jobs_per_second,  // of the last interval
  misses,
  new_misses,  // of the last interval
  miss_share,
  objective,
  p50_wait,
  p99_wait,
  max_wait,
  set_in
};

[[nodiscard]] std::string unit_table(const std::vector<UnitReport>& units,
                                     std::span<const UnitColumn> columns);
[[nodiscard]] std::string unit_table(const std::vector<WatchedUnit>& units,
                                     std::span<const UnitColumn> columns);

}  // namespace slo::client
