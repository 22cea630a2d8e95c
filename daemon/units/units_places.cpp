// SPDX-License-Identifier: GPL-2.0-only
// What the kernel is told: settings by the id of a cgroup that is there, and by the place of one to come.
#include <algorithm>
#include <ranges>
#include <utility>

#include "base/unit_name.h"
#include "units/cgroup_path.h"
#include "units/units.h"
#include "units/vital.h"

namespace slo {
namespace {

// Of "foo@.service", "docker-.scope", "service".
std::uint32_t pattern_type(std::string_view pattern) {
  if (pattern.ends_with(service_suffix.substr(1))) return SLO_PATTERN_SERVICE;
  return pattern.ends_with(scope_suffix.substr(1)) ? SLO_PATTERN_SCOPE : SLO_PATTERN_SLICE;
}

std::string pattern_prefix(std::string_view pattern) {
  const auto dot = pattern.rfind('.');
  return std::string(dot == std::string_view::npos ? std::string_view() : pattern.substr(0, dot));
}

bool has_budget(const Unit* unit) {
  return unit != nullptr && unit->effective.budget;
}

}  // namespace

std::vector<CfgChange> Units::found_patterns(const std::vector<UnitPattern>& found) {
  for (const auto& pattern : std::exchange(patterns_, {})) told_problems_.set(pattern.name, {});
  for (const auto& pattern : found) {
    patterns_.push_back({.name = pattern.name,
                         .type = pattern_type(pattern.name),
                         .prefix = pattern_prefix(pattern.name),
                         .read = read_(pattern.files)});
    told_problems_.set(pattern.name, patterns_.back().read.problems);
  }
  paths_stale_ = true;
  return take_changes();
}

slo_cfg Units::cfg_of(const Unit& unit) const {
  slo_cfg cfg = to_cfg(unit.effective, unit.slot, unit.number);
  if (const auto server = reserves_.server_of.find(unit.name); server != reserves_.server_of.end())
    cfg.server = server->second;
  if (shed_.contains(unit.name)) cfg.flags |= SLO_CFG_SHED;
  return cfg;
}

CfgMap Units::wanted_cfgs() const {
  CfgMap wanted;
  for (const auto cgroup_id : std::views::keys(by_cgroup_))
    if (const auto cfg = wanted_cfg(cgroup_id)) wanted.emplace(cgroup_id, *cfg);
  return wanted;
}

// Two units may seem to have the same cgroup for a moment.
std::optional<slo_cfg> Units::wanted_cfg(std::uint64_t cgroup_id) const {
  std::optional<slo_cfg> wanted;
  const auto names = by_cgroup_.find(cgroup_id);
  if (names == by_cgroup_.end()) return wanted;
  for (const auto& name : names->second) {
    const auto unit = configured_.find(name);
    if (unit != configured_.end() && unit->second.effective.budget) wanted = cfg_of(unit->second);
  }
  // Where no unit file says anything of a budget.
  for (const auto& name : names->second) {
    if (!implicit_.contains(name)) continue;
    if (has_budget(by_path_.nearest(entries_.find(name)->second.fact.control_group))) continue;
    if (const auto cfg = implicit_cfg_of(name)) wanted = cfg;
  }
  return wanted;
}

std::optional<slo_cfg> Units::implicit_cfg_of(std::string_view name) const {
  if (is_vital(name)) return implicit_cfg();
  if (operator_permille_ != 0 && is_operators(name)) return operator_cfg();
  return std::nullopt;
}

Places Units::places() const {
  Places places;
  for (const auto& unit : std::views::values(configured_)) {
    if (unit.path.empty()) continue;
    if (unit.effective.budget) places.paths.emplace(unit.path, cfg_of(unit));
    if (unit.name.ends_with(slice_suffix)) add_patterns(unit.path, places);
  }
  if (by_path_.at("/") == nullptr) add_patterns("/", places);
  for (const auto names : {vital_units(), operator_units()}) {
    for (const std::string_view name : names) {
      const auto path = expected_path(name, "");
      const auto cfg = path && !has_budget(by_path_.nearest(*path)) ? implicit_cfg_of(name) : std::nullopt;
      if (cfg) places.paths.emplace(*path, *cfg);
    }
  }
  return places;
}

// For units of which no more is known than the beginning of their names. Where the slice they are in has
// settings, these are inherited as ever.
void Units::add_patterns(const std::string& slice, Places& places) const {
  const Unit* above = by_path_.nearest(slice);
  const auto server = above == nullptr ? reserves_.server_of.end() : reserves_.server_of.find(above->name);
  for (const auto& pattern : patterns_) {
    if (pattern.read.settings.empty()) continue;
    const SloSettings effective = in_slice(pattern.read.settings, slice);
    if (!effective.budget) continue;
    PatternPlace place{.slice = slice, .type = pattern.type, .prefix = pattern.prefix};
    slo_cfg cfg = to_cfg(effective, SLO_NO_SLOT, SLO_NO_UNIT);
    if (server != reserves_.server_of.end()) cfg.server = server->second;
    if (effective.has_budget()) places.shared.insert(place);
    places.patterns.emplace(std::move(place), cfg);
  }
  if (has_budget(above) || operator_permille_ == 0) return;
  for (const std::string_view name : operator_units()) {
    if (name.ends_with('@'))
      places.patterns.try_emplace({.slice = slice, .type = SLO_PATTERN_SERVICE, .prefix = std::string(name)},
                                  operator_cfg());
  }
}

// Patterns, and what holds where no file says anything, depend on the slices alone.
void Units::note_path(const Unit& unit) {
  if (unit.path.empty() || paths_stale_) return;
  if (unit.name.ends_with(slice_suffix) || is_vital(unit.name) || is_operators(unit.name))
    paths_stale_ = true;
  else
    stale_paths_.insert(unit.path);
}

// Where some were left out, one that goes makes room for another.
std::optional<PathChanges> Units::change_paths(const std::set<std::string, std::less<>>& paths) {
  if (paths_told_.left_out != 0) return std::nullopt;
  looked_at_ += paths.size();
  PathCfgs wanted;
  for (const auto& path : paths) {
    const Unit* const unit = by_path_.at(path);
    wanted.emplace(path, has_budget(unit) ? std::optional(cfg_of(*unit)) : std::nullopt);
  }
  auto changes = paths_.change(wanted);
  if (changes) changes->has_patterns = paths_told_.has_patterns;
  return changes;
}

PathChanges Units::take_path_changes() {
  const auto paths = std::exchange(stale_paths_, {});
  if (!std::exchange(paths_stale_, false)) {
    if (paths.empty()) return paths_told_;
    if (auto changes = change_paths(paths)) return *std::move(changes);
  }
  const Places wanted = places();
  looked_at_ += configured_.size();
  has_shared_ = !wanted.shared.empty();
  PathChanges changes = paths_.tell(wanted);
  paths_told_ = {.changes = {}, .has_patterns = changes.has_patterns, .left_out = changes.left_out};
  return changes;
}

std::optional<slo_spare> Units::make_spare() {
  if (!has_shared_) return std::nullopt;
  return slo_spare{.cgroup_id = 0, .slot = slots_.set_aside(), .unit = next_number_++};
}

void Units::taken(const slo_spare& spare) {
  claims_.insert_or_assign(spare.cgroup_id, spare);
}

void Units::forget_claims(const std::function<bool(std::uint64_t)>& is_gone) {
  std::erase_if(claims_, [&](const auto& claim) {
    if (!is_gone(claim.first)) return false;
    slots_.put_back(claim.second.slot);
    return true;
  });
}

// Its own, or what the kernel has given its cgroup already, and the slot that goes with it.
std::uint32_t Units::number_for(const UnitFact& fact) {
  const auto claim = claims_.find(fact.cgroup_id);
  if (claim == claims_.end()) return next_number_++;
  const slo_spare spare = claim->second;
  claims_.erase(claim);
  if (spare.slot != SLO_NO_SLOT) slots_.assign(spare.slot, fact.name);
  return spare.unit;
}

}  // namespace slo
