// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attachment/keeper.h"
#include "attachment/kernel.h"
#include "attachment/latch.h"
#include "attachment/requirements.h"
#include "attachment/teller.h"
#include "audience.h"
#include "base/error.h"
#include "base/this_machine.h"
#include "figures/limits.h"
#include "figures/misses.h"
#include "figures/stats.h"
#include "load/leaning.h"
#include "load/shedding.h"
#include "settings/config.h"
#include "trace/recording.h"
#include "trace/source.h"
#include "units/source.h"
#include "units/units.h"

namespace slo {

// What the manager works with; all of it outlives the manager.
struct Surroundings {
  Kernel& kernel;
  UnitSource& source;
  Audience& audience;
  Units::Reader read_unit_files;
  std::function<ConfigReading()> read_config;
  std::function<Requirements()> check_requirements;
  // Looks at the whole machine where that is needed to know what our scheduler would not honour.
  std::function<std::vector<UnkeptSetting>(bool strict)> find_unkept;
  std::function<Result<void>(const Latch&)> keep_latch;
  std::function<Instant()> now;
  // Around each load of BPF programs, which the kernel's verifier may make take a minute or more.
  std::function<void(bool begins)> loading;
  // Around what puts the scheduler in charge: it is to be done before what keeps the machine busy.
  Hurrying hurrying;
  LoadTraceSource load_recorder;
  std::function<Machine()> machine;
  // forward_recording() is to be called about twenty times a second, or no longer.
  std::function<void(bool often)> tick_often;
};

struct LateBudgets {
  std::uint64_t number = 0;
  std::uint64_t latest_ns = 0;  // the longest time between a cgroup and its budget
};

// Ties the rooms together: fact in, decision asked, action passed on. Single-threaded.
class Manager {
 public:
  // config: what the kernel side was made with. latch: what an earlier run left behind.
  Manager(Surroundings surroundings, ConfigReading config, Latch latch);
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // Facts. Nothing is loaded before the first list.
  void units_listed(const std::vector<UnitFact>& facts);
  // What gives settings to units that nobody knows yet; before the list that it comes with.
  void patterns_found(const std::vector<UnitPattern>& patterns);
  void list_failed();  // the one that patterns came with
  void unit_changed(const UnitFact& fact);
  void unit_gone(std::string_view name);
  // Time has passed; about once a second.
  void tick();
  // Every Overload::step_ns, and by itself after misses: who loses its guarantee under overload, who has it
  // back, and who leans on what is not its own.
  void look_at_load();
  // When that is to be done next, unless a job misses or falls behind before.
  [[nodiscard]] std::uint64_t look_after_ns() const { return overload_.look_after_ns(); }
  // A record of the kernel, as it came, about a job that missed or falls behind; the former are told with the
  // next tell_misses().
  void take_event(std::span<const std::byte> record);
  // After events were taken: jobs that missed are told, and looked into. What the limits hold back follows
  // with a tick.
  void tell_misses();

  // Orders. attach() lifts all that keeps the scheduler from being attached by order or by failures; an error
  // when it is not attached afterwards. With trial_ns it detaches by itself after that time unless confirmed,
  // and an attempt that fails leaves everything as it was. detach() is an order that outlives the daemon,
  // and an error where it would not.
  [[nodiscard]] Result<void> attach(std::optional<std::uint64_t> trial_ns = {}) {
    return attachment_.attach(trial_ns);
  }
  [[nodiscard]] Result<void> confirm() { return attachment_.confirm(); }
  [[nodiscard]] Result<void> detach() { return attachment_.detach(); }
  void reload();  // the daemon-wide configuration at once, all units by a fresh list from the source
  void stop();    // the daemon ends
  // Records what the tasks of these units do; they are known, different, and 1..SLO_TRACE_UNITS_MAX, and no
  // recording is under way. Answers with what to read the trace from.
  [[nodiscard]] Result<Fd> record(const std::vector<std::string>& names, std::uint64_t for_ns);
  void forward_recording();

