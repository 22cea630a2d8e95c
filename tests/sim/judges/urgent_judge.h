// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// An SLO task that waits alone among its like gets the CPU that it is queued on from best effort, and from
// an SLO task with a later key once its own is over: as soon as the turn of best effort and the limits on
// requests allow, which is long before a slice ends.
class UrgentJudge final : public Judge {
 public:
  UrgentJudge(Kernel& kernel, Ext& ext) : kernel_(kernel), ext_(ext) { kernel.watch(*this); }

  // Up to then a CPU may be taken for idle that is not, and hears at its next tick that somebody waits.
  void forgive_until(std::uint64_t until_ns) { forgiving_until_ns_ = until_ns; }

  void looks(std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;

 private:
  [[nodiscard]] const Task* only_one_waiting() const;
  [[nodiscard]] bool should_run(const Task& task, std::uint64_t now_ns) const;

  Kernel& kernel_;
  Ext& ext_;
  std::uint64_t next_ns_ = 0;
  const Task* waiting_ = nullptr;  // the one that should run, and since when
  std::uint64_t since_ns_ = 0;
  std::uint64_t forgiving_until_ns_ = 0;
};

}  // namespace slo::sim
