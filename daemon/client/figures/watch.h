// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/figures/interval.h"
#include "client/figures/unit_report.h"

// `scx-slo stats --watch`: what is printed next, given what the daemon says now and what it said before.
namespace slo::client {

// What the daemon says at one moment.
struct Reading {
  std::string daemon;  // its unique name on the bus: another name is another process, which counts from 0
  std::string state;   // "enforcing"
  std::string reason;
  std::vector<UnitReport> units;
};

struct WatchedUnit {
  UnitReport report;
  std::optional<Interval> last;  // empty where there is nothing to compare with
  bool counted_anew = false;     // by the same daemon; its settings were taken away and given again, say
};

struct Print {
  std::string state;
  std::string reason;
  bool restarted = false;  // the daemon, since the last print
  std::vector<WatchedUnit> units;
};

class Watch {
 public:
  // now_usec: of a clock that never goes back.
  [[nodiscard]] Print take(Reading reading, std::uint64_t now_usec);

 private:
  [[nodiscard]] WatchedUnit compare(const UnitReport& report, std::uint64_t now_usec) const;

  std::optional<Reading> before_;
  std::uint64_t before_usec_ = 0;
};

// The first instant after `now_usec` that is a whole number of intervals away from `due_usec`: prints that
// took too long are left out, and the others keep their beat.
[[nodiscard]] std::uint64_t next_due_usec(std::uint64_t due_usec, std::uint64_t interval_usec,
                                          std::uint64_t now_usec);

}  // namespace slo::client
