// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/unit_name.h"
#include "settings/cfg_change.h"
#include "settings/unit_file.h"
#include "settings/unit_search.h"
#include "units/by_path.h"
#include "units/path_tree.h"
#include "units/reserves.h"
#include "units/slots.h"
#include "units/source.h"
#include "units/told_problems.h"
#include "units/told_settings.h"

namespace slo {

// A unit with settings of its own.
struct Unit {
  std::string name;
  std::string control_group;
  std::uint64_t cgroup_id = 0;
  std::string path;                    // its control group, or where that will be; empty: it cannot be told
  SloSettings settings;                // its own
  SloSettings effective;               // completed: its own, else those of units above it, else the defaults
  std::uint32_t number = SLO_NO_UNIT;  // slo_cfg.unit, kept while the unit has settings
  std::uint32_t slot = SLO_NO_SLOT;    // statistics slot that its jobs are counted in
  // Whose slot that is where the unit found none free: that of a unit above it; empty: there is none, and its
  // jobs are not counted. Not set: the slot is its own, or it has had no cgroup, and no job, so far.
  std::optional<std::string> counted_with;
  bool needs_daemon_reload = false;  // as in UnitFact: `settings` are those from before the change
  friend bool operator==(const Unit&, const Unit&) = default;
};

// Unit, cgroup id, settings: who has what, and what changed since last time. No I/O: settings are read by
// `read`, which the constructor is given (read_unit_files, or a fake).
//
// A unit with a budget has a statistics slot while it has settings, running or not, so that it is counted
// from its first job on. Where all are taken those that run come first; the settings of others hold all the
// same, and their jobs are counted with the nearest unit above that has one, until one becomes free.
//
// Where a cgroup that is made will find its settings follows from the same: by its path, if a unit that is
// known will have it; else by the beginning of its name, in templates, prefixes and types with settings.
// Those units are not known before they are there, so the kernel gives them a slot and a number out of a few
// that were set aside, and whoever hears of the unit later finds them by its cgroup.
//
// A few services that a machine cannot be operated without (dbus, logind, journald, this daemon) have a
// budget of SLO_IMPLICIT_BUDGET_NS where no file gives them one: the kernel is told, but they are not
// counted, have no slot, and are not in configured(). Where root works, and what lets root in (sshd, a login
// at a terminal, the emergency shell), tasks of root come before other best effort, as far as the operator's
// reserve goes.
class Units {
 public:
  using Reader = std::function<UnitFileSettings(std::span<const std::string>)>;

  // capacity: how many units can have a statistics slot, 1..SLO_CAPACITY_MAX.
  explicit Units(Reader read, std::uint32_t capacity = SLO_CAPACITY);
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

  // What holds where no unit file says anything: standard_settings() until told otherwise.
  std::vector<CfgChange> set_defaults(SloSettings defaults);

  // CPU time that units with a budget can have together, in thousandths of one CPU: no limit until told.
  std::vector<CfgChange> set_capacity(std::uint64_t permille);
  // What an operator has, in thousandths of one CPU: nothing until told.
  std::vector<CfgChange> set_operator_reserve(std::uint64_t permille);
  // Units that have lost their guarantee under overload.
  std::vector<CfgChange> set_shed(std::set<std::string, std::less<>> names);

  // All units at once (start, resync after daemon-reload): files are read anew, except those that have
  // changed without a daemon-reload, whose last settings stay; units that are not in the list are gone.
  std::vector<CfgChange> listed(const std::vector<UnitFact>& facts);
  // One unit was loaded, started, stopped or changed.
  std::vector<CfgChange> changed(const UnitFact& fact);
  // What gives settings to units by the beginning of their names: read anew.
  std::vector<CfgChange> found_patterns(const std::vector<UnitPattern>& found);
  // systemd unloaded the unit, and no file gives it settings.
  std::vector<CfgChange> gone(std::string_view name);

