// SPDX-License-Identifier: GPL-2.0-only
// Where tasks go: on wakeup, by an idle CPU that pulls, and where the load is uneven.
#include <algorithm>

#include "fair.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t imbalance_percent = 117;  // of the last-level cache's domain

}  // namespace

// select_task_rq_fair(), select_idle_sibling()
CpuId Fair::select_cpu(Task& task, Change change, bool is_sync) {
  const CpuId prev = task.cpu();
  if (task.fair && task.fair->is_delayed) return prev;  // it is still there: ttwu_runnable()
  if (change == Change::fork) return least_loaded(task);
  const CpuMask usable = task.cpus() & kernel_.online();
  const auto is_idle = [&](CpuId cpu) { return usable.test(cpu) && kernel_.cpu(cpu).current == nullptr; };
  const CpuId waker = kernel_.here().id;
  const CpuId target = is_sync && usable.test(waker) && parts_[waker].waiting <= 1 ? waker : prev;
  if (is_idle(target)) return target;
  if (is_idle(prev)) return prev;
  const CpuMask near = kernel_.shape().cache(target) & usable;
  for (CpuId cpu = near.from(target); cpu != no_cpu; cpu = near.from(cpu + 1))
    if (is_idle(cpu)) return cpu;
  for (CpuId cpu = near.first(); cpu != no_cpu; cpu = near.from(cpu + 1))
    if (is_idle(cpu)) return cpu;
  return usable.test(target) ? target : prev;
}

CpuId Fair::least_loaded(const Task& task) {
  const CpuMask usable = task.cpus() & kernel_.online();
  CpuId best = task.cpu();
  for (CpuId cpu = usable.first(); cpu != no_cpu; cpu = usable.from(cpu + 1))
    if (parts_[cpu].root.weight() < parts_[best].root.weight()) best = cpu;
  return best;
}

Task* Fair::movable_from(Cpu& from, const Cpu& to) {
  for (Task& task : kernel_.tasks())
    if (task.sched_class == this && task.cpu() == from.id && task.is_queued() && !task.is_current &&
        task.may_migrate() && task.cpus().test(to.id))
      return &task;
  return nullptr;
}

// sched_balance_rq(): one task from the busiest.
void Fair::balance(Cpu& cpu, bool is_idle) {
  if (parts_.size() == 1 || !cpu.is_online) return;
  Cpu* busiest = nullptr;
  for (Cpu& other : kernel_.cpus())
    if (other.id != cpu.id && parts_[other.id].waiting > 1 &&
        (busiest == nullptr || parts_[other.id].root.weight() > parts_[busiest->id].root.weight()) &&
        movable_from(other, cpu) != nullptr)
      busiest = &other;
  if (busiest == nullptr) return;
  const std::uint64_t there = parts_[busiest->id].root.weight();
  const std::uint64_t here = parts_[cpu.id].root.weight();
  Task* task = movable_from(*busiest, cpu);
  if (!is_idle && (there * 100 <= here * imbalance_percent || there - here < 2 * entity_of(*task).weight))
    return;
  kernel_.migrate(*task, cpu.id);
}

}  // namespace slo::sim
