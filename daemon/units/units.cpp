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

ConfigProblem waits_for_reload(const UnitFact& fact) {
  return {
      .severity = ConfigProblem::Severity::warning,
      .file = fact.waiting,
      .key = "",
      .value = "",
      .detail = "its settings are not in force, as systemd has not read the file: systemctl daemon-reload"};
}

Setting<Budget> implicit_budget() {
  return {.value = Budget::implicit(), .origin = {}};
}

}  // namespace

Units::Units(Reader read, std::uint32_t capacity) : read_(std::move(read)), slots_(capacity) {}

std::vector<CfgChange> Units::set_defaults(SloSettings defaults) {
  defaults_ = std::move(defaults);
  all_stale_ = true;
  return take_changes();
}

std::vector<CfgChange> Units::set_capacity(std::uint64_t permille) {
  capacity_permille_ = permille;
  all_stale_ = true;
  return take_changes();
}

std::vector<CfgChange> Units::set_operator_reserve(std::uint64_t permille) {
  operator_permille_ = permille;
  all_stale_ = true;
  return take_changes();
}

std::vector<CfgChange> Units::set_shed(std::set<std::string, std::less<>> names) {
  std::set<std::string, std::less<>> moved;
  std::ranges::set_symmetric_difference(names, shed_, std::inserter(moved, moved.end()));
  for (const Unit* const unit : those_named(moved)) note_path(*unit);
  stale_.merge(moved);
  shed_ = std::move(names);
  changed_ = true;
  return take_changes();
}

std::vector<CfgChange> Units::listed(const std::vector<UnitFact>& facts) {
  told_problems_.forget_gone();
  all_stale_ = true;

  std::set<std::string_view> names;
  for (const auto& fact : facts) names.insert(fact.name);
  std::vector<std::string> vanished;
  for (const auto& name : std::views::keys(entries_)) {
    if (!names.contains(name)) vanished.push_back(name);
  }
  for (const auto& name : vanished) remove(name);

  for (const auto& fact : facts) {
    const auto [at, is_new] = entries_.try_emplace(fact.name);
    take_fact(at->second, fact);
    // What systemd itself has not read yet does not count: the files are for the next daemon-reload.
    if (is_new || !fact.needs_daemon_reload) read_files(at->second);
    place(at->second);
  }
  return take_changes();
}

std::vector<CfgChange> Units::changed(const UnitFact& fact) {
  const auto [at, is_new] = entries_.try_emplace(fact.name);
  Entry& entry = at->second;
  if (!is_new && entry.fact == fact) return {};
  // Edited files count from the next daemon-reload on, as for systemd itself; a start must not pick them up
  // before.
  const bool reloaded = entry.fact.reload != fact.reload || entry.fact.files != fact.files;
  const bool read_now = is_new || (reloaded && !fact.needs_daemon_reload);
  take_fact(entry, fact);
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
  return by_path_.nearest(entry->second.fact.control_group);
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
  if (is_waiting(entry->second)) all.push_back(waits_for_reload(entry->second.fact));
  const auto unit = configured_.find(name);
  if (unit == configured_.end()) return all;
  if (unit->second.counted_with) all.push_back(no_slot_for(unit->second));
  if (reserves_.scaled.contains(name)) all.push_back(scaled_down(unit->second));
  return all;
}

void Units::note_problems() {
  for (const auto& name : std::exchange(problems_stale_, {})) {
    told_problems_.set(name, problems_of(name));
    const auto entry = entries_.find(name);
    const bool waits = entry != entries_.end() && is_waiting(entry->second);
    if (waits ? waiting_.insert(name).second : waiting_.erase(name) > 0) changed_ = true;
  }
}

// With settings already it is shown to need a daemon-reload.
bool Units::is_waiting(const Entry& entry) {
  return entry.read.settings.empty() && !entry.fact.waiting.empty();
}

