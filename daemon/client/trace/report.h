// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/trace/totals.h"
#include "trace/format.h"

// What `scx-slo record` and `scx-slo show-trace` print.
namespace slo::client {

// While a recording runs: "12s left, 345678 records, 0 lost, 5.3 MiB".
struct RecordProgress {
  std::uint64_t left_ns = 0;
  std::uint64_t records = 0;
  std::uint64_t lost = 0;
  std::uint64_t bytes = 0;
};
[[nodiscard]] std::string progress_text(const RecordProgress& progress);

// Once it is over.
struct Recorded {
  std::string file;  // "-": standard output
  TraceInfo info;
  TraceEnd end;
  std::uint64_t bytes = 0;
};
[[nodiscard]] std::string recorded_text(const Recorded& recorded);
[[nodiscard]] std::string recorded_json(const Recorded& recorded);

// A file that was read.
struct ShownTrace {
  std::string file;
  TraceInfo info;
  std::optional<TraceEnd> end = {};  // empty: it was cut short
  std::uint64_t records = 0;
  std::uint64_t lost = 0;
  std::uint64_t last_ns = 0;
};
// start: when it began, as text in local time.
[[nodiscard]] std::string trace_text(const ShownTrace& trace, const TraceTotals& totals,
                                     std::string_view start);
[[nodiscard]] std::string trace_json(const ShownTrace& trace, const TraceTotals& totals);
// One record as a line.
[[nodiscard]] std::string record_text(const TraceInfo& info, const slo_trace_record& record);

}  // namespace slo::client
