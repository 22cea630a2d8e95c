// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "behaviour.h"

// Units, their tasks, and the machine that they run on.
namespace slo::sim {

inline constexpr std::uint32_t no_unit = UINT32_MAX;

// CPUQuota=, CPUQuotaPeriodSec= and cpu.max.burst of a cgroup.
struct Limit {
  std::uint64_t quota_ns = 0;  // per period; 0: none
  std::uint64_t period_ns = 100'000'000;
  std::uint64_t burst_ns = 0;  // saved up of periods in which less was used; no more than the quota
  friend bool operator==(const Limit&, const Limit&) = default;
};

// A cgroup with its tasks.
struct Unit {
  std::string name;
  std::uint64_t budget_ns = 0;    // 0: best effort
  std::uint64_t max_exec_ns = 0;  // 0: the default for the budget
  bool bounds_response = false;   // else the wait
  std::uint32_t importance = 100;
  std::uint64_t reserve_permille = 0;  // of one CPU; 0: none of its own
  std::uint32_t cpu_weight = 0;        // CPUWeight=; 0: no cpu controller
  bool is_cpu_idle = false;            // CPUWeight=idle
  bool is_operator = false;            // root's session, or what lets root in
  std::uint32_t slice = no_unit;       // the unit above it, which comes before it; no_unit: the root
  Limit limit = {};
};

// What SloMaxExec= says, or its default.
[[nodiscard]] std::uint64_t max_exec_ns(const Unit& unit);

struct TaskSpec {
  std::uint32_t unit = 0;  // index
  int nice = 0;
  std::uint32_t user = 0;                // whose it is; 0: root's
  std::uint32_t real_time = 0;           // SCHED_FIFO priority; 0: a normal task
  std::vector<std::uint32_t> cpus = {};  // that it may run on; empty: all
  Behaviour behaviour;
};

struct Workload {
  std::string name;
  std::vector<Unit> units;
  std::vector<TaskSpec> tasks;
};

// How threads of a core are numbered: 0 and 1, or 0 and n/2.
enum class Siblings : std::uint8_t { adjacent, halves };

// Costs are orders of magnitude, to be set to what a machine measures.
struct Machine {
  std::uint32_t cpus = 1;
  std::uint32_t cache_cpus = 16;  // CPUs that share a last-level cache, at most
  std::uint32_t nodes = 1;
  std::uint32_t threads = 1;  // of a core
  Siblings siblings = Siblings::halves;
  std::vector<std::uint32_t> offline = {};  // at the start
  std::uint64_t tick_ns = 4'000'000;
  bool ticks_staggered = true;         // else all CPUs tick at the same instant
  std::uint64_t switch_ns = 2'000;     // from the choice of a task to its first instruction
  std::uint64_t kick_ns = 3'000;       // from the request to the look at the queues
  std::uint64_t wakeup_ns = 1'000;     // what a wakeup takes from whatever runs where it happens
  std::uint64_t tick_cost_ns = 1'000;  // what a tick takes from it
  std::uint64_t callback_ns = 0;       // what each callback of the scheduler takes, on top
};

// Puts a unit without a budget, with so many tasks that never sleep, into the workload.
void add_hogs(Workload& workload, std::uint32_t count, int nice = 0);

}  // namespace slo::sim
