// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "kernel.h"
#include "record.h"

namespace slo::sim {

// Watches the machine run and adds up what the record says.
class Recorder {
 public:
  Recorder(const Workload& workload, const Machine& machine);

  void ends_job(const Task& task, const slo_job_end& end);
  // exec_ns: asked for, which may be less than it took.
  void ends_request(const Task& task, std::uint64_t now_ns);
  void executes(TaskId id, const Task& task, std::uint64_t exec_ns);
  void kicks(CpuId cpu) { ++record_.cpus[cpu].kicks; }
  void switches(CpuId cpu) { ++record_.cpus[cpu].switches; }
  void does(CpuId cpu, Doing doing, std::uint64_t now_ns);

  // A task is runnable and does not run; runs; waits in a queue, or is taken from it; a CPU is free for any.
  void waits(const Task& task, std::uint64_t now_ns);
  void runs(const Task& task, std::uint64_t now_ns);
  void queued(bool enters, std::uint64_t now_ns);
  void idles(bool enters, std::uint64_t now_ns);

  // Closes what is open. unfinished: the tasks, with what they are at.
  [[nodiscard]] Record finish(const std::vector<Task>& unfinished, std::uint64_t now_ns);

 private:
  void judge(const Task& task, const slo_job_end& end);
  void pass(std::uint64_t now_ns);
  [[nodiscard]] bool is_late(const Task& task, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_best_effort(const Task& task) const { return units_[task.unit].budget_ns == 0; }

  std::vector<Unit> units_;
  Record record_;
  std::vector<Doing> doing_;  // by CPU
  std::vector<std::uint64_t> doing_since_ns_;
  std::uint64_t passed_ns_ = 0;  // the figures below held from then on
  std::uint64_t queued_ = 0;
  std::uint64_t idle_ = 0;
  std::uint64_t best_effort_waiting_ = 0;
  std::uint64_t best_effort_running_ = 0;  // CPUs
  std::uint64_t gap_ns_ = 0;
};

}  // namespace slo::sim
