// SPDX-License-Identifier: GPL-2.0-only
#include "policy_state.h"

#include <algorithm>

#include "policy_load.h"
#include "settings/config.h"

namespace slo::sim {
namespace {

UnitState state_of(const Unit& unit) {
  return {.budget_ns = unit.budget_ns,
          .start_within_ns = slo_start_within_ns(unit.budget_ns),
          .max_exec_ns = max_exec_ns(unit),
          .bounds_response = unit.bounds_response};
}

}  // namespace

Policy::Policy() : tunables(Config{}.tunables) {}

std::optional<std::uint64_t> Queue::head() const {
  if (entries_.empty()) return {};
  return entries_.begin()->at_ns;
}

TaskId Queue::take() {
  const TaskId task = first();
  if (task != no_task) entries_.erase(entries_.begin());
  return task;
}

std::vector<TaskId> Queue::tasks() const {
  std::vector<TaskId> all;
  for (const Entry& entry : entries_) all.push_back(entry.task);
  return all;
}

void Queue::remove(TaskId task) {
  std::erase_if(entries_, [task](const Entry& entry) { return entry.task == task; });
}

PolicyState::PolicyState(Kernel& machine, const Policy& with, std::uint64_t seed)
    : kernel(machine),
      policy(with),
      tasks(machine.tasks().size()),
      cpus(machine.machine().cpus),
      shards(shards_of(machine.machine())),
      idle_cpus(machine.machine().cpus, false),
      best_effort_cpus(machine.machine().cpus, false),
      floor_credit_max_ns(slo_floor_credit_max_ns(with.tunables.best_effort_gap_ns, machine.machine().tick_ns,
                                                  with.tunables.best_effort_floor_permille)),
      random(seed) {
  for (const Unit& unit : kernel.units()) {
    units.push_back(state_of(unit));
    if (unit.budget_ns != 0 && (smallest_budget_ns == 0 || unit.budget_ns < smallest_budget_ns))
      smallest_budget_ns = unit.budget_ns;
  }
  grant_reserves(*this);
  for (CpuState& cpu : cpus) cpu.floor_credit_ns = floor_credit_max_ns;
  for (TaskId id = 0; id < tasks.size(); ++id) {
    tasks[id].vtime_shard = shard_at(kernel.tasks()[id].cpu);
    tasks[id].vtime_ns = slo_vtime_new_ns(shards[tasks[id].vtime_shard].vtime_now_ns);
  }
}

}  // namespace slo::sim
