// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "figures/histogram.h"
#include "settings/unit_settings.h"

// What the daemon says on the bus, decoded. Times are microseconds.
namespace slo::client {

// One setting that holds for a unit.
struct UnitSetting {
  std::string key;         // "SloBudget"
  std::string value;       // "5ms"
  std::string file;        // empty: the default
  std::uint32_t line = 0;  // 0: none in particular
};

// Something that is set on the machine and not honoured.
struct UnkeptReport {
  std::string unit;
  std::string setting;  // "CPUQuota="
  std::string why;
};

struct Overview {
  std::string version = {};
  std::string mode = {};
  std::string state = {};
  std::string reason = {};
  bool healthy = false;  // what runs is what is wanted; else somebody should have a look
  std::uint32_t config_errors = 0;
  std::uint32_t pending = 0;              // settings that the kernel has refused
  std::vector<std::string> waiting = {};  // units whose first settings systemd has not read
  std::uint32_t failures = 0;             // of the scheduler, within RetryWindow=
  std::uint64_t events_lost = 0;
  std::uint64_t untracked = 0;
  std::uint64_t late_budgets = 0;  // units that were there before their budget was
  std::uint64_t late_budget_max_usec = 0;
  bool systemd_behind = false;  // it has not told of all units
  std::uint64_t log_lines_lost = 0;
  std::uint64_t longest_turn_usec = 0;  // of the daemon's event loop
  std::uint64_t longest_loading_turn_usec = 0;
  std::uint32_t capacity = 0;               // how many units can be counted by themselves; 0: not known
  std::uint32_t folded = 0;                 // how many find no place there
  std::vector<std::string> shed = {};       // units that have lost their guarantee under overload
  std::uint64_t operator_reserve_usec = 0;  // of each second; 0: operators have none
  bool strict = false;                      // Strict=
  std::uint32_t limited_units = 0;          // control groups with CPUQuota= that are in use
  std::uint32_t throttled_units = 0;        // of these, those that have used it up now
  std::vector<UnkeptReport> unkept = {};
  std::string scheduler = {};  // the sched_ext scheduler that the kernel names; empty: the kernel's own runs
};

struct Latency {
  std::optional<std::uint64_t> mean_usec = {};  // empty without jobs
  // Empty: not yet known.
  std::optional<std::uint64_t> p50_usec = {}, p90_usec = {}, p99_usec = {}, p999_usec = {}, max_usec = {};
  Histogram histogram = {};
};

// Missed jobs by why they missed.
struct Causes {
  std::uint64_t late_start = 0;
  std::uint64_t preempted = 0;
  std::uint64_t overlong = 0;
  std::uint64_t overrun = 0;
  std::uint64_t throttled = 0;
};

// Settings by their type on the bus.
using Shown_t = std::optional<std::uint64_t>;  // empty: infinity, or none
using Shown_s = std::string;
using Shown_d = double;

// A unit with settings of its own. The counters cover all that runs under these settings, inheriting units
// included.
struct UnitReport {
  std::string name;
  std::string control_group;           // empty: the unit has none now
  std::uint64_t control_group_id = 0;  // 0: the unit has none now
  // budget_usec and all others, by their keys in JSON; an objective of 0 is not known.
#define SLO_MEMBER(member, Type, Suffix, type, json, ...) Shown_##type json{};
  SLO_UNIT_SETTINGS(SLO_MEMBER)
#undef SLO_MEMBER
  std::string budget_origin;  // "file:line"
  bool need_daemon_reload = false;
  bool pending = false;  // the settings are not in force, as the kernel has refused them
  // The unit above that counts the jobs of this one, which has no counters of its own; empty: nobody does.
  // Not set: the unit has its own; else nothing below is known.
  std::optional<std::string> counted_with = {};
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  Causes causes;
  std::optional<double> miss_ratio;  // 0..1; empty without jobs
  std::uint64_t demotions = 0;
  std::uint64_t renewals = 0;  // of keys of jobs that were very late
  std::uint64_t exec_usec = 0;
  std::uint64_t key_exec_usec = 0;        // of it, served by key: before best effort
  std::uint64_t throttled_exec_usec = 0;  // of it, as best effort while a reserve was used up
  Latency wait;
  Latency response;

  // What the budget bounds: the response, or else the wait.
  [[nodiscard]] bool bounds_response() const { return metric == "response"; }
  [[nodiscard]] const Latency& bounded() const { return bounds_response() ? response : wait; }

  // Of all jobs since the daemon began to count. Empty without jobs or objective.
  [[nodiscard]] std::optional<bool> objective_kept() const {
    if (jobs == 0 || objective == 0) return {};
    // The objective has six digits at most; what is beyond comes from its being a binary fraction.
    constexpr double tolerance = 1e-9;
    return static_cast<double>(misses) <= static_cast<double>(jobs) * (1 - objective + tolerance);
  }
};

}  // namespace slo::client
