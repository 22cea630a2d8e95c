// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "behaviour.h"

// Units, their tasks, and the machine that they run on.
namespace slo::sim {

struct Unit {
  std::string name;
  std::uint64_t budget_ns = 0;    // 0: best effort
  std::uint64_t max_exec_ns = 0;  // 0: the default for the budget
  bool bounds_response = false;   // else the wait
  std::uint32_t importance = 100;
  std::uint64_t reserve_permille = 0;  // of one CPU; 0: none of its own
};

// What SloMaxExec= says, or its default.
[[nodiscard]] std::uint64_t max_exec_ns(const Unit& unit);

struct TaskSpec {
  std::uint32_t unit = 0;  // index
  std::uint32_t weight = 100;
  Behaviour behaviour;
};

struct Workload {
  std::string name;
  std::vector<Unit> units;
  std::vector<TaskSpec> tasks;
};

// Costs are orders of magnitude, to be set to what a machine measures.
struct Machine {
  std::uint32_t cpus = 1;
  std::uint32_t shard_cpus = 16;  // CPUs that share a pair of queues, at most
  std::uint64_t tick_ns = 4'000'000;
  bool ticks_staggered = true;         // else all CPUs tick at the same instant
  std::uint64_t switch_ns = 2'000;     // from the choice of a task to its first instruction
  std::uint64_t kick_ns = 3'000;       // from the request to the look at the queues
  std::uint64_t wakeup_ns = 1'000;     // what a wakeup takes from whatever runs where it happens
  std::uint64_t tick_cost_ns = 1'000;  // what a tick takes from it
};

[[nodiscard]] inline std::uint32_t shard_of(const Machine& machine, std::uint32_t cpu) {
  return cpu / machine.shard_cpus;
}
[[nodiscard]] inline std::uint32_t shards_of(const Machine& machine) {
  return (machine.cpus + machine.shard_cpus - 1) / machine.shard_cpus;
}

// Puts a unit without a budget, with so many tasks that never sleep, into the workload.
void add_hogs(Workload& workload, std::uint32_t count, std::uint32_t weight = 100);

}  // namespace slo::sim
