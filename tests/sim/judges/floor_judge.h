// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../daemon/daemon.h"
#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// Best effort that waits in the queues of a CPU has a turn there at least every BestEffortGap= of what SLO
// tasks run.
class FloorJudge final : public Judge {
 public:
  FloorJudge(Kernel& kernel, Ext& ext, const Daemon& daemon)
      : kernel_(kernel), ext_(ext), daemon_(daemon), gap_ns_(kernel.machine().cpus) {
    kernel.watch(*this);
  }

  void looks(std::uint64_t now_ns) override;
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;

 private:
  [[nodiscard]] bool is_waited_for(const Cpu& cpu) const;
  [[nodiscard]] bool holds_one_for(std::uint64_t queue, const Cpu& cpu) const;

  Kernel& kernel_;
  Ext& ext_;
  const Daemon& daemon_;
  std::uint64_t next_ns_ = 0;
  std::uint64_t looked_ns_ = 0;
  std::vector<std::uint64_t> gap_ns_;  // by CPU
};

}  // namespace slo::sim
