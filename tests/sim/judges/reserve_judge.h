// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../daemon/daemon.h"
#include "../machine/kernel.h"
#include "../sched_ext/ext.h"
#include "judge.h"

namespace slo::sim {

// Reserves are in debt for no more than CPUs run by key until a tick says that they are empty, and are used
// again as soon as there is enough in them.
class ReserveJudge final : public Judge {
 public:
  ReserveJudge(Kernel& kernel, Ext& ext, Daemon& daemon) : kernel_(kernel), ext_(ext), daemon_(daemon) {
    kernel.watch(*this);
  }

  void looks(std::uint64_t now_ns) override;

 private:
  void look_at(std::uint32_t at, const slo_server_cfg& cfg, std::uint64_t now_ns);

  Kernel& kernel_;
  Ext& ext_;
  Daemon& daemon_;
  std::vector<std::uint64_t> there_since_ns_;  // by place; 0: there is none
  std::vector<std::uint64_t> empty_since_ns_;  // by place, with enough in it; 0: it is not
};

}  // namespace slo::sim
