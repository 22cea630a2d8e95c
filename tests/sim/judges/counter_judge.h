// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../daemon/daemon.h"
#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "bpf/policy/job.h"
#include "judge.h"

namespace slo::sim {

// The counters of units say what happened: jobs, misses and times by the definitions of job.h, which this
// judge applies by itself. What is woken while the kernel bypasses the scheduler may count or not.
class CounterJudge final : public Judge {
 public:
  CounterJudge(Kernel& kernel, Ext& ext, Daemon& daemon);

  void wakes(const Task& task, std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override;

  // The class of the task has changed.
  void forget(const Task& task);
  void begin_anew();
  // Between two events, while what was counted is there.
  void compare(std::uint64_t now_ns);

 private:
  struct Job {
    slo_job job = {};
    bool counts = false;
    bool is_sure = true;
    std::uint32_t unit = no_unit;
    std::uint64_t budget_ns = 0;
    slo_u32 flags = 0;
  };
  struct Sums {
    std::uint64_t jobs = 0, misses = 0, wait_ns = 0, exec_ns = 0;
    std::uint64_t unsure = 0;
  };

  [[nodiscard]] Job& job_of(const Task& task);
  // The unit whose settings hold for a task; no_unit: none do.
  [[nodiscard]] std::uint32_t unit_of(const Task& task) const;
  [[nodiscard]] Sums& sums_of(std::uint32_t unit);
  void count(const Job& job, const slo_job_end& end);
  void compare(std::uint32_t unit, const slo_stats& counted, std::uint64_t now_ns);

  Kernel& kernel_;
  Ext& ext_;
  Daemon& daemon_;
  std::vector<Job> jobs_;   // by task
  std::vector<Sums> sums_;  // by unit
};

}  // namespace slo::sim
