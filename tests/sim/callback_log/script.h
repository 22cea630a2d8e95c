// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "log.h"

// What the tasks of a log did, apart from what the scheduler made of it: how much they executed between two
// things that they did, and which of them an interrupt woke when.
namespace slo::sim {

// Execution, and what the task did then.
struct LoggedStep {
  enum class Then : std::uint8_t { sleep, exit, wake };
  std::uint64_t exec_ns = 0;
  Then then = Then::sleep;
  std::uint32_t tid = 0;  // whom it woke
  bool is_sync = false;
};

// A wakeup by an interrupt, or by what is no task of sched_ext.
struct LoggedWakeup {
  std::uint64_t time_ns = 0;
  std::uint32_t tid = 0;
  std::uint32_t cpu = 0;
  bool is_sync = false;
};

// Lower quartiles.
struct LoggedCosts {
  std::uint64_t switch_ns = 0;  // from the end of one task to the begin of the next
  std::uint64_t kick_ns = 0;    // from a wakeup by an interrupt to the look that it asks for
  std::uint64_t tick_ns = 0;    // from a tick to the look where a slice is over
};

struct LoggedScripts {
  std::size_t begin = 0;  // the first event that they are about: before it all CPUs were idle
  std::map<std::uint32_t, std::vector<LoggedStep>> steps;  // by task; after the last one it runs for ever
  std::vector<LoggedWakeup> wakeups;
  std::vector<LoggedEvent> forks;  // enable(): where a task appeared
  LoggedCosts costs;
};

// None: there is no instant at which all CPUs are idle.
[[nodiscard]] std::optional<LoggedScripts> scripts_of(const CallbackLog& log);

}  // namespace slo::sim
