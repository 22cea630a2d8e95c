// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "trace/format.h"
#include "workload.h"

// What `scx-slo record` recorded, as a workload: each task's jobs with when they woke and what they executed.
namespace slo::sim {

struct TraceSet {
  Workload workload;
  std::uint32_t cpus = 1;
  std::uint64_t span_ns = 0;
  std::string kernel;
  std::string state;                // of the daemon, when it was recorded
  std::uint64_t left_out = 0;       // jobs that are not wholly in the trace, or had a real-time priority
  std::vector<std::uint64_t> jobs;  // of each unit, as recorded, and those over their budget
  std::vector<std::uint64_t> misses;
};

// Takes records one after the other, as a TraceReader hands them out.
class TraceJobs {
 public:
  explicit TraceJobs(const TraceInfo& info);
  void take(const slo_trace_record& record);
  [[nodiscard]] TraceSet finish(std::uint64_t end_ns);

 private:
  enum class Does : std::uint8_t { unknown, waits, runs };
  struct Task {
    std::uint8_t unit = SLO_TRACE_NO_UNIT;
    Does does = Does::unknown;
    bool is_whole = false;  // the job began in the trace, and was never of a real-time class
    std::uint64_t wake_ns = 0;
    std::uint64_t since_ns = 0;
    std::uint64_t exec_ns = 0;
    std::vector<Request> requests;
  };

  void begin_job(Task& task, std::uint64_t now_ns);
  void end_job(Task& task, std::uint64_t now_ns);
  void keep(Task& task);

  TraceInfo info_;
  TraceSet set_;
  std::unordered_map<std::uint32_t, Task> tasks_;  // by tid
};

[[nodiscard]] Result<TraceSet> load_trace(const std::string& path);

}  // namespace slo::sim
