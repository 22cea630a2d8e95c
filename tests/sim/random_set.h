// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy.h"
#include "random.h"
#include "workload.h"

namespace slo::sim {

// Shares of one CPU that add up to `sum`, all such divisions being equally likely.
[[nodiscard]] std::vector<double> uunifast(Random& random, std::uint32_t count, double sum);

struct RandomSetSpec {
  std::uint32_t tasks_per_cpu = 5;
  double utilisation = 0.8;  // of each CPU
  std::uint32_t hogs_per_cpu = 2;
  bool is_feasible = true;  // for an ideal scheduler, whatever the phases
};

// Per CPU: periodic tasks, each a unit of its own with a budget of 1 to 100 ms (metric wait); all CPUs' tasks
// are one workload. Sets that no scheduler could keep are drawn again; none: that came to nothing.
[[nodiscard]] std::optional<Workload> random_set(Random& random, const Machine& machine, const Policy& policy,
                                                 const RandomSetSpec& spec);

}  // namespace slo::sim
