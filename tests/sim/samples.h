// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/slo_abi.h"
#include "workload.h"

// Small machines and workloads for the tests.
namespace slo::sim::samples {

inline constexpr std::uint64_t us = SLO_NSEC_PER_USEC;
inline constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;
inline constexpr std::uint64_t second = SLO_NSEC_PER_SEC;

inline double in_ms(std::uint64_t time_ns) {
  return static_cast<double>(time_ns) / 1e6;
}

// Nothing costs anything, so that times are those of the tasks alone.
inline Machine free_machine(std::uint32_t cpus = 1) {
  Machine machine;
  machine.cpus = cpus;
  machine.switch_ns = machine.kick_ns = machine.wakeup_ns = machine.tick_cost_ns = 0;
  return machine;
}

// A task that does just this.
inline Replay script(std::vector<Request> requests) {
  return {.requests = std::make_shared<const std::vector<Request>>(std::move(requests))};
}

// One unit per script, with the budget that comes with it; 0: best effort.
inline Workload scripts(std::vector<std::pair<std::uint64_t, std::vector<Request>>> tasks) {
  Workload workload;
  for (auto& [budget_ns, requests] : tasks) {
    const auto unit = static_cast<std::uint32_t>(workload.units.size());
    workload.units.push_back({.name = "unit" + std::to_string(unit), .budget_ns = budget_ns});
    workload.tasks.push_back({.unit = unit, .behaviour = script(std::move(requests))});
  }
  return workload;
}

// A hog that has been running, and a unit with a budget of 2 ms every 10 ms.
inline Workload urgent_beside_hog() {
  Workload workload{
      .name = "attach", .units = {{.name = "urgent", .budget_ns = 2 * ms}, {.name = "batch"}}, .tasks = {}};
  workload.tasks.push_back(
      {.unit = 0, .behaviour = Periodic{.exec_ns = ms, .period_ns = 10 * ms, .phase_ns = 3 * ms}});
  workload.tasks.push_back({.unit = 1, .behaviour = Hog{}});
  return workload;
}

}  // namespace slo::sim::samples
