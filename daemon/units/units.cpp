// SPDX-License-Identifier: GPL-2.0-only
#include "units/units.h"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <set>
#include <utility>

#include "units/cgroup_path.h"
#include "units/vital.h"

namespace slo {
namespace {

Setting<Budget> implicit_budget() {
  return {.value = Budget::implicit(), .origin = {}};
}

}  // namespace

Units::Units(Reader read, std::uint32_t capacity) : read_(std::move(read)), slots_(capacity) {}

std::vector<CfgChange> Units::set_defaults(SloSettings defaults) {
  defaults_ = std::move(defaults);
  return take_changes();
}

std::vector<CfgChange> Units::set_capacity(std::uint64_t permille) {
  capacity_permille_ = permille;
  return take_changes();
}

std::vector<CfgChange> Units::set_operator_reserve(std::uint64_t permille) {
  operator_permille_ = permille;
  return take_changes();
}

std::vector<CfgChange> Units::set_shed(std::set<std::string, std::less<>> names) {
  shed_ = std::move(names);
  changed_ = true;
  return take_changes();
}

std::vector<CfgChange> Units::listed(const std::vector<UnitFact>& facts) {
  told_problems_.forget_gone();

  std::set<std::string_view> names;
  for (const auto& fact : facts) names.insert(fact.name);
  std::vector<std::string> vanished;
  for (const auto& name : std::views::keys(entries_)) {
    if (!names.contains(name)) vanished.push_back(name);
  }
  for (const auto& name : vanished) remove(name);

  for (const auto& fact : facts) {
    const auto [at, is_new] = entries_.try_emplace(fact.name);
    note_start(at->second.fact, fact);
    at->second.fact = fact;
    // What systemd itself has not read yet does not count: the files are for the next daemon-reload.
    if (is_new || !fact.needs_daemon_reload) read_files(at->second);
    place(at->second);
  }
  return take_changes();
}

std::vector<CfgChange> Units::changed(const UnitFact& fact) {
  const auto [at, is_new] = entries_.try_emplace(fact.name);
  Entry& entry = at->second;
  // Edited files count from the next daemon-reload on, as for systemd itself; a start must not pick them up
  // before.
  const bool read_now = is_new || (entry.fact.files != fact.files && !fact.needs_daemon_reload);
  note_start(entry.fact, fact);
  entry.fact = fact;
  if (read_now) read_files(entry);
  place(entry);
  return take_changes();
}

std::vector<CfgChange> Units::gone(std::string_view name) {
  remove(name);
  return take_changes();
}

const std::map<std::string, Unit, std::less<>>& Units::configured() const {
  return configured_;
}

bool Units::known(std::string_view name) const {
  return entries_.contains(name);
}

const UnitFact* Units::fact(std::string_view name) const {
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : &entry->second.fact;
}

const Unit* Units::effective(std::string_view name) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return nullptr;
  if (const auto own = configured_.find(name); own != configured_.end()) return &own->second;
  return by_path().nearest(entry->second.fact.control_group);
}

SloSettings Units::in_force(std::string_view name) const {
  const Unit* holder = effective(name);
  SloSettings settings = holder != nullptr ? holder->effective : defaults_;
  if (!settings.budget && is_vital(name)) settings.budget = implicit_budget();
  return completed(std::move(settings));
}

std::vector<CfgChange> Units::all_cfgs() const {
  std::vector<CfgChange> all;
  for (const auto& [cgroup_id, cfg] : wanted_cfgs()) all.push_back({.cgroup_id = cgroup_id, .cfg = cfg});
  return all;
}

std::vector<ConfigProblem> Units::problems_of(std::string_view name) const {
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return {};
  std::vector<ConfigProblem> all = entry->second.read.problems;
  if (auto problem = too_broad(name, entry->second.read.settings)) all.push_back(*std::move(problem));
  const auto unit = configured_.find(name);
  if (unit == configured_.end()) return all;
  if (unit->second.counted_with) all.push_back(no_slot_for(unit->second));
  if (reserves_.scaled.contains(name)) all.push_back(scaled_down(unit->second));
  return all;
}

