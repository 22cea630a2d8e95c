// SPDX-License-Identifier: GPL-2.0-only
#include "units.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

namespace slo {
namespace {

bool same_cfg(const slo_cfg& a, const slo_cfg& b) {
  return a.budget_ns == b.budget_ns && a.max_exec_ns == b.max_exec_ns && a.slot == b.slot &&
         a.importance == b.importance && a.flags == b.flags;
}

// Logins, `systemctl` and the journal need these to answer, whatever else runs; kernel threads and PID 1 have
// the same budget from the scheduler itself.
constexpr auto implicit_units =
    std::to_array<std::string_view>({"dbus.service", "dbus-broker.service", "scx-slo.service",
                                     "systemd-logind.service", "systemd-journald.service"});

// "/a/b" -> "/a" -> "/" -> "".
std::string_view parent(std::string_view path) {
  if (path.size() <= 1) return {};
  return path.substr(0, std::max<std::size_t>(1, path.find_last_of('/')));
}

// More different problems than this between two readings of all files are those of units that come and go;
// then a few of them are told again.
constexpr std::size_t max_reported = 1000;

// A drop-in for many units (service.d, templates) is read for each of them, but its problem is one.
void add(std::vector<ConfigProblem>& problems, ConfigProblem problem, const std::string& unit) {
  auto at = std::ranges::find(problems, problem);
  if (at == problems.end()) at = problems.insert(at, std::move(problem));
  at->units.push_back(unit);
}

// The unit with settings whose cgroup is `path`, or else its nearest ancestor with some.
const Unit* nearest(const std::map<std::string_view, const Unit*>& by_path, std::string_view path) {
  for (; !path.empty(); path = parent(path)) {
    if (const auto found = by_path.find(path); found != by_path.end()) return found->second;
  }
  return nullptr;
}

Setting<Budget> implicit_budget() {
  return {.value = Budget::implicit(), .origin = {}};
}

slo_cfg implicit_cfg() {
  SloSettings settings;
  settings.budget = implicit_budget();
  return to_cfg(settings, SLO_NO_SLOT);
}

}  // namespace

bool operator==(const CfgChange& a, const CfgChange& b) {
  if (a.cgroup_id != b.cgroup_id || a.cfg.has_value() != b.cfg.has_value()) return false;
  return !a.cfg || same_cfg(*a.cfg, *b.cfg);
}

Units::Units(Reader read, std::uint32_t capacity) : read_(std::move(read)), slot_used_(capacity) {}

std::vector<CfgChange> Units::set_defaults(SloSettings defaults) {
  defaults_ = std::move(defaults);
  return take_changes();
}

std::vector<CfgChange> Units::listed(const std::vector<UnitFact>& facts) {
  // Each problem is reported once per reading of all files, however often its unit comes and goes in between.
  const std::vector<ConfigProblem> before = problems();
  std::erase_if(reported_,
                [&before](const auto& problem) { return !std::ranges::contains(before, problem); });

  std::set<std::string_view> names;
  for (const auto& fact : facts) names.insert(fact.name);
  std::vector<std::string> vanished;
  for (const auto& name : std::views::keys(entries_)) {
    if (!names.contains(name)) vanished.push_back(name);
  }
  for (const auto& name : vanished) remove(name);

  for (const auto& fact : facts) {
    const auto [at, is_new] = entries_.try_emplace(fact.name);
    at->second.fact = fact;
    // What systemd itself has not read yet does not count: the files are for the next daemon-reload.
    if (is_new || !fact.needs_daemon_reload) read_files(at->second);
  }
  // Those that lost their settings make room for those that gained some.
  for (const auto& fact : facts) {
    if (entries_[fact.name].read.settings.empty()) place(entries_[fact.name]);
  }
  for (const auto& fact : facts) place(entries_[fact.name]);
  place_waiting();
  return take_changes();
}

std::vector<CfgChange> Units::changed(const UnitFact& fact) {
  const auto [at, is_new] = entries_.try_emplace(fact.name);
  Entry& entry = at->second;
  // Edited files count from the next daemon-reload on, as for systemd itself; a start must not pick them up
  // before.
  const bool read_now = is_new || (entry.fact.files != fact.files && !fact.needs_daemon_reload);
  entry.fact = fact;
  if (read_now) read_files(entry);
  place(entry);
  place_waiting();
  return take_changes();
}

std::vector<CfgChange> Units::gone(std::string_view name) {
  remove(name);
  place_waiting();
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
  return nearest(by_path(), entry->second.fact.control_group);
}

SloSettings Units::in_force(std::string_view name) const {
  const Unit* holder = effective(name);
  SloSettings settings = holder != nullptr ? holder->effective : defaults_;
  if (!settings.budget && std::ranges::contains(implicit_units, name)) settings.budget = implicit_budget();
  return completed(std::move(settings));
}

std::vector<CfgChange> Units::all_cfgs() const {
  std::vector<CfgChange> all;
  for (const auto& [cgroup_id, cfg] : wanted_cfgs()) all.push_back({.cgroup_id = cgroup_id, .cfg = cfg});
  return all;
}

std::vector<ConfigProblem> Units::problems() const {
  std::vector<ConfigProblem> all;
  for (const auto& [name, entry] : entries_) {
    for (const auto& problem : entry.read.problems) add(all, problem, name);
    if (auto problem = too_broad(name, entry.read.settings)) add(all, *std::move(problem), name);
    if (waiting_.contains(name)) add(all, no_room_for(name, entry.read.settings), name);
  }
  return all;
}

std::vector<ConfigProblem> Units::take_new_problems() {
  std::vector<ConfigProblem> fresh;
  for (auto& problem : problems()) {
    if (std::ranges::contains(reported_, problem)) continue;
    if (reported_.size() == max_reported) reported_.erase(reported_.begin());
    reported_.push_back(problem);
    reported_.back().units.clear();  // a problem is told once, whoever has it later on
    fresh.push_back(std::move(problem));
  }
  return fresh;
}

std::vector<std::uint32_t> Units::take_freed_slots() {
  return std::exchange(freed_slots_, {});
}

bool Units::take_changed() {
  return std::exchange(changed_, false);
}

void Units::read_files(Entry& entry) {
  entry.read = read_(entry.fact.files);
}

// Brings configured_ in line with what is known of one unit.
void Units::place(const Entry& entry) {
  const UnitFact& fact = entry.fact;
  const auto at = configured_.find(fact.name);
  if (entry.read.settings.empty()) {
    waiting_.erase(fact.name);
    if (at == configured_.end()) return;
    slot_used_[at->second.slot] = false;
    freed_slots_.push_back(at->second.slot);
    configured_.erase(at);
    changed_ = true;
    return;
  }
  const auto slot = at != configured_.end() ? std::optional(at->second.slot) : take_slot();
  if (!slot) {
    waiting_.insert(fact.name);
    return;
  }
  waiting_.erase(fact.name);
  Unit unit{.name = fact.name,
            .control_group = fact.control_group,
            .cgroup_id = fact.cgroup_id,
            .settings = entry.read.settings,
            .effective = {},
            .slot = *slot,
            .needs_daemon_reload = fact.needs_daemon_reload};
  if (at != configured_.end()) unit.effective = at->second.effective;  // inherit() sees whether it changed
  if (at != configured_.end() && at->second == unit) return;
  configured_.insert_or_assign(fact.name, std::move(unit));
  changed_ = true;
}

void Units::remove(std::string_view name) {
  const auto at = entries_.find(name);
  if (at == entries_.end()) return;
  at->second.read = {};
  place(at->second);
  entries_.erase(at);
}

void Units::place_waiting() {
  if (configured_.size() == slot_used_.size()) return;
  const auto waiting = waiting_;
  for (const auto& name : waiting) place(entries_.at(name));
}

// Goes round, so that a freed slot rests as long as possible: jobs of its last unit may still be under way.
std::optional<std::uint32_t> Units::take_slot() {
  for (std::size_t tried = 0; tried < slot_used_.size(); ++tried) {
    const std::size_t slot = (next_slot_ + tried) % slot_used_.size();
    if (slot_used_[slot]) continue;
    slot_used_[slot] = true;
    next_slot_ = slot + 1;
    return static_cast<std::uint32_t>(slot);
  }
  return {};
}

Units::ByPath Units::by_path() const {
  ByPath by_path;
  for (const auto& unit : std::views::values(configured_)) {
    if (!unit.control_group.empty()) by_path.emplace(unit.control_group, &unit);
  }
  return by_path;
}

// Any change may concern what lies below it, so all of them are worked out anew.
void Units::inherit() {
  const ByPath units = by_path();
  for (auto& unit : std::views::values(configured_)) {
    SloSettings merged = unit.settings;
    for (auto path = parent(unit.control_group); !path.empty(); path = parent(path)) {
      if (const auto above = units.find(path); above != units.end())
        merged = merge(std::move(merged), above->second->settings);
    }
    merged = completed(merge(std::move(merged), defaults_));
    if (merged == unit.effective) continue;
    unit.effective = std::move(merged);
    changed_ = true;
  }
}

Units::CfgMap Units::wanted_cfgs() const {
  CfgMap wanted;
  for (const auto& unit : std::views::values(configured_)) {
    if (unit.cgroup_id != 0 && unit.effective.budget)
      wanted.insert_or_assign(unit.cgroup_id, to_cfg(unit.effective, unit.slot));
  }
  const ByPath units = by_path();
  for (const auto name : implicit_units) {
    const auto entry = entries_.find(name);
    if (entry == entries_.end() || entry->second.fact.cgroup_id == 0) continue;
    const Unit* holder = nearest(units, entry->second.fact.control_group);
    if (holder == nullptr || !holder->effective.budget)
      wanted.insert_or_assign(entry->second.fact.cgroup_id, implicit_cfg());
  }
  return wanted;
}

std::vector<CfgChange> Units::take_changes() {
  inherit();
  CfgMap wanted = wanted_cfgs();
  std::vector<CfgChange> changes;
  for (const auto cgroup_id : std::views::keys(told_)) {
    if (!wanted.contains(cgroup_id)) changes.push_back({.cgroup_id = cgroup_id, .cfg = {}});
  }
  for (const auto& [cgroup_id, cfg] : wanted) {
    const auto told = told_.find(cgroup_id);
    if (told == told_.end() || !same_cfg(told->second, cfg))
      changes.push_back({.cgroup_id = cgroup_id, .cfg = cfg});
  }
  told_ = std::move(wanted);
  return changes;
}

ConfigProblem Units::no_room_for(const std::string& unit, const SloSettings& settings) const {
  const NamedSetting first = named(settings).front();
  return {.severity = ConfigProblem::Severity::error,
          .file = first.origin.file,
          .line = first.origin.line,
          .key = first.key,
          .value = first.value,
          .detail =
              unit + " finds no free place: Capacity= of " + std::to_string(slot_used_.size()) +
              " units is used up; raise it in scx-slo.conf, or take settings from units that can do without"};
}

}  // namespace slo