  // Units with settings of their own, by name.
  [[nodiscard]] const std::map<std::string, Unit, std::less<>>& configured() const;
  [[nodiscard]] bool known(std::string_view name) const;  // listed, with settings or not
  // What systemd said of it last; nullptr when the name is not known.
  [[nodiscard]] const UnitFact* fact(std::string_view name) const;
  // The unit whose settings hold for `name`: itself, or the configured unit whose cgroup is its nearest
  // ancestor; nullptr when none, or when the name is not known.
  [[nodiscard]] const Unit* effective(std::string_view name) const;
  // What holds for `name`, implicit and default settings included; an unknown name has the defaults.
  [[nodiscard]] SloSettings in_force(std::string_view name) const;
  // All that the scheduler must know, for a fresh attach.
  [[nodiscard]] std::vector<CfgChange> all_cfgs() const;
  // As of the last change; the shares as of the last update_shares(), as any unit that starts moves them all.
  [[nodiscard]] const Reserves& reserves() const { return reserves_; }
  void update_shares();
  [[nodiscard]] const std::set<std::string, std::less<>>& shed() const { return shed_; }
  // Problems in the files of all units, as of their last reading, each with the units that have it.
  [[nodiscard]] std::vector<ConfigProblem> problems() const { return told_problems_.present(); }
  [[nodiscard]] std::uint32_t config_errors() const { return told_problems_.errors(); }  // of those
  // Problems that appeared since the last call: each is to be logged once.
  [[nodiscard]] std::vector<ConfigProblem> take_new_problems() { return told_problems_.take_new(); }
  // How many problems are remembered so as not to be told twice; bounded.
  [[nodiscard]] std::size_t remembered_problems() const { return told_problems_.size(); }
  // Slots whose unit lost its settings since the last call: their counters are to be cleared before reuse.
  [[nodiscard]] std::vector<std::uint32_t> take_freed_slots() { return slots_.take_freed(); }
  // The unit whose slot this is, and the unit with this number; nullptr: none any more.
  [[nodiscard]] const Unit* owner_of_slot(std::uint32_t slot) const;
  [[nodiscard]] const Unit* numbered(std::uint32_t number) const;
  // How many units have a finite budget, and how many are counted with another one, or not at all.
  [[nodiscard]] std::size_t with_budget() const { return with_budget_; }
  [[nodiscard]] std::size_t folded() const { return folded_; }
  // Units without settings so far, whose first are in a file that systemd has not read.
  [[nodiscard]] const NameSet& waiting() const { return waiting_; }
  // Of all that systemd has loaded and that have a cgroup.
  [[nodiscard]] UnitNames names() const;
  // Of what is in these cgroups.
  [[nodiscard]] NameSet names_in(const std::set<std::uint64_t>& cgroup_ids) const;
  // Units of which configured() says something else than at the last call; not set: nothing has changed.
  [[nodiscard]] std::optional<NameSet> take_changed();
  // How often so far a unit was looked at to find out what follows from changes: what these cost.
  [[nodiscard]] std::uint64_t looked_at() const { return looked_at_; }
  // Cgroups of units that were not there, or not known, at the last call.
  [[nodiscard]] std::vector<std::uint64_t> take_started();
  // What the kernel was told of a cgroup; nullptr: nothing.
  [[nodiscard]] const slo_cfg* told(std::uint64_t cgroup_id) const { return told_.of(cgroup_id); }

  // What the kernel has to be told of where settings are found.
  [[nodiscard]] PathChanges take_path_changes();
  // One more for the kernel to give away; nothing: no unit could need it.
  [[nodiscard]] std::optional<slo_spare> make_spare();
  // One that the kernel has given away.
  void taken(const slo_spare& spare);
  // Those that went to cgroups which are gone, and were never heard of, are free again.
  void forget_claims(const std::function<bool(std::uint64_t cgroup_id)>& is_gone);

 private:
  // Whatever is known to systemd, configured or not.
  struct Entry {
    UnitFact fact;
    UnitFileSettings read;
  };
  struct Pattern {
    std::string name;
    std::uint32_t type;
    std::string prefix;
    UnitFileSettings read;
  };

