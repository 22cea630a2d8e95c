// SPDX-License-Identifier: GPL-2.0-only
// What follows from the settings of units for them and for those below them: worked out anew for those that a
// change may concern.
#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

#include "units/units.h"

namespace slo {
namespace {

// A slice's reserve is charged by slot, also where the slice itself has no budget.
bool needs_slot(const Unit& unit) {
  return unit.effective.has_budget() || unit.settings.reserve;
}

ReservingUnit reserving(const Unit& unit, std::uint32_t slot) {
  return {.name = unit.name,
          .control_group = unit.path,
          .permille =
              unit.settings.reserve ? std::optional(unit.settings.reserve->value.permille()) : std::nullopt,
          .importance = unit.effective.importance ? unit.effective.importance->value.value()
                                                  : Importance::standard().value(),
          .slot = slot,
          .runs = unit.cgroup_id != 0};
}

}  // namespace

std::vector<CfgChange> Units::take_changes() {
  const bool all = std::exchange(all_stale_, false);
  if (all) reserves_stale_ = paths_stale_ = tell_all_ = true;
  const auto units = all ? everything() : those_named(stale_);
  stale_.clear();
  looked_at_ += units.size();
  inherit(units);
  count_in_slots(units);
  const bool moved = std::exchange(reserves_stale_, false);
  if (moved) follow_reserves(all);
  note_problems();
  // Where no unit file says anything of a budget, that depends on the units above.
  if (moved) {
    for (const auto& name : implicit_) cgroups_stale_.insert(entries_.find(name)->second.fact.cgroup_id);
  }
  const auto cgroups = std::exchange(cgroups_stale_, {});
  if (std::exchange(tell_all_, false)) return told_.tell(wanted_cfgs());
  CfgMap wanted;
  for (const auto cgroup_id : cgroups)
    if (const auto cfg = wanted_cfg(cgroup_id)) wanted.emplace(cgroup_id, *cfg);
  return told_.tell(cgroups, wanted);
}

std::vector<Unit*> Units::everything() {
  auto units = by_path_.in_order();
  for (auto& unit : std::views::values(configured_))
    if (unit.path.empty()) units.push_back(&unit);
  return units;
}

// Those above come before those below.
std::vector<Unit*> Units::those_named(const std::set<std::string, std::less<>>& names) {
  std::vector<Unit*> units;
  for (const auto& name : names)
    if (const auto unit = configured_.find(name); unit != configured_.end()) units.push_back(&unit->second);
  std::ranges::stable_sort(units, {}, &Unit::path);
  return units;
}

void Units::inherit(const std::vector<Unit*>& units) {
  for (Unit* const unit : units) {
    cgroups_stale_.insert(unit->cgroup_id);
    SloSettings merged = in_slice(unit->settings, path_above(unit->path));
    if (merged == unit->effective) continue;
    if (unit->effective.has_budget()) --with_budget_;
    unit->effective = std::move(merged);
    if (unit->effective.has_budget()) ++with_budget_;
    changed_names_.insert(unit->name);
    changed_ = reserves_stale_ = true;
    note_path(*unit);
  }
}

SloSettings Units::in_slice(SloSettings own, std::string_view slice) const {
  for (auto path = slice; !path.empty(); path = path_above(path)) {
    if (const Unit* const above = by_path_.at(path)) own = merge(std::move(own), above->settings);
  }
  return completed(merge(std::move(own), defaults_));
}

void Units::count_in_slots(const std::vector<Unit*>& units) {
  const bool is_round = units.size() == configured_.size();
  if (is_round) slots_.begin_round();
  give_slots(units);
  if (is_round) slots_.end_round();
  for (Unit* const unit : units) find_slot(*unit);
  if (!slots_.needs_round()) return;
  looked_at_ += configured_.size();
  count_in_slots(everything());
}

// In the order of their paths: where slots are scarce, those that others can be counted with come first.
void Units::give_slots(const std::vector<Unit*>& units) {
  for (const Unit* unit : units)
    if (unit->cgroup_id != 0 && !unit->path.empty() && needs_slot(*unit)) slots_.give(unit->name);
  for (const Unit* unit : units)
    if (unit->cgroup_id == 0 && !unit->path.empty() && needs_slot(*unit)) slots_.reserve(unit->name);
}

void Units::find_slot(Unit& unit) {
  std::uint32_t slot = slots_.of(unit.name);
  std::optional<std::string> counted_with;
  if (slot == SLO_NO_SLOT && unit.effective.has_budget()) {
    if (unit.cgroup_id != 0) {
      const Unit* const above = nearest_with_slot(unit.control_group);
      counted_with = above == nullptr ? "" : above->name;
    } else if (unit.counted_with) {
      // It has stopped: what it did before is where it was counted then.
      counted_with = slots_.of(*unit.counted_with) == SLO_NO_SLOT ? "" : *unit.counted_with;
    }
    if (counted_with) slot = slots_.of(*counted_with);
  }
  if (slot == unit.slot && counted_with == unit.counted_with) return;
  unit.slot = slot;
  if (unit.counted_with) --folded_;
  unit.counted_with = std::move(counted_with);
  if (unit.counted_with) ++folded_;
  problems_stale_.insert(unit.name);
  cgroups_stale_.insert(unit.cgroup_id);
  changed_names_.insert(unit.name);
  changed_ = reserves_stale_ = true;
  note_path(unit);
}

// The nearest unit above this path that is counted and whose figures can be asked for.
const Unit* Units::nearest_with_slot(std::string_view path) const {
  const Unit* unit = by_path_.nearest(path_above(path));
  while (unit != nullptr && (slots_.of(unit->name) == SLO_NO_SLOT || !unit->effective.budget))
    unit = by_path_.nearest(path_above(unit->path));
  return unit;
}

Reserves Units::current_reserves() {
  std::vector<ReservingUnit> all;
  for (const auto& unit : std::views::values(configured_))
    if (!unit.path.empty() && needs_slot(unit)) all.push_back(reserving(unit, slots_.of(unit.name)));
  looked_at_ += all.size();
  return make_reserves(all, capacity_permille_);
}

// Where nobody has a reserve of its own a change moves nothing but shares, and these are wanted now and then
// only.
void Units::follow_reserves(bool all) {
  shares_stale_ = true;
  const bool had_some = std::exchange(has_reserves_, with_reserve_ != 0);
  if (!all && !had_some && !has_reserves_) return;
  shares_stale_ = false;
  Reserves reserves = current_reserves();
  reserves.servers.merge(fixed_servers(operator_permille_, capacity_permille_));
  if (reserves == reserves_) return;
  std::ranges::set_symmetric_difference(reserves.scaled, reserves_.scaled,
                                        std::inserter(problems_stale_, problems_stale_.end()));
  if (reserves.server_of != reserves_.server_of) tell_all_ = paths_stale_ = true;
  reserves_ = std::move(reserves);
  changed_ = true;
}

void Units::update_shares() {
  if (std::exchange(shares_stale_, false)) reserves_.share_of = current_reserves().share_of;
}

}  // namespace slo
