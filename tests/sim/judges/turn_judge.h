// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../daemon/daemon.h"
#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// Best effort that has had more than one that waits alone for its CPU gives way: at once where that one wakes
// and it has had its run, or is idle by weight, and else when its slice is over. And who wakes has earned
// nothing by sleeping.
class TurnJudge final : public Judge {
 public:
  TurnJudge(Kernel& kernel, Ext& ext, const Daemon& daemon)
      : kernel_(kernel), ext_(ext), daemon_(daemon), clocks_(kernel.machine().cpus) {
    kernel.watch(*this);
  }

  // Up to then a CPU may be taken for idle that is not.
  void forgive_until(std::uint64_t until_ns) { forgiving_until_ns_ = until_ns; }

  void wakes(const Task& task, std::uint64_t /*now_ns*/) override { woken_.push_back(&task); }
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void looks(std::uint64_t now_ns) override;

 private:
  [[nodiscard]] const Task* only_one_waiting() const;
  [[nodiscard]] bool has_had_more(const Task& task, std::uint64_t now_ns) const;
  [[nodiscard]] bool has_woken(const Task& task) const;
  [[nodiscard]] bool is_to_give_way_at_once(const Task& task, std::uint64_t now_ns) const;
  [[nodiscard]] bool waits_in_own(const Task& task, std::uint64_t shared, std::uint64_t pinned) const;
  void look_at_credit(const Task& task, std::uint64_t now_ns);
  void look_at_turn(const Task* task, std::uint64_t now_ns);

  Kernel& kernel_;
  Ext& ext_;
  const Daemon& daemon_;
  std::vector<const Task*> woken_;     // by this event
  std::vector<std::uint64_t> clocks_;  // by shard, as they were before it
  std::vector<bool> has_run_;          // by task: one that has not was forked, and takes nothing from anybody
  std::uint64_t next_ns_ = 0;
  const Task* waiting_ = nullptr;  // the one that should run, and since when
  std::uint64_t since_ns_ = 0;
  bool at_once_ = false;
  std::uint64_t forgiving_until_ns_ = 0;
};

}  // namespace slo::sim