void Units::note_problems() {
  for (const auto& name : std::exchange(problems_stale_, {})) told_problems_.set(name, problems_of(name));
}

const Unit* Units::owner_of_slot(std::uint32_t slot) const {
  const std::string* const owner = slots_.owner_of(slot);
  return owner == nullptr ? nullptr : &configured_.at(*owner);
}

const Unit* Units::numbered(std::uint32_t number) const {
  const auto units = std::views::values(configured_);
  const auto unit = std::ranges::find(units, number, &Unit::number);
  return unit == units.end() ? nullptr : &*unit;
}

std::size_t Units::folded() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      std::views::values(configured_), [](const Unit& unit) { return unit.counted_with.has_value(); }));
}

UnitNames Units::names() const {
  UnitNames names;
  for (const auto& [name, entry] : entries_)
    if (entry.fact.cgroup_id != 0) names.emplace(entry.fact.cgroup_id, name);
  return names;
}

bool Units::take_changed() {
  return std::exchange(changed_, false);
}

void Units::note_start(const UnitFact& before, const UnitFact& after) {
  if (after.cgroup_id != 0 && after.cgroup_id != before.cgroup_id) started_.push_back(after.cgroup_id);
}

std::vector<std::uint64_t> Units::take_started() {
  return std::exchange(started_, {});
}

void Units::read_files(Entry& entry) {
  entry.read = read_(entry.fact.files);
  problems_stale_.insert(entry.fact.name);
}

// Brings configured_ in line with what is known of one unit.
void Units::place(const Entry& entry) {
  const UnitFact& fact = entry.fact;
  const auto at = configured_.find(fact.name);
  if (entry.read.settings.empty()) {
    if (at == configured_.end()) return;
    slots_.take_back(fact.name);
    configured_.erase(at);
    changed_ = true;
    return;
  }
  Unit unit;
  if (at != configured_.end()) {
    unit = at->second;  // what follows from others is brought up to date by take_changes()
  } else {
    unit.name = fact.name;
    unit.number = number_for(fact);
  }
  unit.control_group = fact.control_group;
  unit.path = fact.control_group.empty() ? expected_path(fact.name, entry.read.slice).value_or("")
                                         : fact.control_group;
  unit.cgroup_id = fact.cgroup_id;
  unit.settings = entry.read.settings;
  unit.needs_daemon_reload = fact.needs_daemon_reload;
  if (at != configured_.end() && at->second == unit) return;
  configured_.insert_or_assign(fact.name, std::move(unit));
  changed_ = true;
}

void Units::remove(std::string_view name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return;
  at->second.read = {};
  problems_stale_.emplace(name);
  place(at->second);
  entries_.erase(at);
}

UnitsByPath Units::by_path() const {
  UnitsByPath by_path;
  for (const auto& unit : std::views::values(configured_)) {
    if (!unit.path.empty()) by_path.add(unit);
  }
  return by_path;
}

// Any change may concern what lies below it, so all of them are worked out anew.
void Units::inherit() {
  const UnitsByPath units = by_path();
  for (auto& unit : std::views::values(configured_)) {
    SloSettings merged = in_slice(unit.settings, path_above(unit.path), units);
    if (merged == unit.effective) continue;
    unit.effective = std::move(merged);
    changed_ = true;
  }
}

SloSettings Units::in_slice(SloSettings own, std::string_view slice, const UnitsByPath& units) const {
  for (auto path = slice; !path.empty(); path = path_above(path)) {
    if (const Unit* const above = units.at(path)) own = merge(std::move(own), above->settings);
  }
  return completed(merge(std::move(own), defaults_));
}

