// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "settings/cfg_change.h"

namespace slo {

// Where in server_cfgs the reserve of the unit with this slot is.
constexpr std::uint32_t server_of_slot(std::uint32_t slot) {
  return SLO_SERVERS_FIXED + slot;
}

// A unit with a budget or a reserve that runs, or may at any moment.
struct ReservingUnit {
  std::string name = {};
  std::string control_group = {};
  std::optional<std::uint64_t> permille = {};  // SloReserve= of its own, in thousandths of one CPU
  std::uint32_t importance = 100;
  std::uint32_t slot = SLO_NO_SLOT;  // of its own; without one a reserve cannot be charged
  bool runs = true;  // else it takes nothing from the others, and starts with all of its reserve
};

struct Reserves {
  Servers servers;
  std::map<std::string, std::uint32_t, std::less<>> server_of;  // place of the reserve that the unit uses
  std::map<std::string, double, std::less<>> share_of;  // CPUs that are the unit's part of the machine
  std::set<std::string, std::less<>> scaled;  // get less than they ask for, as all together ask for too much
  friend bool operator==(const Reserves&, const Reserves&) = default;
};

// The reserves that belong to no unit: of operators (operator_permille: OperatorReserve=; 0: there is none),
// and of kernel threads that are not bound to a CPU, a tenth of the capacity.
[[nodiscard]] Servers fixed_servers(std::uint64_t operator_permille, std::uint64_t capacity_permille);

// Who is charged for what, and how much there is of it. A unit without a reserve of its own uses that of the
// nearest slice above it that has one. capacity_permille: all CPUs, less the floor of best effort.
[[nodiscard]] Reserves make_reserves(std::span<const ReservingUnit> units, std::uint64_t capacity_permille);

}  // namespace slo
