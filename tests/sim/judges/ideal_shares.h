// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../workload.h"

namespace slo::sim {

// CPUs that each of the workload's tasks gets if all of them always want to run: divided by weight, level by
// level, and what is more than a task can use (one CPU) goes to the others. All tasks may run everywhere.
[[nodiscard]] std::vector<double> ideal_shares(const Workload& workload, std::uint32_t cpus);

}  // namespace slo::sim