void Units::count_in_slots() {
  const UnitsByPath units = by_path();
  // A slice's reserve is charged by slot, also where the slice itself has no budget.
  const auto needs_one = [](const Unit& unit) {
    return unit.effective.has_budget() || unit.settings.reserve;
  };
  // By path: where slots are scarce, those that others can be counted with come first.
  for (const Unit* unit : units.in_order())
    if (unit->cgroup_id != 0 && needs_one(*unit)) slots_.give(unit->name);
  for (const Unit* unit : units.in_order())
    if (unit->cgroup_id == 0 && needs_one(*unit)) slots_.reserve(unit->name);
  for (auto& unit : std::views::values(configured_)) find_slot(unit, units);
}

void Units::find_slot(Unit& unit, const UnitsByPath& units) {
  std::uint32_t slot = slots_.of(unit.name);
  std::optional<std::string> counted_with;
  if (slot == SLO_NO_SLOT && unit.effective.has_budget()) {
    if (unit.cgroup_id != 0) {
      const Unit* const above = nearest_with_slot(units, unit.control_group);
      counted_with = above == nullptr ? "" : above->name;
    } else if (unit.counted_with) {
      // It has stopped: what it did before is where it was counted then.
      counted_with = slots_.of(*unit.counted_with) == SLO_NO_SLOT ? "" : *unit.counted_with;
    }
    if (counted_with) slot = slots_.of(*counted_with);
  }
  if (slot == unit.slot && counted_with == unit.counted_with) return;
  unit.slot = slot;
  unit.counted_with = std::move(counted_with);
  problems_stale_.insert(unit.name);
  changed_ = true;
}

// The nearest unit above this path that is counted and whose figures can be asked for.
const Unit* Units::nearest_with_slot(const UnitsByPath& units, std::string_view path) const {
  const Unit* unit = units.nearest(path_above(path));
  while (unit != nullptr && (slots_.of(unit->name) == SLO_NO_SLOT || !unit->effective.budget))
    unit = units.nearest(path_above(unit->path));
  return unit;
}

void Units::reserve() {
  std::vector<ReservingUnit> all;
  for (const auto& unit : std::views::values(configured_)) {
    if (unit.path.empty() || !(unit.effective.has_budget() || unit.settings.reserve)) continue;
    all.push_back(
        {.name = unit.name,
         .control_group = unit.path,
         .permille =
             unit.settings.reserve ? std::optional(unit.settings.reserve->value.permille()) : std::nullopt,
         .importance = unit.effective.importance
                           .value_or(Setting<Importance>{.value = Importance::standard(), .origin = {}})
                           .value.value(),
         .slot = slots_.of(unit.name),
         .runs = unit.cgroup_id != 0});
  }
  Reserves reserves = make_reserves(all, capacity_permille_);
  reserves.servers.merge(fixed_servers(operator_permille_, capacity_permille_));
  if (reserves == reserves_) return;
  std::ranges::set_symmetric_difference(reserves.scaled, reserves_.scaled,
                                        std::inserter(problems_stale_, problems_stale_.end()));
  reserves_ = std::move(reserves);
  changed_ = true;
}

std::vector<CfgChange> Units::take_changes() {
  inherit();
  count_in_slots();
  reserve();
  note_problems();
  return told_.tell(wanted_cfgs());
}

ConfigProblem Units::scaled_down(const Unit& unit) const {
  const Setting<Reserve>& asked = *unit.settings.reserve;
  return {
      .severity = ConfigProblem::Severity::warning,
      .file = asked.origin.file,
      .line = asked.origin.line,
      .key = "SloReserve",
      .value = asked.value.to_string(),
      .detail = "all reserves together are more than the CPUs less BestEffortFloor=: each is scaled down"};
}

ConfigProblem Units::no_slot_for(const Unit& unit) const {
  const NamedSetting first = named(unit.settings).front();
  return {.severity = ConfigProblem::Severity::warning,
          .file = first.origin.file,
          .line = first.origin.line,
          .key = first.key,
          .value = first.value,
          .detail = "it holds, but the unit has no counters of its own: Capacity=" +
                    std::to_string(slots_.capacity()) +
                    " is used up; raise it in scx-slo.conf, or take settings from units that can do without"};
}

}  // namespace slo
