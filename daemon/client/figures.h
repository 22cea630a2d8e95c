// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

// What the daemon says on the bus, decoded. Times are microseconds.
namespace slo::client {

// One setting that holds for a unit.
struct UnitSetting {
  std::string key;         // "SloBudget"
  std::string value;       // "5ms"
  std::string file;        // empty: the default
  std::uint32_t line = 0;  // 0: none in particular
};

struct Overview {
  std::string version;
  std::string mode;
  std::string state;
  std::string reason;
  std::uint32_t config_errors = 0;
};

struct Latency {
  std::optional<std::uint64_t> p50_usec, p90_usec, p99_usec, p999_usec, max_usec;  // empty: not yet known
};

// A unit with settings of its own. The counters cover all that runs under these settings, inheriting units
// included.
struct UnitReport {
  std::string name;
  std::string control_group;                 // empty: the unit has none now
  std::uint64_t control_group_id = 0;        // 0: the unit has none now
  std::optional<std::uint64_t> budget_usec;  // empty: infinity
  std::string budget_origin;                 // "file:line"
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  std::optional<double> miss_ratio;  // 0..1; empty without jobs
  std::uint64_t demotions = 0;
  std::uint64_t exec_usec = 0;
  Latency wait;
  Latency response;
};

}  // namespace slo::client
