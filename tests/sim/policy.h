// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "bpf/abi/slo_abi.h"
#include "sched_ext/rules.h"

namespace slo::sim {

// What a run is made with, so that parts can be compared with their absence.
struct Policy {
  Policy();  // as shipped

  slo_tunables tunables;
  Rules rules = {};
  bool kicks_wait_for_tick = false;  // what is asked of a CPU it does at its next tick
  bool has_demotion = true;          // of jobs beyond SloMaxExec=
  bool has_servers = true;           // where units have reserves
  bool has_shedding = true;
  std::uint64_t operator_permille;  // OperatorReserve=; 0: none
  std::uint64_t attach_ns = 0;      // the kernel bypasses the scheduler for so long while it attaches
};

}  // namespace slo::sim
