// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <map>
#include <vector>

#include "sched_class.h"

namespace slo::sim {

class Kernel;

// SCHED_FIFO: the highest priority first, first come, first served; each CPU has its own, pulled by nobody.
// Not throttled.
class RealTime final : public SchedClass {
 public:
  explicit RealTime(Kernel& kernel) : kernel_(kernel) {}

  [[nodiscard]] CpuId select_cpu(Task& task, Change change, bool is_sync) override;
  void enqueue(Cpu& cpu, Task& task, Change change) override;
  void dequeue(Cpu& cpu, Task& task, Change change) override;
  [[nodiscard]] Task* pick(Cpu& cpu, Task* prev) override;
  void put_prev(Cpu& cpu, Task& prev, const Task* next) override;
  void set_next(Cpu& cpu, Task& next) override;
  void update_current(Cpu& /*cpu*/, Task& /*current*/) override {}
  void tick(Cpu& /*cpu*/, Task& /*current*/) override {}
  void wakeup_preempt(Cpu& cpu, Task& woken) override;

 private:
  using Key = std::pair<std::uint32_t, std::int64_t>;  // 99 - priority, then as they came
  std::map<Key, Task*>& waiting(CpuId cpu);

  Kernel& kernel_;
  std::vector<std::map<Key, Task*>> waiting_;  // by CPU; the one that runs is not among them
  std::int64_t last_ = 0;
  std::int64_t first_ = 0;
};

}  // namespace slo::sim
