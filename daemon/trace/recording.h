// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "trace/format.h"
#include "trace/pipe.h"
#include "trace/source.h"

namespace slo {

class Units;

// The one recording that may be under way: takes records from the kernel and passes them on to a reader. What
// a slow reader does not take stays in the kernel, and what finds no room there is lost, counted, and said in
// the trace: nothing here grows. All times are CLOCK_MONOTONIC.
class Recording {
 public:
  // tick_often: forward() is to be called about twenty times a second, or no longer.
  explicit Recording(std::function<void(bool often)> tick_often);

  [[nodiscard]] bool under_way() const { return run_.has_value(); }
  // Lasts from info.start_ns for info.planned_ns; none is under way. Answers with what to read the trace
  // from.
  [[nodiscard]] Result<Fd> begin(std::unique_ptr<TraceSource> source, const TraceInfo& info);
  // Units may have got, or lost, their cgroups.
  void follow(const Units& units);
  void forward(std::uint64_t now_ns);
  // The daemon ends: what there is goes out now, or not at all.
  void stop(std::uint64_t now_ns);

 private:
  struct Chosen {
    std::string unit;
    std::uint64_t cgroup_id = 0;
  };
  struct Run {
    std::unique_ptr<TraceSource> source;
    TracePipe pipe;
    std::vector<Chosen> units;
    std::uint64_t end_ns = 0;
    std::vector<std::byte> out;  // on its way into the pipe
    std::size_t out_done = 0;
    std::uint64_t records = 0;
    std::uint64_t lost = 0;                        // as far as the trace says so
    std::optional<std::uint64_t> stopped_ns = {};  // nothing new comes from the kernel since
    bool complete = false;                         // the end is in `out`
  };

  static void pump(Run& run, std::uint64_t now_ns);
  static void refill(Run& run, std::uint64_t now_ns);
  static void add_end(Run& run, std::uint64_t now_ns, std::uint32_t reason);
  [[nodiscard]] static bool flush(Run& run);
  void drop();

  std::function<void(bool)> tick_often_;
  std::optional<Run> run_;
};

}  // namespace slo
