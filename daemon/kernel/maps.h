// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "attachment/kernel.h"
#include "base/error.h"
#include "base/fd.h"
#include "bpf/abi/slo_abi.h"
#include "kernel/map_memory.h"
#include "kernel/smallest.h"

struct bpf_map;

namespace slo {

// Places in server_cfgs and in what the scheduler keeps beside it: reserves, then limits.
constexpr std::uint32_t nr_server_places(std::uint32_t capacity) {
  return SLO_SERVERS_FIXED + capacity + SLO_LIMITS;
}

// Cgroups with settings that there is room for: units have one each, whether there is a slot for them or not,
// and those of implicit budgets come on top. With few slots it is the machine that counts: ten thousand units
// and more, 1.75 MiB. Made ahead, so that a budget finds its place however short the machine is of memory.
constexpr std::uint32_t cfgs_per_slot = 4;
constexpr std::uint32_t nr_cfgs(std::uint32_t capacity) {
  return std::max(16384U, cfgs_per_slot * capacity);
}

// Settings, statistics and events: made once, and used by every BPF object that is loaded, so that they
// outlive it.
class KernelMaps {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KernelMaps>> make(unsigned nr_shards, std::uint32_t capacity);
  KernelMaps(const KernelMaps&) = delete;
  KernelMaps& operator=(const KernelMaps&) = delete;

  // Makes an opened skeleton use these maps instead of its own.
  template <class Skeleton>
  [[nodiscard]] Result<void> lend(Skeleton& skeleton) const {
    const auto& maps = skeleton.maps;
    const std::pair<bpf_map*, const Fd&> loans[] = {{maps.cfg_map, cfgs_},
                                                    {maps.stats_map, stats_},
                                                    {maps.events, events_},
                                                    {maps.event_limits, event_limits_}};
    return lend_all(loans);
  }

  // Reserves and limits are the scheduler's business alone.
  template <class Skeleton>
  [[nodiscard]] Result<void> lend_servers(Skeleton& skeleton) const {
    const auto& maps = skeleton.maps;
    const std::pair<bpf_map*, const Fd&> loans[] = {
        {maps.server_cfgs, servers_}, {maps.limits, limits_}, {maps.unkept_limits, unkept_limits_}};
    return lend_all(loans);
  }

  // The placer gives settings, and counts nothing.
  template <class Skeleton>
  [[nodiscard]] Result<void> lend_paths(Skeleton& skeleton) const {
    const std::pair<bpf_map*, const Fd&> loans[] = {{skeleton.maps.cfg_map, cfgs_},
                                                    {skeleton.maps.path_map, paths_}};
    return lend_all(loans);
  }

  [[nodiscard]] Result<void> apply(const CfgChange& change);
  // Those that are refused stay in `changes`; the error is that of the first.
  [[nodiscard]] Result<void> set_paths(std::vector<PathChange>& changes);
  [[nodiscard]] std::optional<slo_cfg> cfg_of(std::uint64_t cgroup_id) const;
  [[nodiscard]] Result<void> set_servers(const Servers& servers);
  [[nodiscard]] std::uint32_t nr_servers() const;          // places from here on have no reserve
  [[nodiscard]] std::uint64_t smallest_budget_ns() const;  // of all that have one, or may at once; 0: none
  [[nodiscard]] slo_stats read_stats(std::uint32_t slot) const;
  [[nodiscard]] LoadCounters read_load(std::uint32_t slot) const;
  void clear_stats(std::uint32_t slot);
  [[nodiscard]] std::vector<KeptLimit> read_limits() const;
  [[nodiscard]] std::vector<slo_unkept_limit> read_unkept_limits() const;
  // No scheduler runs, and another one is about to: nobody waits for a limit now, and what it cannot keep it
  // finds anew.
  void forget_parked();
  [[nodiscard]] std::uint64_t events_lost() const;  // of all slots, cleared ones included
  [[nodiscard]] int events_map() const { return events_.get(); }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

 private:
  KernelMaps(unsigned nr_shards, std::uint32_t capacity) : nr_shards_(nr_shards), capacity_(capacity) {}
  [[nodiscard]] Result<void> set_path(const PathChange& change);
  [[nodiscard]] slo_stats* stats_at(unsigned shard, std::uint32_t slot) const;
  [[nodiscard]] Result<void> make_servers();
  [[nodiscard]] static Result<void> lend_all(std::span<const std::pair<bpf_map*, const Fd&>> loans);

  unsigned nr_shards_;
  std::uint32_t capacity_;
  Fd cfgs_, paths_, stats_, events_, event_limits_, servers_, limits_, unkept_limits_;
  Servers servers_told_;
  MapMemory<slo_stats> stats_memory_;
  MapMemory<slo_limit> limits_memory_;
  MapMemory<slo_unkept_limit> unkept_limits_memory_;
  Smallest<std::uint64_t> budgets_ns_;    // by cgroup id
  Smallest<PathKey> path_budgets_ns_;     // of those that may come
  std::uint64_t events_lost_before_ = 0;  // of slots that were cleared
};

}  // namespace slo