  void take_fact(Entry& entry, const UnitFact& fact);
  void note_cgroup(const UnitFact& before, const UnitFact& after);
  void forget_cgroup(const UnitFact& fact);
  [[nodiscard]] std::uint32_t number_for(const UnitFact& fact);
  void read_files(Entry& entry);
  void place(const Entry& entry);
  void take_out(Unit& unit);
  void put_in(Unit& unit);
  void note_change(const Unit& unit);
  void remove(std::string_view name);

  [[nodiscard]] std::vector<CfgChange> take_changes();
  [[nodiscard]] std::vector<Unit*> everything();
  [[nodiscard]] std::vector<Unit*> those_named(const std::set<std::string, std::less<>>& names);
  void inherit(const std::vector<Unit*>& units);
  void count_in_slots(const std::vector<Unit*>& units);
  void give_slots(const std::vector<Unit*>& units);
  void find_slot(Unit& unit);
  [[nodiscard]] const Unit* nearest_with_slot(std::string_view path) const;
  // What holds for one with these settings of its own in this slice.
  [[nodiscard]] SloSettings in_slice(SloSettings own, std::string_view slice) const;
  [[nodiscard]] Reserves current_reserves();
  void follow_reserves(bool all);

  [[nodiscard]] slo_cfg cfg_of(const Unit& unit) const;
  [[nodiscard]] std::optional<slo_cfg> implicit_cfg_of(std::string_view name) const;
  [[nodiscard]] std::optional<slo_cfg> wanted_cfg(std::uint64_t cgroup_id) const;
  [[nodiscard]] CfgMap wanted_cfgs() const;
  [[nodiscard]] Places places() const;
  void note_path(const Unit& unit);
  [[nodiscard]] std::optional<PathChanges> change_paths(const std::set<std::string, std::less<>>& paths);
  void add_patterns(const std::string& slice, Places& places) const;
  [[nodiscard]] std::vector<ConfigProblem> problems_of(std::string_view name) const;
  void note_problems();
  [[nodiscard]] static bool is_waiting(const Entry& entry);
  [[nodiscard]] ConfigProblem scaled_down(const Unit& unit) const;
  [[nodiscard]] ConfigProblem no_slot_for(const Unit& unit) const;

  Reader read_;
  SloSettings defaults_ = standard_settings();
  std::uint64_t capacity_permille_ = 1000 * SLO_MAX_CPUS;
  std::uint64_t operator_permille_ = 0;
  Reserves reserves_;
  std::set<std::string, std::less<>> shed_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::uint64_t, std::set<std::string, std::less<>>> by_cgroup_;  // names in entries_
  std::set<std::string, std::less<>> implicit_;  // of entries_, who may have settings that no file gives them
  std::map<std::string, Unit, std::less<>> configured_;
  UnitsByPath by_path_;                                       // of configured_
  std::unordered_map<std::uint32_t, const Unit*> by_number_;  // of configured_
  std::size_t with_budget_ = 0;                               // of configured_
  std::size_t folded_ = 0;                                    // of configured_
  std::size_t with_reserve_ = 0;                              // of configured_
  bool has_reserves_ = false;                                 // as of reserves_
  Slots slots_;
  std::uint32_t next_number_ = SLO_NO_UNIT + 1;
  ToldSettings told_;
  std::vector<Pattern> patterns_;
  PathTree paths_;
  PathChanges paths_told_;  // the last time, without the changes
  bool has_shared_ = false;
  std::map<std::uint64_t, slo_spare> claims_;  // by cgroup, of units not heard of yet
  std::vector<std::uint64_t> started_;
  ToldProblems told_problems_;
  NameSet waiting_;
  std::set<std::string, std::less<>> problems_stale_;  // units whose problems may be different now
  bool changed_ = false;
  NameSet changed_names_;
  std::uint64_t looked_at_ = 0;

  // What take_changes() and others are to work out anew.
  std::set<std::string, std::less<>> stale_;  // of configured_, what follows from settings
  std::set<std::uint64_t> cgroups_stale_;     // what the kernel is told of them
  bool all_stale_ = false;
  bool tell_all_ = false;
  bool reserves_stale_ = false;
  bool shares_stale_ = false;
  bool paths_stale_ = true;
  std::set<std::string, std::less<>> stale_paths_;  // where less than all are
};

}  // namespace slo
