// SPDX-License-Identifier: GPL-2.0-only
#include "units/reserves.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include "bpf/policy/server.h"
#include "units/admission.h"

namespace slo {
namespace {

bool has_reserve(const ReservingUnit& unit) {
  return unit.permille && unit.slot != SLO_NO_SLOT;
}

bool is_below(std::string_view path, std::string_view above) {
  if (above == "/") return path != "/";
  return path.size() > above.size() && path.starts_with(above) && path[above.size()] == '/';
}

// The nearest unit above this one with a reserve of its own.
std::optional<std::size_t> reserve_above(std::span<const ReservingUnit> units, const ReservingUnit& unit) {
  std::optional<std::size_t> nearest;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (!has_reserve(units[i]) || !is_below(unit.control_group, units[i].control_group)) continue;
    if (!nearest || units[*nearest].control_group.size() < units[i].control_group.size()) nearest = i;
  }
  return nearest;
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
  std::vector<ReserveWish> wishes;
  for (const auto& unit : units)
    wishes.push_back({.permille = has_reserve(unit) ? unit.permille : std::nullopt,
                      .importance = unit.importance,
                      .above = reserve_above(units, unit)});
  const auto grants = admit(wishes, capacity_permille);

  Reserves reserves;
  for (std::size_t i = 0; i < units.size(); ++i) {
    const ReservingUnit& unit = units[i];
    const std::uint32_t above = wishes[i].above ? server_of_slot(units[*wishes[i].above].slot) : SLO_NO_SLOT;
    reserves.share_of[unit.name] = static_cast<double>(grants[i].permille) / 1000;
    reserves.server_of[unit.name] = has_reserve(unit) ? server_of_slot(unit.slot) : above;
    if (grants[i].scaled) reserves.scaled.insert(unit.name);
    if (!has_reserve(unit)) continue;
    reserves.servers[server_of_slot(unit.slot)] = {
        .quota_ns = quota_ns(grants[i].permille), .burst_ns = 0, .period_ns = 0, .parent = above, .pad = 0};
  }
  return reserves;
}

}  // namespace slo
