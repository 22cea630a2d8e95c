// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audience.h"
#include "error.h"
#include "scheduler_kernel.h"
#include "state.h"
#include "stats.h"
#include "units.h"

namespace slo {

// Where units come from. Answers reach the manager as facts (units_listed, unit_changed, unit_gone).
class UnitSource {
 public:
  virtual ~UnitSource() = default;
  virtual void request_list() = 0;  // asynchronous: ends in Manager::units_listed
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

  // Orders. attach() checks the requirements first; both are no-ops when already so.
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
  void set_state(State state, std::string reason);
  [[nodiscard]] std::string enforcing_reason() const;

  SchedulerKernel& kernel_;
  UnitSource& source_;
  Audience& audience_;
  Units units_;
  std::function<std::vector<std::string>()> missing_requirements_;
  State state_ = State::idle;
  std::string reason_ = "not attached yet";
};

}  // namespace slo
