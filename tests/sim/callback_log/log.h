// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"

// What `callback_log` of tests/workloads logged on a kernel: each callback of the scheduler, and what tasks
// and cgroups there were.
namespace slo::sim {

enum class LoggedKind : std::uint8_t {
  select_cpu,
  enqueue,
  dispatch,
  update_idle,
  running,
  tick,
  stopping,
  enable,
  disable,
  waking,   // of a real-time task
  switches  // to or from one
};

[[nodiscard]] const char* name_of(LoggedKind kind);

// How a task stopped: bits of the value of such an event. None: the kernel changes it.
inline constexpr std::uint64_t stopped_runnable = 1;
inline constexpr std::uint64_t stopped_asleep = 2;
inline constexpr std::uint64_t stopped_dead = 4;
inline constexpr unsigned stopped_bits = 3;

struct LoggedEvent {
  std::uint64_t time_ns = 0;
  LoggedKind kind = LoggedKind::tick;
  std::uint32_t cpu = 0;
  std::uint32_t tid = 0;    // 0: none
  std::uint64_t value = 0;  // flags; of update_idle whether it is idle; of stopping stopped_*
  std::uint32_t by = 0;     // what ran there; 0: nothing, or an interrupt had come in between
};

// A task when it was first seen, and when it was seen in another cgroup.
struct LoggedTask {
  std::uint64_t time_ns = 0;
  std::uint32_t tid = 0;
  std::string comm;
  std::uint64_t group = 0;
  std::uint32_t cpu = 0;
  std::uint64_t cpus = 0;  // mask
  std::uint32_t flags = 0;
  std::int64_t prio = 120;
};

struct LoggedGroup {
  std::uint64_t id = 0;
  std::string path;
  std::uint32_t weight = 0;  // 0: it has no cpu controller
  bool is_idle = false;
  std::uint64_t budget_ns = 0;
  std::uint64_t max_exec_ns = 0;
  std::uint32_t importance = 100;
  std::uint32_t flags = 0;  // SLO_CFG_*
};

struct CallbackLog {
  std::string kernel;
  std::uint32_t cpus = 1;
  std::vector<LoggedGroup> groups;  // those above come first
  std::vector<LoggedTask> tasks;    // as they were seen
  std::vector<LoggedEvent> events;  // in their order
};

// The error names the file, the line and what is accepted there.
[[nodiscard]] Result<CallbackLog> load_callback_log(const std::string& path);

}  // namespace slo::sim
