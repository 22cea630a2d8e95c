// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// No task is lost, the scheduler knows what waits in its queues and counts it right, and nobody waits longer
// than a bound: looked at between two events, every so often. Time in which real-time tasks have all CPUs of
// a task is not its wait, nor that in which it is parked.
class QueueJudge final : public Judge {
 public:
  struct Settings {
    std::uint64_t every_ns = 1'000'000;
    // SLO_BEST_EFFORT_WAIT_MAX_NS, the second in which nobody looks for it, and a round of those at the
    // front.
    std::uint64_t wait_max_ns = 10'000'000'000;
  };
  QueueJudge(Kernel& kernel, Ext& ext, const Settings& settings);

  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void looks(std::uint64_t now_ns) override;

 private:
  void look_for_lost(std::uint64_t now_ns);
  void look_at_counts(std::uint64_t now_ns);
  void look_at_place(const Task& task, std::uint64_t queue, std::uint64_t now_ns);
  void look_at_waits(std::uint64_t now_ns);
  [[nodiscard]] bool has_time(const Task& task, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_held_by_real_time(const Task& task) const;

  Kernel& kernel_;
  Ext& ext_;
  Settings settings_;
  std::uint64_t next_ns_ = 0;
  std::vector<std::uint64_t> waited_ns_;  // by task, as looked at
};

}  // namespace slo::sim
