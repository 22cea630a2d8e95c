// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "../workload.h"

namespace slo::sim {

// What may happen to a machine.
enum class Verb : std::uint8_t {
  wake,   // a task, to execute so much; one that does not sleep goes on for so much longer
  sleep,  // as soon as it has a CPU
  fork,   // a running task; its child has a name, unless there are many
  exit,   // by SIGKILL
  yield,  // sched_yield() of a running task
  affinity,
  hold,     // migrate_disable() of a running task
  release,  // migrate_enable(), likewise
  move,     // to the cgroup of another unit
  nice,
  real_time,  // priority; 0: a normal task again
  weight,     // CPUWeight= of a unit; the next three are settings that the daemon tells
  budget,
  importance,
  reserve,
  offline,
  online,
  attach,
  detach,
  limit,  // CPUQuota= of a unit; 0: none
  freeze,
  thaw,
  lock_rcu,  // rcu_read_lock() of a running task
  unlock_rcu,
  fault,  // a page fault of a running task begins; ends
  fault_ends,
};

// At an instant, and some times more, at even distances.
struct Step {
  std::uint64_t at_us = 0;
  Verb verb = Verb::wake;
  std::uint64_t subject = 0;  // a task by its name, a unit, or a CPU
  std::int64_t value = 0;     // of the verb: see story.cpp
  std::uint64_t from = 0;     // the CPU from which it is woken; the name of a child; a limit's period
  bool is_sync = false;
  std::uint64_t times = 1;
  std::uint64_t every_us = 0;
  friend bool operator==(const Step&, const Step&) = default;
};

// A machine, units, tasks that sleep, and what happens: steps that make no sense (any more) do nothing, so
// every part of a story is one. One line each, to be printed and read back.
struct Story {
  Machine machine = {};
  bool is_6_12 = false;
  std::uint64_t attach_us = 0;  // how long the kernel bypasses the scheduler while it attaches
  std::uint64_t seed = 1;       // of the machine
  std::uint64_t span_us = 0;    // then all tasks are sent to sleep
  std::vector<Unit> units;
  std::vector<std::uint32_t> tasks;  // their units; names are their places here
  std::vector<Step> steps;           // by time
};

[[nodiscard]] std::string to_text(const Story& story);
[[nodiscard]] std::string to_text(const Step& step);
// The error: the number of the line, and what is wrong with it.
[[nodiscard]] std::expected<Story, std::string> parse_story(const std::string& text);

}  // namespace slo::sim
