// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "../machine/kernel.h"
#include "../policy.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// What the tasks of a group with a limit run is no more than comes in: a quota in each period, what a burst
// has saved, one MinRun= on each CPU, as no run is shorter, and one more for each task that has waited for
// SLO_LIMIT_WAIT_MAX_NS. What others cannot do without is left out; who is inside the kernel may run
// SLO_LIMIT_KERNEL_NS more before the limit has something again, so once in all, as no debt is forgiven.
class LimitJudge final : public Judge {
 public:
  LimitJudge(Kernel& kernel, Ext& ext) : kernel_(kernel), ext_(ext) { kernel.watch(*this); }

  void wakes(const Task& task, std::uint64_t now_ns) override;
  void stops(const Task& task, bool /*is_runnable*/, std::uint64_t now_ns) override {
    of(task).waits_from_ns = now_ns;
  }
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void executes(const Task& task, std::uint64_t exec_ns) override;
  void looks(std::uint64_t now_ns) override;

 private:
  // Of a group, since its limit changed last.
  struct Account {
    Limit limit = {};
    std::uint64_t from_ns = 0;  // by then the scheduler knows it
    std::uint64_t ran_ns = 0;
    std::uint64_t debt_ns = 0;  // that may be run beside
  };
  // Of a task, when it was seen to run last.
  struct Seen {
    std::uint64_t waits_from_ns = 0;
    const Group* group = nullptr;
    bool is_exempt = false;
    std::uint64_t in_kernel_ns = 0;  // lent for that, in this many restarts
    std::uint64_t restarts = 0;
  };

  [[nodiscard]] Seen& of(const Task& task);
  void lend(const Task& task, std::uint64_t debt_ns);
  void lend_in_kernel(const Task& task, std::uint64_t debt_ns);
  void charge(const Group& group, std::uint64_t exec_ns);
  void restart(const Group& group, const Limit& limit);

  Kernel& kernel_;
  Ext& ext_;
  std::uint64_t min_run_ns_ = Policy().tunables.min_run_ns;
  std::map<const Group*, Account> accounts_;
  std::uint64_t restarts_ = 0;
  CpuMask online_;
  std::vector<Seen> seen_;  // by task
};

}  // namespace slo::sim
