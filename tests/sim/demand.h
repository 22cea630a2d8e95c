// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy.h"
#include "workload.h"

// Whether a set of periodic tasks can be scheduled at all, on one CPU, with what the machine and the floor
// cost.
namespace slo::sim {

// A task that needs exec_ns every period_ns, done within deadline_ns of its release.
struct Need {
  std::uint64_t exec_ns = 0;
  std::uint64_t period_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t phase_ns = 0;
};

// The periodic tasks with a budget: done within budget + exec (metric wait), or within the budget.
[[nodiscard]] std::vector<Need> needs_of(const Workload& workload);

// What is not there for the tasks.
struct Overheads {
  std::uint64_t per_job_ns = 0;   // a wakeup, a kick, the switch to the task and the one back
  std::uint64_t turn_ns = 0;      // a turn of the floor with its kick and switches; 0: there is none
  std::uint64_t turn_gap_ns = 0;  // from one turn to the next
  std::uint64_t tick_ns = 0;      // from one tick to the next
  std::uint64_t per_tick_ns = 0;
};
[[nodiscard]] Overheads overheads_of(const Machine& machine, const Workload& workload, const Policy& policy);

// An upper bound on what turns and ticks take out of any window so long.
[[nodiscard]] std::uint64_t taken_ns(const Overheads& overheads, std::uint64_t window_ns);

// Whatever the releases, as long as they are a period apart.
[[nodiscard]] bool fits_at_any_phase(std::span<const Need> needs, const Overheads& overheads);
// Released at their phases; windows up to horizon_ns are looked at.
[[nodiscard]] bool fits_at_phases(std::span<const Need> needs, const Overheads& overheads,
                                  std::uint64_t horizon_ns);

}  // namespace slo::sim
