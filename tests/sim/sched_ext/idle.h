// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../machine/cpu_mask.h"
#include "../machine/kernel.h"

namespace slo::sim {

// The kernel's own idea of which CPUs are idle, and its default choice of one (kernel/sched/ext_idle.c).
class Idle {
 public:
  explicit Idle(Kernel& kernel) : kernel_(kernel) {}

  void reset();  // all that are online
  void set(CpuId cpu, bool idle);
  [[nodiscard]] const CpuMask& cpus() const { return idle_; }
  bool test_and_clear(CpuId cpu);
  // Any of these, no_cpu without any; whole_core: its sibling is idle too.
  [[nodiscard]] CpuId pick(const CpuMask& allowed, bool whole_core);
  // scx_bpf_select_cpu_dfl(): no_cpu where none is idle.
  [[nodiscard]] CpuId select(const Task& task, CpuId prev, bool is_sync);

 private:
  [[nodiscard]] CpuId select_synchronous(const Task& task, CpuId prev);
  [[nodiscard]] CpuId pick_near(const CpuMask& allowed, CpuId prev, bool whole_core);
  [[nodiscard]] CpuId next_of(const CpuMask& cpus);

  Kernel& kernel_;
  CpuMask idle_ = {};
  CpuMask idle_cores_ = {};  // both siblings idle
};

}  // namespace slo::sim
