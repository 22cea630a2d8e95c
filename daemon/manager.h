// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "error.h"
#include "stats.h"
#include "units.h"

namespace slo {

enum class State : std::uint8_t { idle, enforcing, observing, recovering, failed };
[[nodiscard]] std::string_view to_string(State state);

// Why the scheduler ended, from its exit record.
struct SchedulerExit {
  std::uint32_t kind = 0;  // enum scx_exit_kind
  std::uint64_t exit_code = 0;
  std::string reason;
  std::string message;
  std::string dump;
};

// The scheduler in the kernel. Implemented by KernelScheduler (kernel.h), by a fake in tests.
class SchedulerKernel {
 public:
  virtual ~SchedulerKernel() = default;
  // Loads, attaches, and looks at the exit record: success means that the scheduler runs. A stopped one is
  // loaded anew.
  [[nodiscard]] virtual Result<void> attach() = 0;
  virtual void detach() = 0;
  [[nodiscard]] virtual bool attached() const = 0;
  // Set once the scheduler of the last attach has ended, for whatever reason.
  [[nodiscard]] virtual std::optional<SchedulerExit> exit_record() const = 0;
  // Only while attached. Effective for every task of the cgroup from its next enqueue on.
  [[nodiscard]] virtual Result<void> apply(const CfgChange& change) = 0;
  // Totals of one slot over all shards since the last attach or clear; readable until detach() or the next
  // attach(), also after the scheduler ended by itself. Zero when nothing is loaded.
  [[nodiscard]] virtual slo_stats read_stats(std::uint32_t slot) const = 0;
  virtual void clear_stats(std::uint32_t slot) = 0;
};

// Where units come from. Answers reach the manager as facts (units_listed, unit_changed, unit_gone).
class UnitSource {
 public:
  virtual ~UnitSource() = default;
  virtual void request_list() = 0;  // asynchronous: ends in Manager::units_listed
};

// Who is told. Calls come from inside the manager's methods: do not call back into it.
class Audience {
 public:
  virtual ~Audience() = default;
  virtual void state_changed(State state, const std::string& reason) = 0;
  virtual void units_changed() = 0;                               // which units are configured, or how
  virtual void config_problem(const ConfigProblem& problem) = 0;  // log it, once
  virtual void scheduler_ended(const SchedulerExit& exit) = 0;    // log it with its dump
  virtual void failed(const Error& error) = 0;                    // log it
};

// Ties the rooms together: fact in, decision asked, action passed on. Single-threaded.
class Manager {
 public:
  Manager(SchedulerKernel& kernel, UnitSource& source, Audience& audience, Units::Reader reader,
          std::function<std::vector<std::string>()> missing_requirements);

  // Facts.
  void units_listed(const std::vector<UnitFact>& facts);
  void unit_changed(const UnitFact& fact);
  void unit_gone(std::string_view name);
  // Looks whether the scheduler still runs; called about once a second.
  void check_scheduler();

  // Orders. attach() checks the requirements first; detach() keeps the counters; both are no-ops when already
  // so.
  [[nodiscard]] Result<void> attach();
  void detach(const std::string& why);
  void reload();  // re-reads all unit files (by a fresh list from the source)

  // Questions.
  [[nodiscard]] State state() const;
  [[nodiscard]] const std::string& state_reason() const;
  [[nodiscard]] const std::map<std::string, Unit, std::less<>>& units() const;
  [[nodiscard]] bool knows(std::string_view unit) const;
  [[nodiscard]] const Unit* effective(std::string_view unit) const;
  // Figures of the unit that holds settings for `unit`; empty when no settings hold for it.
  [[nodiscard]] std::optional<UnitStats> stats(std::string_view unit) const;
  // Values that were ignored, and files that could not be read.
  [[nodiscard]] std::uint32_t config_errors() const;

 private:
  void tell_changes(const std::vector<CfgChange>& changes, bool all_anew);
  void apply(const CfgChange& change);
  void keep_counters();
  void set_state(State state, std::string reason);
  [[nodiscard]] std::string enforcing_reason() const;

  SchedulerKernel& kernel_;
  UnitSource& source_;
  Audience& audience_;
  Units units_;
  std::function<std::vector<std::string>()> missing_requirements_;
  State state_ = State::idle;
  std::string reason_ = "not attached yet";
  std::map<std::uint32_t, slo_stats> kept_;  // by slot: what was counted before the last attach
};

}  // namespace slo
