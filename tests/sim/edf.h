// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "kernel.h"
#include "policy_state.h"

namespace slo::sim {

/*
 * The reference: ideal preemptive EDF over all CPUs. It knows what only the application knows, each request's
 * execution, so it orders by the latest end: the key of bpf/policy/policy.h plus what is left to do. Unlike
 * the key this does not change while a task runs, and on one CPU without overload nothing misses less. It
 * pays the same for switches and kicks and owes the same floor, but knows no minimum run, no limit of kicks
 * and no shards. Jobs beyond SloMaxExec= are best effort here too.
 */
class EdfScheduler final : public Scheduler {
 public:
  EdfScheduler(Kernel& kernel, const Policy& policy, std::uint64_t seed);

  void wakes(TaskId task, std::uint64_t now_ns) override;
  void preempted(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  [[nodiscard]] Picked dispatch(CpuId cpu, TaskId prev, std::uint64_t now_ns) override;
  void runs(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void stops(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void ends_job(TaskId /*task*/, const slo_job_end& /*end*/) override {}
  void goes_on(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  [[nodiscard]] bool tick(TaskId task, CpuId cpu, std::uint64_t now_ns) override;
  void expires(CpuId cpu, Timer timer, std::uint64_t now_ns) override;
  void idles(CpuId cpu, bool idle, std::uint64_t now_ns) override;
  [[nodiscard]] std::uint32_t class_of(TaskId task) const override;

 private:
  [[nodiscard]] std::uint64_t deadline_ns(TaskId task) const;
  [[nodiscard]] std::optional<std::uint64_t> first_deadline_ns() const;
  [[nodiscard]] bool may_take(CpuId cpu, std::uint64_t deadline_ns, std::uint64_t now_ns) const;
  void enqueue(TaskId task, CpuId cpu, std::uint64_t now_ns);
  void preempt_for(CpuId near, std::uint64_t deadline_ns, std::uint64_t now_ns);

  PolicyState state_;            // with one shard
  std::vector<TaskId> running_;  // by CPU
};

}  // namespace slo::sim
