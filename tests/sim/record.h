// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bpf/policy/job.h"
#include "workload.h"

// What came out of a run.
namespace slo::sim {

struct UnitRecord {
  // As scx-slo counts: from wakeup to sleep, against the budget. Those that the end of the run cut off count
  // where they have missed already.
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  std::array<std::uint64_t, SLO_CAUSES> misses_by_cause = {};
  std::vector<std::uint64_t> waits_ns = {};
  std::vector<std::uint64_t> responses_ns = {};
  // As the application counts: what is late was not done by its release plus the budget (metric wait: plus
  // its execution). A task that never catches up has one endless job, and every request late.
  std::uint64_t requests = 0;
  std::uint64_t late = 0;
  std::uint64_t exec_ns = 0;
};

enum class Doing : std::uint8_t { nothing, switching, best_effort, slo };
inline constexpr std::size_t doings = 4;

struct CpuRecord {
  std::array<std::uint64_t, doings> time_ns = {};  // by Doing
  std::uint64_t kicks = 0;
  std::uint64_t switches = 0;
};

struct Record {
  std::uint64_t span_ns = 0;
  std::vector<UnitRecord> units;
  std::vector<CpuRecord> cpus;
  std::vector<std::uint64_t> task_exec_ns;
  // The longest that a task of a unit without a budget waited while no CPU ran best effort.
  std::uint64_t best_effort_gap_ns = 0;
  std::vector<std::vector<std::uint64_t>> task_waits_ns;  // of each task's jobs, the last one unfinished
  // The longest that a task waited while a CPU that it may use was idle.
  std::uint64_t idle_beside_waiting_ns = 0;
};

// CPU time of tasks without a budget, per CPU time there was.
[[nodiscard]] double best_effort_share(const Workload& workload, const Record& record);
[[nodiscard]] double share(const Record& record, Doing doing);
[[nodiscard]] std::uint64_t kicks(const Record& record);
[[nodiscard]] std::uint64_t switches(const Record& record);

// The smallest value that q of all values do not exceed; 0 without any.
[[nodiscard]] std::uint64_t quantile_ns(std::span<const std::uint64_t> values_ns, double q);

}  // namespace slo::sim
