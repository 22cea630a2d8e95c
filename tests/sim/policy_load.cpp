// SPDX-License-Identifier: GPL-2.0-only
#include "policy_load.h"

#include <optional>
#include <string>
#include <vector>

#include "units/admission.h"

namespace slo::sim {
namespace {

constexpr double error_budget = 0.001;  // SloObjective= is 99.9% where nothing is said

std::uint64_t capacity_permille(const PolicyState& state) {
  return state.cpus.size() * (1000 - state.policy.tunables.best_effort_floor_permille);
}

}  // namespace

void grant_reserves(PolicyState& state) {
  std::vector<ReserveWish> wishes;
  std::vector<UnitState*> wishing;
  for (std::size_t i = 0; i < state.units.size(); ++i) {
    const Unit& unit = state.kernel.units()[i];
    if (unit.budget_ns == 0) continue;
    const bool has_own = state.policy.has_servers && unit.reserve_permille != 0;
    wishes.push_back({.permille = has_own ? std::optional(unit.reserve_permille) : std::nullopt,
                      .importance = unit.importance});
    wishing.push_back(&state.units[i]);
  }
  const auto grants = admit(wishes, capacity_permille(state));
  for (std::size_t i = 0; i < grants.size(); ++i) {
    UnitState& unit = *wishing[i];
    unit.share = static_cast<double>(grants[i].permille) / 1000;
    if (!wishes[i].permille) continue;
    unit.server.quota_ns = slo_server_quota_ns(grants[i].permille);
    unit.server.tokens_ns = static_cast<slo_s64>(unit.server.quota_ns);
    unit.server.prepaid_ns.resize(state.shards.size(), 0);
  }
}

void look_at_load(PolicyState& state, std::uint64_t now_ns) {
  if (!state.policy.has_shedding) return;
  std::vector<LoadSample> samples;
  for (std::size_t i = 0; i < state.units.size(); ++i) {
    const UnitState& unit = state.units[i];
    if (unit.budget_ns == 0) continue;
    samples.push_back({.unit = std::to_string(i),
                       .importance = state.kernel.units()[i].importance,
                       .error_budget = error_budget,
                       .share = unit.share,
                       .jobs = unit.jobs + unit.renewals,
                       .lost_jobs = unit.lost_jobs + unit.renewals,
                       .key_exec_ns = unit.key_exec_ns});
  }
  const double capacity = static_cast<double>(capacity_permille(state)) / 1000;
  for (const ShedChange& change : state.overload.step(now_ns, samples, capacity)) {
    UnitState& unit = state.units[std::stoul(change.unit)];
    unit.start_within_ns = slo_start_within_ns(unit.budget_ns) + (change.shed ? SLO_SHED_NS : 0);
  }
}

}  // namespace slo::sim
