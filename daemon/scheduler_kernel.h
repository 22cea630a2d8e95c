// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "error.h"
#include "scheduler_exit.h"
#include "units.h"

namespace slo {

// The scheduler in the kernel. Implemented by KernelScheduler (kernel.h), by a fake in tests.
class SchedulerKernel {
 public:
  virtual ~SchedulerKernel() = default;
  // Loads, attaches, and looks at the exit record: success means that the scheduler runs. A stopped one is
  // loaded anew.
  [[nodiscard]] virtual Result<void> attach() = 0;
  virtual void detach() = 0;
  [[nodiscard]] virtual bool attached() const = 0;
  // Set once the scheduler of the last attach has ended, for whatever reason.
  [[nodiscard]] virtual std::optional<SchedulerExit> exit_record() const = 0;
  // Only while attached. Effective for every task of the cgroup from its next enqueue on.
  [[nodiscard]] virtual Result<void> apply(const CfgChange& change) = 0;
  // Totals of one slot over all shards since the last attach or clear; readable until detach() or the next
  // attach(), also after the scheduler ended by itself. Zero when nothing is loaded.
  [[nodiscard]] virtual slo_stats read_stats(std::uint32_t slot) const = 0;
  virtual void clear_stats(std::uint32_t slot) = 0;
};

}  // namespace slo
