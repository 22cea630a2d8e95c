// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attachment/scheduler_exit.h"
#include "base/error.h"
#include "bpf/abi/slo_abi.h"
#include "kernel/maps.h"
#include "kernel/topology.h"

namespace slo {

// A loaded BPF object that accounts jobs. Whatever ends its life detaches it. Two may run side by side for a
// moment, of which one counts.
class AccountingProgram {
 public:
  virtual ~AccountingProgram() = default;
  // Success means that it runs.
  [[nodiscard]] virtual Result<void> attach() = 0;
  virtual void set_counting(bool counting) = 0;
  // After each change of the settings in the maps.
  virtual void settings_changed(const KernelMaps& maps) = 0;
};

// bpf/scheduler.bpf.c. One that has ended is never started again: its queues and its storage are stale.
class SchedulerProgram : public AccountingProgram {
 public:
  // No CPU has come or gone since it was loaded: the kernel would end it at once.
  [[nodiscard]] virtual bool fits() const = 0;
  [[nodiscard]] virtual std::optional<SchedulerExit> exit_record() const = 0;
  [[nodiscard]] virtual std::uint64_t heartbeat_ns() const = 0;  // CLOCK_MONOTONIC; 0: none yet
};

// bpf/observer.bpf.c.
class ObserverProgram : public AccountingProgram {
 public:
  [[nodiscard]] virtual std::uint64_t untracked() const = 0;  // jobs of tasks that it could not follow
};

// bpf/placer.bpf.c.
class PlacerProgram {
 public:
  virtual ~PlacerProgram() = default;
  // From here on cgroups find their settings when they are made; those that are there have found theirs.
  [[nodiscard]] virtual Result<void> attach() = 0;
  // Of the paths in the maps: there are patterns now, or none.
  virtual void set_patterns(bool has_patterns) = 0;
  // This cgroup, if it is there, and all below it are placed anew.
  [[nodiscard]] virtual Result<void> place_again(const std::string& control_group) = 0;
  [[nodiscard]] virtual std::optional<slo_node> node_of(std::uint64_t cgroup_id) const = 0;
  // At most SLO_SPARES wait at a time. take_spares(): those that were given away since the last call, in
  // order.
  virtual void offer(const slo_spare& spare) = 0;
  [[nodiscard]] virtual std::vector<slo_spare> take_spares() = 0;
};

[[nodiscard]] Result<std::unique_ptr<PlacerProgram>> load_placer(const KernelMaps& maps);

// Both are loaded not counting.
[[nodiscard]] Result<std::unique_ptr<SchedulerProgram>> load_scheduler(const KernelMaps& maps,
                                                                       const Topology& topology,
                                                                       const slo_tunables& tunables);
[[nodiscard]] Result<std::unique_ptr<ObserverProgram>> load_observer(const KernelMaps& maps,
                                                                     const Topology& topology,
                                                                     const slo_tunables& tunables);

// What bpf/accounting/ wants to know before it is loaded, in either object.
template <class Skeleton>
void configure_accounting(Skeleton& skeleton, const Topology& topology, const slo_tunables& tunables) {
  skeleton.rodata->tunables = tunables;
  bpf_map__set_max_entries(skeleton.maps.run_logs, topology.nr_cpus);
  for (std::size_t cpu = 0; cpu < topology.shard_of_cpu.size() && cpu < SLO_MAX_CPUS; ++cpu)
    skeleton.rodata->cpu_shard[cpu] = topology.shard_of_cpu[cpu];
}

}  // namespace slo