const Unit* Units::owner_of_slot(std::uint32_t slot) const {
  const std::string* const owner = slots_.owner_of(slot);
  return owner == nullptr ? nullptr : &configured_.at(*owner);
}

const Unit* Units::numbered(std::uint32_t number) const {
  const auto unit = by_number_.find(number);
  return unit == by_number_.end() ? nullptr : unit->second;
}

UnitNames Units::names() const {
  UnitNames names;
  for (const auto& [name, entry] : entries_)
    if (entry.fact.cgroup_id != 0) names.emplace(entry.fact.cgroup_id, name);
  return names;
}

NameSet Units::names_in(const std::set<std::uint64_t>& cgroup_ids) const {
  NameSet names;
  for (const auto cgroup_id : cgroup_ids) {
    const auto in = by_cgroup_.find(cgroup_id);
    if (in != by_cgroup_.end()) names.insert(in->second.begin(), in->second.end());
  }
  return names;
}

std::optional<NameSet> Units::take_changed() {
  if (!std::exchange(changed_, false)) return std::nullopt;
  return std::exchange(changed_names_, {});
}

void Units::take_fact(Entry& entry, const UnitFact& fact) {
  note_cgroup(entry.fact, fact);
  if (entry.fact.waiting != fact.waiting) problems_stale_.insert(fact.name);
  entry.fact = fact;
}

void Units::note_cgroup(const UnitFact& before, const UnitFact& after) {
  if (before.name.empty() && (is_vital(after.name) || is_operators(after.name))) implicit_.insert(after.name);
  if (before.control_group == after.control_group && before.cgroup_id == after.cgroup_id) return;
  forget_cgroup(before);
  if (after.cgroup_id == 0) return;
  if (after.cgroup_id != before.cgroup_id) started_.push_back(after.cgroup_id);
  by_cgroup_[after.cgroup_id].insert(after.name);
  cgroups_stale_.insert(after.cgroup_id);
}

void Units::forget_cgroup(const UnitFact& fact) {
  const auto at = by_cgroup_.find(fact.cgroup_id);
  if (at == by_cgroup_.end()) return;
  at->second.erase(fact.name);
  if (at->second.empty()) by_cgroup_.erase(at);
  cgroups_stale_.insert(fact.cgroup_id);
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
    note_path(at->second);
    take_out(at->second);
    configured_.erase(at);
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
  if (at == configured_.end()) {
    note_path(unit);
    put_in(configured_.emplace(fact.name, std::move(unit)).first->second);
    return;
  }
  if (at->second == unit) return;
  if (at->second.path != unit.path || at->second.settings != unit.settings) {
    note_path(at->second);
    note_path(unit);
  }
  take_out(at->second);
  at->second = std::move(unit);
  put_in(at->second);
}

void Units::take_out(Unit& unit) {
  note_change(unit);
  by_path_.remove(unit);
  by_number_.erase(unit.number);
  if (unit.settings.reserve) --with_reserve_;
  if (unit.effective.has_budget()) --with_budget_;
  if (unit.counted_with) --folded_;
}

void Units::put_in(Unit& unit) {
  if (unit.settings.reserve) ++with_reserve_;
  if (unit.effective.has_budget()) ++with_budget_;
  if (unit.counted_with) ++folded_;
  by_number_.emplace(unit.number, &unit);
  by_path_.add(unit);
  note_change(unit);
}

// A change may concern what lies below it.
void Units::note_change(const Unit& unit) {
  changed_ = true;
  changed_names_.insert(unit.name);
  reserves_stale_ = true;
  cgroups_stale_.insert(unit.cgroup_id);
  if (all_stale_) return;
  stale_.insert(unit.name);
  for (const Unit* const below : by_path_.below(unit.path)) stale_.insert(below->name);
}

void Units::remove(std::string_view name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return;
  at->second.read = {};
  problems_stale_.emplace(name);
  place(at->second);
  forget_cgroup(at->second.fact);
  implicit_.erase(at->first);
  entries_.erase(at);
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