  // Questions.
  [[nodiscard]] State state() const { return attachment_.state(); }
  [[nodiscard]] const std::string& state_reason() const { return attachment_.reason(); }
  // Enforcing was not possible at the last look, against the will of everybody.
  [[nodiscard]] bool cannot_enforce() const { return attachment_.cannot_enforce(); }
  // false: the scheduler is attached and has stopped serving its queues.
  [[nodiscard]] bool scheduler_alive() const { return attachment_.alive(); }
  // What runs is what is wanted: enforcing, idle, or observing by order, and nothing is pending. false:
  // somebody should have a look.
  [[nodiscard]] bool healthy() const { return attachment_.healthy() && pending() == 0; }
  [[nodiscard]] bool recording() const { return recording_.under_way(); }
  [[nodiscard]] Mode mode() const { return config_.config.mode; }
  // Of the scheduler, within the window.
  [[nodiscard]] std::size_t failures() const { return attachment_.failures(); }
  [[nodiscard]] KernelCounters counters() const { return around_.kernel.counters(); }
  [[nodiscard]] const std::map<std::string, Unit, std::less<>>& units() const { return units_.configured(); }
  [[nodiscard]] std::uint32_t capacity() const { return config_.config.tunables.capacity; }
  // What operators have, in thousandths of one CPU; 0: nothing.
  [[nodiscard]] std::uint64_t operator_permille() const { return config_.config.operator_permille; }
  // How many units are counted with another one, or not at all, as the capacity is used up.
  [[nodiscard]] std::size_t folded() const { return units_.folded(); }
  [[nodiscard]] bool knows(std::string_view unit) const { return units_.known(unit); }
  [[nodiscard]] const Unit* effective(std::string_view unit) const { return units_.effective(unit); }
  // What holds for a unit that is known, defaults included.
  [[nodiscard]] std::vector<NamedSetting> settings(std::string_view unit) const;
  // Figures of the unit that holds settings for `unit`, or with whom it is counted; empty when no budget
  // holds for it.
  [[nodiscard]] std::optional<UnitStats> stats(std::string_view unit) const;
  // Values that were ignored, and files that could not be read.
  [[nodiscard]] std::uint32_t config_errors() const;
  // Units that have lost their guarantee under overload, by name.
  [[nodiscard]] const std::set<std::string, std::less<>>& shed() const { return overload_.shed(); }
  [[nodiscard]] const Reserves& reserves() const { return units_.reserves(); }
  // Limits (CPUQuota=) that the scheduler keeps; empty: it does not run, and the kernel keeps them itself.
  [[nodiscard]] std::optional<std::vector<LimitFigures>> limits() const;
  // Units whose budget came after they were made, as nobody could know them, since the daemon started.
  [[nodiscard]] const LateBudgets& late_budgets() const { return late_; }
  // Units whose first settings are in a file that systemd has not read.
  [[nodiscard]] const NameSet& waiting() const { return units_.waiting(); }
  // Settings that are not in force, as the kernel has refused them so far.
  [[nodiscard]] std::size_t pending() const { return teller_.pending(); }
  [[nodiscard]] bool is_pending(const Unit& unit) const { return teller_.is_pending(unit.cgroup_id); }
  // What is set on the machine and not honoured; empty while the scheduler does not run.
  [[nodiscard]] const std::vector<UnkeptSetting>& unkept() const { return unkept_; }
  [[nodiscard]] bool strict() const { return config_.config.strict; }

 private:
  void tell_changes(const std::vector<CfgChange>& changes, bool all_anew);
  void tell_kernel(const std::vector<CfgChange>& changes, bool all_anew);
  void tell_paths();
  void tell_problems();
  void show_pending();
  void tell_left_out(std::size_t left_out);
  void judge_start(std::uint64_t cgroup_id);
  void tend_spares();
  [[nodiscard]] std::vector<LoadSample> load_samples();
  [[nodiscard]] std::uint64_t capacity_permille() const;
  [[nodiscard]] TraceUnit trace_unit(const std::string& name) const;
  [[nodiscard]] std::optional<Whose> whose(std::uint32_t slot, std::uint32_t number) const;
  [[nodiscard]] Requirements check_requirements();
  void look_at_limits();
  void tell_health();
  void take_config(ConfigReading reading);

  Surroundings around_;
  ConfigReading config_;
  Units units_;
  MissReports misses_;
  AttachmentKeeper attachment_;
  Teller teller_;
  Recording recording_;
  Overload overload_;
  Leaning leaning_;
  std::vector<UnkeptSetting> found_unkept_;  // at the last look before attaching
  std::vector<UnkeptSetting> unkept_;
  LateBudgets late_;
  std::size_t paths_left_out_ = 0;
  bool list_under_way_ = false;
  bool has_missed_ = false;  // a job, since the last look
  bool was_healthy_ = true;
};

}  // namespace slo
