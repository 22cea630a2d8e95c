// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "../machine/kernel.h"
#include "queue.h"

namespace slo::sim {

/*
 * The kernel's own scheduler: EEVDF (kernel/sched/fair.c, 7.3). With group scheduling, lag kept over sleep
 * (DELAY_DEQUEUE), protection of the running slice (RUN_TO_PARITY), wakeup preemption, and HRTICK, which
 * Debian's 7.3.4 has on (before 7.1 slices end at ticks). Over CPUs it is simple: a task wakes where it was
 * or on an idle CPU of that cache, an idle CPU pulls, and a busy one looks for an imbalance now and then.
 */
class Fair final : public SchedClass {
 public:
  struct Settings {
    bool has_hrtick = true;
    std::int64_t base_slice_ns = 700'000;  // times 1 + log2 of the CPUs, up to 8 of them: 2.8 ms
  };

  Fair(Kernel& kernel, const Settings& settings);

  [[nodiscard]] CpuId select_cpu(Task& task, Change change, bool is_sync) override;
  void enqueue(Cpu& cpu, Task& task, Change change) override;
  void dequeue(Cpu& cpu, Task& task, Change change) override;
  [[nodiscard]] Task* pick(Cpu& cpu, Task* prev) override;
  void put_prev(Cpu& cpu, Task& prev, const Task* next) override;
  void set_next(Cpu& cpu, Task& next) override;
  void update_current(Cpu& cpu, Task& current) override;
  void tick(Cpu& cpu, Task& current) override;
  void wakeup_preempt(Cpu& cpu, Task& woken) override;
  void reweighs(Task& task) override;
  void leaves(Task& task) override;

  [[nodiscard]] std::int64_t slice_ns() const { return slice_ns_; }

 private:
  // The part of a group that is on one CPU.
  struct GroupPart {
    FairQueue queue = {};
    FairEntity entity = {};
  };
  struct Part {
    FairQueue root = {};
    std::map<Group*, std::unique_ptr<GroupPart>> groups = {};
    std::uint64_t exec_start_ns = 0;
    std::uint64_t hrtick_generation = 0;
    std::uint64_t ticks = 0;
    std::uint32_t waiting = 0;  // tasks that are queued, the running one among them
  };

  [[nodiscard]] FairEntity& entity_of(Task& task);
  [[nodiscard]] FairQueue& queue_of(Cpu& cpu, Group& group);
  [[nodiscard]] FairEntity* above(const FairEntity& entity) const { return entity.in->above; }
  void leave_queues(Cpu& cpu, FairEntity& entity, bool sleeps);
  [[nodiscard]] Task* pick_down(Cpu& cpu);
  void update_up(Cpu& cpu, FairEntity& entity, std::uint64_t ran_ns);
  [[nodiscard]] bool update_one(FairQueue& queue, FairEntity& entity, std::uint64_t ran_ns) const;
  void start_hrtick(Cpu& cpu, Task& task);
  void weigh_group(Group& group);
  void find_fellows(FairEntity*& one, FairEntity*& other) const;
  void balance(Cpu& cpu, bool is_idle);
  [[nodiscard]] Task* movable_from(Cpu& from, const Cpu& to);
  [[nodiscard]] CpuId least_loaded(const Task& task);

  Kernel& kernel_;
  Settings settings_;
  std::int64_t slice_ns_;
  std::int64_t tick_ns_;
  std::vector<Part> parts_;  // by CPU
};

}  // namespace slo::sim
