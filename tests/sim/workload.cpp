// SPDX-License-Identifier: GPL-2.0-only
#include "workload.h"

#include "bpf/policy/policy.h"

namespace slo::sim {

std::uint64_t max_exec_ns(const Unit& unit) {
  return unit.max_exec_ns != 0 ? unit.max_exec_ns : slo_default_max_exec_ns(unit.budget_ns);
}

void add_hogs(Workload& workload, std::uint32_t count, int nice) {
  const auto unit = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back({.name = "batch"});
  for (std::uint32_t i = 0; i < count; ++i)
    workload.tasks.push_back({.unit = unit, .nice = nice, .behaviour = Hog{}});
}

}  // namespace slo::sim
