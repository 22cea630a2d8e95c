// SPDX-License-Identifier: GPL-2.0-only
#include "units/units.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <set>
#include <utility>

namespace slo {
namespace {

// Logins, `systemctl` and the journal need these to answer, whatever else runs; PID 1 and kernel threads with
// a nice value of 0 or less have the same budget from the scheduler itself.
constexpr auto implicit_units =
    std::to_array<std::string_view>({"dbus.service", "dbus-broker.service", "scx-slo.service",
                                     "systemd-logind.service", "systemd-journald.service"});

// Where root works, and what lets root in, as far as the distributions' names go; of a template: all
// instances.
constexpr auto operator_units = std::to_array<std::string_view>(
    {"user-0.slice", "ssh.service", "sshd.service", "ssh@", "sshd@", "dropbear.service", "dropbear@",
     "getty@", "serial-getty@", "console-getty.service", "container-getty@", "emergency.service",
     "rescue.service", "debug-shell.service"});

bool is_operators(std::string_view name) {
  return std::ranges::any_of(operator_units, [name](std::string_view one) {
    return one.ends_with('@') ? name.starts_with(one) && name.ends_with(".service") : name == one;
  });
}

// "/a/b" -> "/a" -> "/" -> "".
std::string_view parent(std::string_view path) {
  if (path.size() <= 1) return {};
  return path.substr(0, std::max<std::size_t>(1, path.find_last_of('/')));
}

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
  told_problems_.keep(problems());

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
    const auto unit = configured_.find(name);
    if (unit == configured_.end()) continue;
    if (unit->second.counted_with) add(all, no_slot_for(unit->second), name);
    if (reserves_.scaled.contains(name)) add(all, scaled_down(unit->second), name);
  }
  return all;
}

std::vector<ConfigProblem> Units::take_new_problems() {
  return told_problems_.take_new(problems());
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

void Units::read_files(Entry& entry) {
  entry.read = read_(entry.fact.files);
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
    unit.number = next_number_++;
  }
  unit.control_group = fact.control_group;
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
  place(at->second);
  entries_.erase(at);
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

void Units::count_in_slots() {
  const ByPath units = by_path();
  // By path: where slots are scarce, those that others can be counted with come first.
  for (const Unit* unit : std::views::values(units)) {
    // A slice's reserve is charged by slot, also where the slice itself has no budget.
    if (unit->cgroup_id != 0 && (unit->effective.has_budget() || unit->settings.reserve))
      slots_.give(unit->name);
  }
  for (auto& unit : std::views::values(configured_)) find_slot(unit, units);
}

void Units::find_slot(Unit& unit, const ByPath& units) {
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
  changed_ = true;
}

// The nearest unit above this path that is counted and whose figures can be asked for.
const Unit* Units::nearest_with_slot(const ByPath& units, std::string_view path) const {
  const Unit* unit = nearest(units, parent(path));
  while (unit != nullptr && (slots_.of(unit->name) == SLO_NO_SLOT || !unit->effective.budget))
    unit = nearest(units, parent(unit->control_group));
  return unit;
}

void Units::reserve() {
  std::vector<ReservingUnit> running;
  for (const auto& unit : std::views::values(configured_)) {
    if (unit.cgroup_id == 0 || !(unit.effective.has_budget() || unit.settings.reserve)) continue;
    running.push_back(
        {.name = unit.name,
         .control_group = unit.control_group,
         .permille =
             unit.settings.reserve ? std::optional(unit.settings.reserve->value.permille()) : std::nullopt,
         .importance = unit.effective.importance
                           .value_or(Setting<Importance>{.value = Importance::standard(), .origin = {}})
                           .value.value(),
         .slot = slots_.of(unit.name)});
  }
  Reserves reserves = make_reserves(running, capacity_permille_);
  reserves.servers.merge(fixed_servers(operator_permille_, capacity_permille_));
  if (reserves == reserves_) return;
  reserves_ = std::move(reserves);
  changed_ = true;
}

CfgMap Units::wanted_cfgs() const {
  CfgMap wanted;
  for (const auto& unit : std::views::values(configured_)) {
    if (unit.cgroup_id == 0 || !unit.effective.budget) continue;
    slo_cfg cfg = to_cfg(unit.effective, unit.slot, unit.number);
    if (const auto server = reserves_.server_of.find(unit.name); server != reserves_.server_of.end())
      cfg.server = server->second;
    if (shed_.contains(unit.name)) cfg.flags |= SLO_CFG_SHED;
    wanted.insert_or_assign(unit.cgroup_id, cfg);
  }
  add_implicit_cfgs(wanted);
  return wanted;
}

// Where no unit file says anything of a budget.
void Units::add_implicit_cfgs(CfgMap& wanted) const {
  const ByPath units = by_path();
  for (const auto& [name, entry] : entries_) {
    if (entry.fact.cgroup_id == 0) continue;
    const bool is_vital = std::ranges::contains(implicit_units, name);
    if (!is_vital && (operator_permille_ == 0 || !is_operators(name))) continue;
    const Unit* holder = nearest(units, entry.fact.control_group);
    if (holder == nullptr || !holder->effective.budget)
      wanted.insert_or_assign(entry.fact.cgroup_id, is_vital ? implicit_cfg() : operator_cfg());
  }
}

std::vector<CfgChange> Units::take_changes() {
  inherit();
  count_in_slots();
  reserve();
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
