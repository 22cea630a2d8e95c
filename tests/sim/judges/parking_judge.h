// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// Nobody waits for a limit that has something left, unless as many as could use that wait for a CPU already;
// nor for long if it is to end or to be frozen, nor without bound.
class ParkingJudge final : public Judge {
 public:
  ParkingJudge(Kernel& kernel, Ext& ext) : kernel_(kernel), ext_(ext) { kernel.watch(*this); }

  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void looks(std::uint64_t now_ns) override;

 private:
  // How long a task has been parked, as looked at.
  struct Parked {
    std::uint64_t ns = 0;          // since it ran last
    std::uint64_t in_vain_ns = 0;  // with something left on all levels, at a time
    std::uint64_t called_ns = 0;   // while it was to end or to be frozen, at a time
  };
  void look_at(const Task& task, Parked& parked, std::uint64_t now_ns);
  [[nodiscard]] unsigned waiting_with(const Task& task);

  Kernel& kernel_;
  Ext& ext_;
  std::uint64_t next_ns_ = 0;
  std::vector<Parked> parked_;  // by task
  // Tasks that wait for a CPU, by limit: at the present look, once it was asked for.
  std::optional<std::map<std::uint32_t, unsigned>> waiting_;
};

}  // namespace slo::sim
