// SPDX-License-Identifier: GPL-2.0-only
#include "workload.h"

#include <array>

#include "bpf/policy.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;

struct UnitSpec {
  const char* name;
  std::uint64_t budget_ns;
  std::uint32_t threads;
  std::uint64_t exec_ns;
  std::uint64_t period_ns;
};

constexpr std::array three_unit_specs = {
    UnitSpec{"slo-fast", 2 * ms, 1, 1 * ms, 5 * ms},
    UnitSpec{"slo-middle", 10 * ms, 2, 3 * ms, 20 * ms},
    UnitSpec{"slo-slow", 50 * ms, 2, 20 * ms, 100 * ms},
};

}  // namespace

std::uint64_t max_exec_ns(const Unit& unit) {
  return unit.max_exec_ns != 0 ? unit.max_exec_ns : slo_default_max_exec_ns(unit.budget_ns);
}

void add_hogs(Workload& workload, std::uint32_t count, std::uint32_t weight) {
  const auto unit = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back({.name = "batch"});
  for (std::uint32_t i = 0; i < count; ++i)
    workload.tasks.push_back({.unit = unit, .weight = weight, .behaviour = Hog{}});
}

Workload three_units(std::uint32_t cpus, std::uint64_t seed, std::uint32_t hogs_per_cpu) {
  Workload workload{.name = "three units", .units = {}, .tasks = {}};
  Random random(seed);
  for (const UnitSpec& spec : three_unit_specs) {
    const auto unit = static_cast<std::uint32_t>(workload.units.size());
    workload.units.push_back({.name = spec.name, .budget_ns = spec.budget_ns});
    for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
      const std::uint64_t start_ns = seed != 0 ? below(random, spec.period_ns) : 0;
      for (std::uint32_t thread = 0; thread < spec.threads; ++thread)
        workload.tasks.push_back(
            {.unit = unit,
             .behaviour = Periodic{.exec_ns = spec.exec_ns,
                                   .period_ns = spec.period_ns,
                                   .phase_ns = start_ns + thread * (spec.period_ns / spec.threads)}});
    }
  }
  add_hogs(workload, hogs_per_cpu * cpus);
  return workload;
}

}  // namespace slo::sim
