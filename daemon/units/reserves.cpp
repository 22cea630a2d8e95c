// SPDX-License-Identifier: GPL-2.0-only
#include "units/reserves.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bpf/policy/server.h"
#include "units/admission.h"
#include "units/by_path.h"

namespace slo {
namespace {

bool has_reserve(const ReservingUnit& unit) {
  return unit.permille && unit.slot != SLO_NO_SLOT;
}

// Indexes of the units with a reserve of their own, by path.
using ReservePlaces = std::unordered_map<std::string_view, std::size_t>;

ReservePlaces reserve_places(std::span<const ReservingUnit> units) {
  ReservePlaces places;
  for (std::size_t i = 0; i < units.size(); ++i)
    if (has_reserve(units[i])) places.emplace(units[i].control_group, i);
  return places;
}

// The nearest unit above this one with a reserve of its own.
std::optional<std::size_t> reserve_above(const ReservePlaces& places, const ReservingUnit& unit) {
  if (places.empty()) return std::nullopt;
  for (auto path = path_above(unit.control_group); !path.empty(); path = path_above(path))
    if (const auto found = places.find(path); found != places.end()) return found->second;
  return std::nullopt;
}

// A quota of nothing would mean no limit.
std::uint64_t quota_ns(std::uint64_t permille) {
  return std::max<std::uint64_t>(slo_server_quota_ns(permille), 1);
}

}  // namespace

Servers fixed_servers(std::uint64_t operator_permille, std::uint64_t capacity_permille) {
  Servers servers;
  if (operator_permille != 0)
    servers[SLO_SERVER_OPERATOR] = {.quota_ns = quota_ns(operator_permille),
                                    .burst_ns = slo_server_operator_burst_ns(operator_permille),
                                    .period_ns = 0,
                                    .parent = SLO_NO_SLOT,
                                    .pad = 0};
  servers[SLO_SERVER_KERNEL] = {.quota_ns = quota_ns(capacity_permille / SLO_SERVER_KERNEL_DIVISOR),
                                .burst_ns = 0,
                                .period_ns = 0,
                                .parent = SLO_NO_SLOT,
                                .pad = 0};
  return servers;
}

Reserves make_reserves(std::span<const ReservingUnit> units, std::uint64_t capacity_permille) {
  const ReservePlaces places = reserve_places(units);
  std::vector<ReserveWish> wishes;
  std::vector<std::optional<std::size_t>> above;  // of all units
  std::vector<std::size_t> wish_of;               // of those that run, the index in `wishes`
  std::size_t running = 0;
  for (const auto& unit : units) {
    above.push_back(reserve_above(places, unit));
    wish_of.push_back(running);
    if (unit.runs) ++running;
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (!units[i].runs) continue;
    // A slice runs where something in it does.
    const bool is_below_running = above[i] && units[*above[i]].runs;
    wishes.push_back({.permille = has_reserve(units[i]) ? units[i].permille : std::nullopt,
                      .importance = units[i].importance,
                      .above = is_below_running ? std::optional(wish_of[*above[i]]) : std::nullopt});
  }
  const auto grants = admit(wishes, capacity_permille);

  Reserves reserves;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const ReservingUnit& unit = units[i];
    const std::uint32_t server_above = above[i] ? server_of_slot(units[*above[i]].slot) : SLO_NO_SLOT;
    const ReserveGrant grant =
        unit.runs ? grants[wish_of[i]]
                  : ReserveGrant{.permille = std::min(unit.permille.value_or(0), capacity_permille)};
    if (unit.runs) reserves.share_of[unit.name] = static_cast<double>(grant.permille) / 1000;
    reserves.server_of[unit.name] = has_reserve(unit) ? server_of_slot(unit.slot) : server_above;
    if (grant.scaled) reserves.scaled.insert(unit.name);
    if (!has_reserve(unit)) continue;
    reserves.servers[server_of_slot(unit.slot)] = {.quota_ns = quota_ns(grant.permille),
                                                   .burst_ns = 0,
                                                   .period_ns = 0,
                                                   .parent = server_above,
                                                   .pad = 0};
  }
  return reserves;
}

}  // namespace slo
