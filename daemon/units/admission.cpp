// SPDX-License-Identifier: GPL-2.0-only
#include "units/admission.h"

#include <algorithm>
#include <map>

namespace slo {
namespace {

// One level: the machine, or a slice with a reserve.
using Level = std::optional<std::size_t>;

struct Demand {
  std::uint64_t explicit_permille = 0;
  std::uint64_t importance = 0;  // of the units without a reserve of their own
};

}  // namespace

std::vector<ReserveGrant> admit(std::span<const ReserveWish> wishes, std::uint64_t capacity_permille) {
  std::map<Level, Demand> demands;
  for (const auto& wish : wishes) {
    Demand& demand = demands[wish.above];
    if (wish.permille) {
      demand.explicit_permille += *wish.permille;
    } else {
      demand.importance += wish.importance;
    }
  }
  std::vector<std::optional<ReserveGrant>> granted(wishes.size());
  // What a level has to give is known once its slice has been granted: from the top down.
  const auto has = [&](const Level& level) -> std::optional<std::uint64_t> {
    if (!level) return capacity_permille;
    return granted[*level] ? std::optional(granted[*level]->permille) : std::nullopt;
  };
  for (bool progress = true; progress;) {
    progress = false;
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      const auto available = granted[i] ? std::nullopt : has(wishes[i].above);
      if (!available) continue;
      const Demand& demand = demands.at(wishes[i].above);
      const bool scaled = demand.explicit_permille > *available;
      const std::uint64_t free_permille = scaled ? 0 : *available - demand.explicit_permille;
      if (!wishes[i].permille) {
        granted[i] = {.permille = free_permille * wishes[i].importance /
                                  std::max<std::uint64_t>(demand.importance, 1)};
      } else if (scaled) {
        granted[i] = {.permille = *wishes[i].permille * *available / demand.explicit_permille,
                      .scaled = true};
      } else {
        granted[i] = {.permille = *wishes[i].permille};
      }
      progress = true;
    }
  }
  std::vector<ReserveGrant> grants;
  for (const auto& grant : granted) grants.push_back(grant.value_or(ReserveGrant{}));
  return grants;
}

}  // namespace slo
