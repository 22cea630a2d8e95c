// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "kernel.h"
#include "policy_state.h"

namespace slo::sim {

// bpf/scheduler.bpf.c with bpf/scheduler/pick.bpf.h and bpf/scheduler/heartbeat.bpf.h: the scheduler that
// ships.
class PolicyScheduler final : public Scheduler {
 public:
  PolicyScheduler(Kernel& kernel, const Policy& policy, std::uint64_t seed);

  void wakes(TaskId task, std::uint64_t now_ns) override;
  void preempted(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  [[nodiscard]] Picked dispatch(CpuId cpu, TaskId prev, std::uint64_t now_ns) override;
  void runs(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void stops(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void ends_job(TaskId task, const slo_job_end& end) override;
  [[nodiscard]] bool tick(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void expires(CpuId cpu, Timer timer, std::uint64_t now_ns) override;
  void idles(CpuId cpu, bool idle, std::uint64_t now_ns) override;
  [[nodiscard]] std::uint32_t class_of(TaskId task) const override;

 private:
  void wake_job(TaskId task, std::uint64_t now_ns);
  void note_demotion(TaskId task, std::uint64_t now_ns);
  void promote(TaskId task, CpuId cpu, std::uint64_t now_ns);
  void begin_slo_run(TaskId task, CpuId cpu, std::uint64_t now_ns);
  void enqueue(TaskId task, CpuId cpu, std::uint64_t now_ns);
  void enqueue_slo(TaskId task, CpuId cpu, std::uint64_t now_ns);
  void enqueue_best_effort(TaskId task, CpuId cpu);
  [[nodiscard]] Picked pick(CpuId cpu, TaskId prev, std::uint64_t now_ns);
  [[nodiscard]] Picked pick_best_effort(CpuId cpu, TaskId prev);
  [[nodiscard]] bool is_slo_prev(TaskId prev, std::uint64_t now_ns) const;
  void beat(std::uint64_t now_ns);

  PolicyState state_;
};

}  // namespace slo::sim
