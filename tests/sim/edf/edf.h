// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "../machine/kernel.h"
#include "../policy.h"
#include "../sched_ext/dsq.h"
#include "bpf/policy/job.h"

namespace slo::sim {

/*
 * The reference: ideal preemptive EDF over all CPUs. It knows what only the application knows, each request's
 * execution, so it orders by the latest end: the latest start plus what is to be done. Unlike the key this
 * does not change while a task runs, and on one CPU without overload nothing misses less. It pays the same
 * for switches, kicks and ticks and owes the same floor, but knows no minimum run, no limit of kicks, no
 * shards and no groups. Jobs beyond SloMaxExec= are best effort here too.
 */
class Edf final : public SchedClass {
 public:
  Edf(Kernel& kernel, const Workload& workload, const Policy& policy);

  [[nodiscard]] CpuId select_cpu(Task& task, Change change, bool is_sync) override;
  void enqueue(Cpu& cpu, Task& task, Change change) override;
  void dequeue(Cpu& cpu, Task& task, Change change) override;
  [[nodiscard]] Task* pick(Cpu& cpu, Task* prev) override;
  void put_prev(Cpu& cpu, Task& prev, const Task* next) override;
  void set_next(Cpu& cpu, Task& next) override;
  void update_current(Cpu& /*cpu*/, Task& /*current*/) override {}
  void tick(Cpu& cpu, Task& current) override;
  void goes_on(Cpu& cpu, Task& task) override;
  [[nodiscard]] bool is_urgent(const Task& task) const override;

 private:
  struct State {
    slo_job job = {};
    std::uint32_t task_class = 0;
    std::uint64_t vtime_ns = 0;
    std::uint64_t key_exec_ns = 0;  // of the present job, by deadline, that is not in vtime_ns
    std::uint64_t ran_from_ns = 0;
    std::uint64_t slice_ns = 0;
  };
  struct Floor {
    std::uint64_t credit_ns = 0;
    std::uint64_t charged_ns = 0;
    std::uint64_t turn_until_ns = 0;  // 0: no turn
    std::uint64_t slice_end_ns = 0;
    std::uint64_t turns = 0;
  };

  [[nodiscard]] State& of(const Task& task);
  [[nodiscard]] const Unit& unit_of(const Task& task) const { return workload_.units[task.unit]; }
  [[nodiscard]] std::uint64_t deadline_ns(const Task& task) const;
  [[nodiscard]] std::uint32_t classify(const Task& task, std::uint64_t exec_ns);
  [[nodiscard]] bool may_take(const Cpu& cpu, std::uint64_t deadline_ns) const;
  [[nodiscard]] bool in_turn(const Cpu& cpu) const;
  [[nodiscard]] bool floor_is_wanted(const Cpu& cpu) const;
  void preempt_for(CpuId near, std::uint64_t deadline_ns);
  void queue(Cpu& cpu, Task& task);
  void stop(Cpu& cpu, Task& task);
  void charge(const Cpu& cpu, const Task& current);
  [[nodiscard]] Task* take_turn(Cpu& cpu, const Task* prev, bool prev_first);
  [[nodiscard]] std::uint64_t now_ns() const { return kernel_.now_ns(); }

  Kernel& kernel_;
  Workload workload_;
  Policy policy_;
  std::uint64_t credit_max_ns_;
  std::uint64_t smallest_budget_ns_ = 0;
  std::vector<State> states_;
  std::vector<Floor> floors_;
  Dsq urgent_ = {};
  Dsq best_effort_ = {};
  std::uint64_t vtime_now_ns_ = 0;
};

}  // namespace slo::sim
