// SPDX-License-Identifier: GPL-2.0-only
#include "daemon.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "../host/image.h"
#include "bpf/policy/policy.h"
#include "figures/stats.h"
#include "settings/config.h"

namespace slo::sim {
namespace {

constexpr double error_budget = 0.001;  // SloObjective= is 99.9% where nothing is said
constexpr std::uint32_t shard_cpus_max = 16;
constexpr std::uint64_t no_demotion_ns = 3600 * SLO_NSEC_PER_SEC;

// What is const to the scheduler alone.
template <typename Value>
void set(const volatile Value* constant, Value value) {
  *const_cast<volatile Value*>(constant) = value;
}

// A shard is the CPUs of one last-level cache, at most 16 of them: see daemon/kernel/topology.cpp.
std::vector<std::uint8_t> shards_of(const Shape& shape, std::uint32_t cpus) {
  std::map<std::pair<CpuId, CpuId>, std::uint8_t> known;
  std::map<CpuId, CpuId> cpus_of_cache;
  std::vector<std::uint8_t> shards;
  for (CpuId cpu = 0; cpu < cpus; ++cpu) {
    const CpuId cache = shape.cache_of(cpu);
    const CpuId group = cpus_of_cache[cache]++ / shard_cpus_max;
    const auto next = static_cast<std::uint8_t>(known.size() % SLO_MAX_SHARDS);
    shards.push_back(known.try_emplace({cache, group}, next).first->second);
  }
  return shards;
}

// Names of units need not be different, numbers are.
std::string name_of(std::uint32_t unit) {
  return std::to_string(unit);
}

std::string path_of(const Workload& workload, std::uint32_t unit) {
  const std::uint32_t slice = workload.units[unit].slice;
  return (slice != no_unit ? path_of(workload, slice) : "") + "/" + name_of(unit);
}

bool inherits_budget(const Workload& workload, std::uint32_t unit) {
  const std::uint32_t slice = workload.units[unit].slice;
  return slice != no_unit && (workload.units[slice].budget_ns != 0 || inherits_budget(workload, slice));
}

}  // namespace

Policy::Policy() : tunables(Config{}.tunables), operator_permille(Config{}.operator_permille) {}

Daemon::Daemon(Kernel& kernel, Ext& ext, const Workload& workload, std::vector<Group*> groups,
               const Policy& policy)
    : kernel_(kernel),
      ext_(ext),
      workload_(workload),
      groups_(std::move(groups)),
      policy_(policy),
      capacity_(static_cast<std::uint32_t>(std::max<std::size_t>(16, workload.units.size()))),
      shard_of_cpu_(shards_of(kernel.shape(), kernel.machine().cpus)),
      shed_(workload.units.size(), false) {
  shards_ = 1U + *std::ranges::max_element(shard_of_cpu_);
  policy_.tunables.capacity = capacity_;
}

void Daemon::attach() {
  restore_globals();
  globals_ = sim_globals_of_object();
  configure();
  maps_ = std::make_unique<Maps>(
      Maps::Sizes{.cpus = kernel_.machine().cpus, .shards = shards_, .capacity = capacity_});
  servers_ = &maps_->map("servers");
  maps_->on_event() = [this](const deadline_event& /*event*/) { hears_of_miss(); };
  tell_units();
  *globals_.is_counting = 1;
  ++loads_;
  ext_.attach(*maps_);
  plan_look();
}

void Daemon::configure() {
  const slo_tunables& tunables = policy_.tunables;
  set(globals_.nr_cpus, kernel_.machine().cpus);
  set(globals_.nr_shards, shards_);
  set(globals_.tick_ns, slo_u64{kernel_.machine().tick_ns});
  set(globals_.enq_immed, slo_u64{policy_.rules.has_immed ? enq_immed_flag : 0});
  set(globals_.floor_credit_max_ns,
      slo_floor_credit_max_ns(tunables.best_effort_gap_ns, kernel_.machine().tick_ns,
                              tunables.best_effort_floor_permille));
  for (CpuId cpu = 0; cpu < shard_of_cpu_.size(); ++cpu) set(globals_.cpu_shard + cpu, shard_of_cpu_[cpu]);
  *const_cast<slo_tunables*>(const_cast<const slo_tunables*>(globals_.tunables)) = tunables;
}

void Daemon::tell_units() {
  tell_reserves();
  for (std::uint32_t unit = 0; unit < workload_.units.size(); ++unit) tell_unit(unit);
}

void Daemon::tell_unit(std::uint32_t unit) {
  const Unit& settings = workload_.units[unit];
  const slo_u64 id = groups_[unit]->id();
  if (settings.budget_ns != 0) {
    const auto server = reserves_.server_of.find(name_of(unit));
    slo_cfg cfg = {};
    cfg.budget_ns = settings.budget_ns;
    cfg.max_exec_ns = policy_.has_demotion ? max_exec_ns(settings) : no_demotion_ns;
    cfg.slot = unit;
    cfg.importance = settings.importance;
    cfg.flags = (settings.bounds_response ? SLO_CFG_RESPONSE : 0U) | (shed_[unit] ? SLO_CFG_SHED : 0U);
    cfg.unit = unit + 1;
    cfg.server = server != reserves_.server_of.end() ? server->second : SLO_NO_SLOT;
    kernel_.may_switch();
    maps_->map("cfg_map").update(&id, &cfg);
  } else if (settings.is_operator && policy_.operator_permille != 0 && !inherits_budget(workload_, unit)) {
    const slo_cfg cfg = operator_cfg();
    kernel_.may_switch();
    maps_->map("cfg_map").update(&id, &cfg);
  } else {
    maps_->map("cfg_map").erase(id);
  }
  slo_u64 smallest_ns = 0;
  for (const Unit& one : workload_.units)
    if (one.budget_ns != 0 && (smallest_ns == 0 || one.budget_ns < smallest_ns)) smallest_ns = one.budget_ns;
  kernel_.may_switch();
  *globals_.smallest_budget_ns = smallest_ns;
  kernel_.may_switch();
  *globals_.cfg_generation = *globals_.cfg_generation + 1;
}

void Daemon::tell_reserves() {
  std::vector<ReservingUnit> units;
  for (std::uint32_t unit = 0; unit < workload_.units.size(); ++unit) {
    const Unit& settings = workload_.units[unit];
    const bool has_own = policy_.has_servers && settings.reserve_permille != 0;
    if (settings.budget_ns == 0 && !has_own) continue;
    units.push_back({.name = name_of(unit),
                     .control_group = path_of(workload_, unit),
                     .permille = has_own ? std::optional(settings.reserve_permille) : std::nullopt,
                     .importance = settings.importance,
                     .slot = unit});
  }
  reserves_ = make_reserves(units, capacity_permille());
  reserves_.servers.merge(fixed_servers(policy_.operator_permille, capacity_permille()));
  *globals_.nr_servers = reserves_.servers.rbegin()->first + 1;
  for (slo_u32 at = 0; at < *globals_.nr_servers; ++at) {
    const auto found = reserves_.servers.find(at);
    const slo_server_cfg cfg =
        found != reserves_.servers.end()
            ? found->second
            : slo_server_cfg{.quota_ns = 0, .burst_ns = 0, .period_ns = 0, .parent = SLO_NO_SLOT, .pad = 0};
    kernel_.may_switch();
    maps_->map("server_cfgs").update(&at, &cfg);
  }
}

void Daemon::set_unit(std::uint32_t unit, const Unit& settings) {
  workload_.units[unit] = settings;
  if (maps_) tell_units();
}

std::uint64_t Daemon::capacity_permille() const {
  return std::uint64_t{kernel_.machine().cpus} * (1000 - policy_.tunables.best_effort_floor_permille);
}

slo_stats Daemon::stats(std::uint32_t unit) {
  slo_stats total = {};
  for (std::uint32_t shard = 0; shard < shards_; ++shard) {
    add_stats(total, maps_->map("stats_map").at<slo_stats>(std::uint64_t{shard} * capacity_ + unit));
  }
  return total;
}

std::vector<LoadSample> Daemon::samples() {
  std::vector<LoadSample> all;
  for (std::uint32_t unit = 0; unit < workload_.units.size(); ++unit) {
    const Unit& settings = workload_.units[unit];
    if (settings.budget_ns == 0) continue;
    const slo_stats counted = stats(unit);
    const auto share = reserves_.share_of.find(name_of(unit));
    const auto server = reserves_.server_of.find(name_of(unit));
    all.push_back({.unit = name_of(unit),
                   .importance = settings.importance,
                   .error_budget = error_budget,
                   .share = share != reserves_.share_of.end() ? share->second : 0,
                   .has_reserve = server != reserves_.server_of.end() && server->second != SLO_NO_SLOT,
                   .jobs = counted.jobs + counted.renewals,
                   .lost_jobs = counted.misses_by_cause[SLO_CAUSE_LATE_START] +
                                counted.misses_by_cause[SLO_CAUSE_PREEMPTED] + counted.renewals,
                   .key_exec_ns = counted.key_exec_ns});
  }
  return all;
}

// What Manager::look_at_load() does.
void Daemon::look_at_load() {
  if (!policy_.has_shedding || !ext_.is_attached()) return;
  const double capacity = static_cast<double>(capacity_permille()) / 1000;
  for (const ShedChange& change : overload_.step(kernel_.now_ns() + boot_ns, samples(), capacity)) {
    const auto unit = static_cast<std::uint32_t>(std::stoul(change.unit));
    shed_[unit] = change.shed;
    tell_unit(unit);
  }
}

void Daemon::plan_look() {
  const std::uint64_t look = ++looks_planned_;
  kernel_.plan(kernel_.now_ns() + overload_.look_after_ns(), [this, nth = loads_, look] {
    if (nth != loads_ || look != looks_planned_) return;
    look_at_load();
    plan_look();
  });
}

void Daemon::hears_of_miss() {
  if (std::exchange(has_missed_, true)) return;
  kernel_.plan(kernel_.now_ns(), [this] {
    has_missed_ = false;
    if (!overload_.is_due_after_miss(kernel_.now_ns() + boot_ns)) return;
    look_at_load();
    plan_look();
  });
}

}  // namespace slo::sim
