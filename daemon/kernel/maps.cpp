// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <string>

#include "figures/stats.h"

namespace slo {
namespace {

// Bytes; about 2,000 events. The rate limits keep a second's worth far below.
constexpr std::uint32_t events_size = 256 * 1024;

Error no_room_for_cfg(std::uint64_t cgroup_id, std::uint32_t capacity) {
  const std::uint32_t places = nr_cfgs(capacity);
  Error error{"tell the kernel the settings of cgroup", std::to_string(cgroup_id), 0,
              "all " + std::to_string(places) + " places are taken"};
  if (capacity < SLO_CAPACITY_MAX)
    error.advice += "; there are " + std::to_string(cfgs_per_slot) +
                    " for each unit of Capacity= in scx-slo.conf, " + "where that is more than " +
                    std::to_string(places / cfgs_per_slot);
  return error;
}

Result<Fd> make_map(const char* name, bpf_map_type type, std::uint32_t key_size, std::uint32_t value_size,
                    std::uint32_t max_entries, std::uint32_t flags = 0) {
  bpf_map_create_opts options{};
  options.sz = sizeof(options);
  options.map_flags = flags;
  Fd fd(bpf_map_create(type, name, key_size, value_size, max_entries, &options));
  if (!fd) return std::unexpected(Error{"make the BPF map", name, errno, ""});
  return fd;
}

}  // namespace

Result<std::unique_ptr<KernelMaps>> KernelMaps::make(unsigned nr_shards, std::uint32_t capacity) {
  std::unique_ptr<KernelMaps> maps(new KernelMaps(nr_shards, capacity));
  auto cfgs = make_map("cfg_map", BPF_MAP_TYPE_HASH, sizeof(slo_u64), sizeof(slo_cfg), nr_cfgs(capacity));
  if (!cfgs) return std::unexpected(cfgs.error());
  auto paths = make_map("path_map", BPF_MAP_TYPE_HASH, sizeof(slo_path_key), sizeof(slo_path), SLO_PATHS_MAX,
                        BPF_F_NO_PREALLOC);
  if (!paths) return std::unexpected(paths.error());
  auto stats = make_map("stats_map", BPF_MAP_TYPE_ARRAY, sizeof(slo_u32), sizeof(slo_stats),
                        nr_shards * capacity, BPF_F_MMAPABLE);
  if (!stats) return std::unexpected(stats.error());
  auto events = make_map("events", BPF_MAP_TYPE_RINGBUF, 0, 0, events_size);
  if (!events) return std::unexpected(events.error());
  auto event_limits =
      make_map("event_limits", BPF_MAP_TYPE_ARRAY, sizeof(slo_u32), sizeof(slo_event_limit), capacity);
  if (!event_limits) return std::unexpected(event_limits.error());
  maps->cfgs_ = std::move(*cfgs);
  maps->paths_ = std::move(*paths);
  maps->stats_ = std::move(*stats);
  maps->events_ = std::move(*events);
  maps->event_limits_ = std::move(*event_limits);
  if (auto made = maps->make_servers(); !made) return std::unexpected(made.error());
  auto memory = MapMemory<slo_stats>::of(maps->stats_, std::size_t{nr_shards} * capacity, "the statistics");
  if (!memory) return std::unexpected(memory.error());
  maps->stats_memory_ = std::move(*memory);
  return maps;
}

Result<void> KernelMaps::make_servers() {
  auto servers = make_map("server_cfgs", BPF_MAP_TYPE_ARRAY, sizeof(slo_u32), sizeof(slo_server_cfg),
                          nr_server_places(capacity_));
  if (!servers) return std::unexpected(servers.error());
  auto limits =
      make_map("limits", BPF_MAP_TYPE_ARRAY, sizeof(slo_u32), sizeof(slo_limit), SLO_LIMITS, BPF_F_MMAPABLE);
  if (!limits) return std::unexpected(limits.error());
  auto unkept = make_map("unkept_limits", BPF_MAP_TYPE_ARRAY, sizeof(slo_u32), sizeof(slo_unkept_limit),
                         SLO_UNKEPTS, BPF_F_MMAPABLE);
  if (!unkept) return std::unexpected(unkept.error());
  auto limits_memory = MapMemory<slo_limit>::of(*limits, SLO_LIMITS, "the limits");
  if (!limits_memory) return std::unexpected(limits_memory.error());
  auto unkept_memory = MapMemory<slo_unkept_limit>::of(*unkept, SLO_UNKEPTS, "the limits that are not kept");
  if (!unkept_memory) return std::unexpected(unkept_memory.error());
  servers_ = std::move(*servers);
  limits_memory_ = std::move(*limits_memory);
  unkept_limits_memory_ = std::move(*unkept_memory);
  limits_ = std::move(*limits);
  unkept_limits_ = std::move(*unkept);
  return {};
}

Result<void> KernelMaps::lend_all(std::span<const std::pair<bpf_map*, const Fd&>> loans) {
  for (const auto& [map, fd] : loans) {
    if (const int err = bpf_map__reuse_fd(map, fd.get()); err != 0)
      return std::unexpected(Error{"share the BPF map", bpf_map__name(map), -err, ""});
  }
  return {};
}

Result<void> KernelMaps::apply(const CfgChange& change) {
  const slo_u64 key = change.cgroup_id;
  int err = 0;
  if (change.cfg) {
    err = bpf_map_update_elem(cfgs_.get(), &key, &*change.cfg, BPF_ANY);
    if (err == 0) budgets_ns_.set(key, change.cfg->budget_ns);
  } else {
    err = bpf_map_delete_elem(cfgs_.get(), &key);
    if (err == -ENOENT) err = 0;  // never told, or forgotten already
    if (err == 0) budgets_ns_.forget(key);
  }
  if (err == -E2BIG) return std::unexpected(no_room_for_cfg(key, capacity_));
  if (err != 0)
    return std::unexpected(Error{"tell the kernel the settings of cgroup", std::to_string(key), -err, ""});
  return {};
}

Result<void> KernelMaps::set_paths(std::vector<PathChange>& changes) {
  Result<void> outcome;
  std::vector<PathChange> refused;
  for (auto& change : changes) {
    auto told = set_path(change);
    if (told) continue;
    if (outcome) outcome = std::move(told);
    refused.push_back(std::move(change));
  }
  changes = std::move(refused);
  return outcome;
}

Result<void> KernelMaps::set_path(const PathChange& change) {
  const auto& [key, path] = change;
  slo_path_key at{.node = key.node, .pattern = key.pattern, .name = {}};
  std::ranges::copy(std::string_view(key.name).substr(0, SLO_COMPONENT_LEN - 1), std::begin(at.name));
  int err =
      path ? bpf_map_update_elem(paths_.get(), &at, &*path, BPF_ANY) : bpf_map_delete_elem(paths_.get(), &at);
  if (!path && err == -ENOENT) err = 0;
  if (err != 0)
    return std::unexpected(Error{"tell the kernel where settings are found of", key.name, -err, ""});
  if (path) {
    path_budgets_ns_.set(key, path->cfg.budget_ns);
  } else {
    path_budgets_ns_.forget(key);
  }
  return {};
}

std::optional<slo_cfg> KernelMaps::cfg_of(std::uint64_t cgroup_id) const {
  slo_cfg cfg{};
  return bpf_map_lookup_elem(cfgs_.get(), &cgroup_id, &cfg) == 0 ? std::optional(cfg) : std::nullopt;
}

Result<void> KernelMaps::set_servers(const Servers& servers) {
  Servers next = servers;
  // Those that are gone: nobody is charged to them any more.
  for (const auto slot : std::views::keys(servers_told_))
    next.try_emplace(
        slot, slo_server_cfg{.quota_ns = 0, .burst_ns = 0, .period_ns = 0, .parent = SLO_NO_SLOT, .pad = 0});
  for (const auto& [slot, cfg] : next) {
    if (const int err = bpf_map_update_elem(servers_.get(), &slot, &cfg, BPF_EXIST); err != 0)
      return std::unexpected(Error{"tell the kernel the reserve of slot", std::to_string(slot), -err, ""});
  }
  servers_told_ = servers;
  return {};
}

std::uint32_t KernelMaps::nr_servers() const {
  return servers_told_.empty() ? 0 : servers_told_.rbegin()->first + 1;
}

std::uint64_t KernelMaps::smallest_budget_ns() const {
  const std::uint64_t told_ns = budgets_ns_.number();
  const std::uint64_t to_come_ns = path_budgets_ns_.number();
  return told_ns == 0 || to_come_ns == 0 ? std::max(told_ns, to_come_ns) : std::min(told_ns, to_come_ns);
}

slo_stats* KernelMaps::stats_at(unsigned shard, std::uint32_t slot) const {
  return &stats_memory_.values()[std::size_t{shard} * capacity_ + slot];
}

slo_stats KernelMaps::read_stats(std::uint32_t slot) const {
  slo_stats total{};
  for (unsigned shard = 0; slot < capacity_ && shard < nr_shards_; ++shard) {
    // A job is counted before anything else about it; the rest of a shard without any need not be read.
    if (const slo_stats& counted = *stats_at(shard, slot); counted.jobs != 0) add_stats(total, counted);
  }
  return total;
}

LoadCounters KernelMaps::read_load(std::uint32_t slot) const {
  LoadCounters total;
  for (unsigned shard = 0; slot < capacity_ && shard < nr_shards_; ++shard) {
    const slo_stats& counted = *stats_at(shard, slot);
    total.jobs += counted.jobs;
    total.lost_jobs +=
        counted.misses_by_cause[SLO_CAUSE_LATE_START] + counted.misses_by_cause[SLO_CAUSE_PREEMPTED];
    total.renewals += counted.renewals;
    total.key_exec_ns += counted.key_exec_ns;
  }
  return total;
}

void KernelMaps::clear_stats(std::uint32_t slot) {
  for (unsigned shard = 0; slot < capacity_ && shard < nr_shards_; ++shard) {
    events_lost_before_ += stats_at(shard, slot)->events_lost;
    *stats_at(shard, slot) = slo_stats{};
  }
  // What the rate limit held back belonged to the slot's last unit. An entry that is not there (a slot beyond
  // the capacity) holds nothing to forget.
  const slo_event_limit none{};
  static_cast<void>(bpf_map_update_elem(event_limits_.get(), &slot, &none, BPF_EXIST));
}

std::vector<KeptLimit> KernelMaps::read_limits() const {
  std::vector<KeptLimit> limits;
  slo_u32 place = SLO_SERVERS_FIXED + capacity_;
  for (const slo_limit& record : limits_memory_.values()) {
    const slo_u32 at = place++;
    if (record.task_group == 0) continue;
    KeptLimit limit{.record = record, .cfg = {}};
    // One whose place cannot be read has no figures to show.
    if (bpf_map_lookup_elem(servers_.get(), &at, &limit.cfg) == 0) limits.push_back(limit);
  }
  return limits;
}

std::vector<slo_unkept_limit> KernelMaps::read_unkept_limits() const {
  std::vector<slo_unkept_limit> found;
  for (const slo_unkept_limit& limit : unkept_limits_memory_.values())
    if (limit.reason != 0) found.push_back(limit);
  return found;
}

void KernelMaps::forget_parked() {
  for (slo_limit& record : limits_memory_.values()) {
    record.throttled_from_ns = 0;
    record.nr_parked = 0;
  }
  std::ranges::fill(unkept_limits_memory_.values(), slo_unkept_limit{});
}

std::uint64_t KernelMaps::events_lost() const {
  std::uint64_t lost = events_lost_before_;
  for (unsigned shard = 0; shard < nr_shards_; ++shard)
    for (std::uint32_t slot = 0; slot < capacity_; ++slot) lost += stats_at(shard, slot)->events_lost;
  return lost;
}

}  // namespace slo
