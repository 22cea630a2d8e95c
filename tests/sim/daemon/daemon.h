// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../host/scheduler.h"
#include "../machine/kernel.h"
#include "../policy.h"
#include "../sched_ext/ext.h"
#include "../sched_ext/maps.h"
#include "load/shedding.h"
#include "units/reserves.h"

namespace slo::sim {

/*
 * scx-slod to the scheduler: loads the object, tells it the settings of units, attaches it, and sheds units
 * under overload. What it decides is decided by daemon/; it takes no CPU time.
 */
class Daemon {
 public:
  // groups: of the workload's units, by their index.
  Daemon(Kernel& kernel, Ext& ext, const Workload& workload, std::vector<Group*> groups,
         const Policy& policy);

  // Loads it afresh and attaches it.
  void attach();
  void detach() { ext_.detach(stopped_by_user, "by request"); }
  // The counters of a unit, over all shards.
  [[nodiscard]] slo_stats stats(std::uint32_t unit);
  [[nodiscard]] std::uint32_t shards() const { return shards_; }
  [[nodiscard]] std::uint32_t shard_of(CpuId cpu) const { return shard_of_cpu_[cpu]; }
  [[nodiscard]] bool is_shed(std::uint32_t unit) const { return shed_[unit]; }
  // Its settings from now on: budget, importance, reserve.
  void set_unit(std::uint32_t unit, const Unit& settings);
  [[nodiscard]] const Unit& unit(std::uint32_t unit) const { return workload_.units[unit]; }
  // Reserves by their places, and what the scheduler keeps of one.
  [[nodiscard]] const Servers& servers() const { return reserves_.servers; }
  [[nodiscard]] const void* server(std::uint32_t at) { return servers_->lookup(&at); }
  // The last sign of life, on the kernel's clock.
  [[nodiscard]] std::uint64_t heartbeat_ns() const { return *globals_.heartbeat_ns; }

 private:
  static constexpr std::uint32_t stopped_by_user = 64;

  void configure();
  void tell_units();
  void tell_unit(std::uint32_t unit);
  void tell_reserves();
  void look_at_load();
  void plan_look();
  void hears_of_miss();
  [[nodiscard]] std::vector<LoadSample> samples();
  [[nodiscard]] std::uint64_t capacity_permille() const;

  Kernel& kernel_;
  Ext& ext_;
  Workload workload_;
  std::vector<Group*> groups_;
  Policy policy_;
  std::uint32_t capacity_;
  std::uint32_t shards_ = 1;
  std::vector<std::uint8_t> shard_of_cpu_;
  sim_globals globals_ = {};
  std::unique_ptr<Maps> maps_;
  Map* servers_ = nullptr;  // one of them
  Reserves reserves_;
  Overload overload_;
  std::vector<bool> shed_;
  bool has_missed_ = false;
  std::uint64_t loads_ = 0;
  std::uint64_t looks_planned_ = 0;  // the last one counts
};

}  // namespace slo::sim
