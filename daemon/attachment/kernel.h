// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "attachment/scheduler_exit.h"
#include "attachment/state.h"
#include "base/error.h"
#include "figures/limits.h"
#include "settings/cfg_change.h"

namespace slo {

// Since the daemon started.
struct KernelCounters {
  std::uint64_t heartbeat_ns =
      0;                          // CLOCK_MONOTONIC, by the scheduler while it serves its queues; 0: none yet
  std::uint64_t events_lost = 0;  // misses whose event found no room on its way to the daemon
  std::uint64_t untracked = 0;    // jobs of tasks that the probes could not follow
};

// What tells whether a unit suffers from others. Totals of one slot, as read_stats().
struct LoadCounters {
  std::uint64_t jobs = 0;
  std::uint64_t lost_jobs = 0;  // misses for want of a CPU: late-start or preempted
  std::uint64_t renewals = 0;   // of keys: jobs that have missed and have yet to end
  std::uint64_t key_exec_ns = 0;
};

// Around what is to be done before all that keeps the machine busy.
using Hurrying = std::function<void(bool begins)>;

// What the kernel knows of a cgroup that is there, from when it was made.
struct Placed {
  std::uint64_t made_ns = 0;        // CLOCK_MONOTONIC; 0: it was there before anybody looked
  std::optional<slo_cfg> cfg = {};  // what holds for it
};

// The kernel side. Settings and counters outlive whatever is loaded: they may be changed and read at any
// time. Implemented by BpfKernel (kernel/bpf_kernel.h), by a fake in tests.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // Loads and attaches the scheduler, looks at its exit record (success means that it runs), then drops the
  // probes. Nothing to do when the scheduler runs and is not outdated; one that is goes on until the new one
  // is loaded. After an error what ran before still runs, unless an outdated scheduler had been dropped.
  // hurrying: around what puts it in charge, once it is loaded.
  [[nodiscard]] virtual Result<void> attach(const Hurrying& hurrying) = 0;
  // Loads the scheduler ahead, so that the next attach() need not, which still works when that does not hold
  // any more. Ends with it, with observe() and with detach(). Nothing to do when prepared().
  [[nodiscard]] virtual Result<void> prepare() = 0;
  // What was loaded ahead is still what attach() would load: for these tunables and these CPUs.
  [[nodiscard]] virtual bool prepared() const = 0;
  // Loads the probes, then drops the scheduler; its exit record stays until the next attach(). After an error
  // what ran before still runs. Nothing to do when the probes run and are not outdated.
  [[nodiscard]] virtual Result<void> observe() = 0;
  // Leaves nothing in the kernel but settings and counters.
  virtual void detach() = 0;
  // A scheduler that has ended is Driver::none.
  [[nodiscard]] virtual Driver driver() const = 0;
  // Set once the scheduler of the last successful attach() has ended, unless we ended it ourselves.
  [[nodiscard]] virtual std::optional<SchedulerExit> exit_record() const = 0;
  // Effective for every task of the cgroup from its next job on.
  [[nodiscard]] virtual Result<void> apply(const CfgChange& change) = 0;
  // All reserves there are; those not among them end.
  [[nodiscard]] virtual Result<void> set_servers(const Servers& servers) = 0;
  // Where cgroups that are made find their settings, while anything runs. What is taken is taken out of
  // `changes`: after an error there is what was refused.
  [[nodiscard]] virtual Result<void> set_paths(PathChanges& changes) = 0;
  // Empty: it is gone, or it is neither a unit of PID 1's nor on the way to settings, or nothing runs.
  [[nodiscard]] virtual std::optional<Placed> placed(std::uint64_t cgroup_id) const = 0;
  // For units that nobody knows before they are made: how many more of these may be offered, one more, and
  // those that were given to a cgroup since the last call.
  [[nodiscard]] virtual std::size_t spares_wanted() const = 0;
  virtual void offer(const slo_spare& spare) = 0;
  [[nodiscard]] virtual std::vector<slo_spare> take_spares() = 0;
  // Holds from the next attach() or observe() on; the capacity is that of the start for good.
  virtual void set_tunables(const slo_tunables& tunables) = 0;
  // What runs was loaded with other tunables.
  [[nodiscard]] virtual bool outdated() const = 0;
  // Totals of one slot over all shards since the daemon started, or since the slot was cleared.
  [[nodiscard]] virtual slo_stats read_stats(std::uint32_t slot) const = 0;
  // A few numbers of what read_stats() adds up.
  [[nodiscard]] virtual LoadCounters read_load(std::uint32_t slot) const = 0;
  virtual void clear_stats(std::uint32_t slot) = 0;
  [[nodiscard]] virtual KernelCounters counters() const = 0;
  // Limits (CPUQuota=) that the scheduler has a record of, and those that it found and cannot keep, in the
  // order in which it found them. The latter are those of the last attach().
  [[nodiscard]] virtual std::vector<KeptLimit> read_limits() const = 0;
  [[nodiscard]] virtual std::vector<slo_unkept_limit> read_unkept_limits() const = 0;
};

}  // namespace slo
