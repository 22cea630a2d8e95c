// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <vector>

#include "trace/format.h"

// What the records of a trace add up to, unit by unit.
namespace slo::client {

struct UnitTotals {
  TraceUnit unit;
  std::set<std::uint32_t> tids = {};
  std::uint64_t wakes = 0;  // forks included
  std::uint64_t runs = 0;
  std::uint64_t stops = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t exits = 0;
  std::uint64_t real_time = 0;  // records of tasks that had a real-time priority
  std::uint64_t exec_ns = 0;
  std::uint64_t wait_ns = 0;
  // Of jobs that are in the trace from their beginning to their end.
  std::uint64_t jobs = 0;
  std::uint64_t over_budget = 0;
  std::uint64_t wait_max_ns = 0;
};

class TraceTotals {
 public:
  explicit TraceTotals(const TraceInfo& info);
  // One record after the other, as a TraceReader hands them out.
  void take(const slo_trace_record& record);
  // In the order of the trace.
  [[nodiscard]] const std::vector<UnitTotals>& units() const { return units_; }

 private:
  enum class Does : std::uint8_t { unknown, waits, runs };
  struct Task {
    std::uint8_t unit = SLO_TRACE_NO_UNIT;
    Does does = Does::unknown;
    bool whole = false;  // the job began in the trace
    std::uint64_t since_ns = 0;
    std::uint64_t wait_ns = 0;  // of the job
    std::uint64_t exec_ns = 0;
  };

  static void pass(Task& task, UnitTotals& unit, std::uint64_t now_ns);
  static void end_job(Task& task, UnitTotals& unit);

  std::vector<UnitTotals> units_;
  std::unordered_map<std::uint32_t, Task> tasks_;  // by tid
};

}  // namespace slo::client
