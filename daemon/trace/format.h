// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "bpf/abi/slo_trace.h"

namespace slo {

// The file of bpf/abi/slo_trace.h, written and read. No I/O.

struct TraceUnit {
  std::string name;
  std::uint64_t cgroup_id = 0;    // 0: it did not run
  std::uint64_t budget_ns = 0;    // 0: none
  std::uint64_t max_exec_ns = 0;  // 0 without a budget
  bool bounds_response = false;   // else the wait
  friend bool operator==(const TraceUnit&, const TraceUnit&) = default;
};

// What stands at the beginning.
struct TraceInfo {
  std::vector<TraceUnit> units = {};  // 1..SLO_TRACE_UNITS_MAX
  std::uint32_t cpus = 0;             // online at the start
  std::uint64_t start_ns = 0;         // CLOCK_MONOTONIC
  std::uint64_t start_realtime_ns = 0;
  std::uint64_t planned_ns = 0;
  std::string state = {};   // of the daemon at the start: "enforcing"
  std::string kernel = {};  // its release
  friend bool operator==(const TraceInfo&, const TraceInfo&) = default;
};

// What stands at the end.
struct TraceEnd {
  std::uint64_t time_ns = 0;
  std::uint32_t reason = SLO_TRACE_END_TIME;
  std::uint64_t records = 0;
  std::uint64_t lost = 0;
  friend bool operator==(const TraceEnd&, const TraceEnd&) = default;
};

// Names that are too long for the file are cut.
[[nodiscard]] std::vector<std::byte> encode_header(const TraceInfo& info);
[[nodiscard]] slo_trace_end encode_end(const TraceEnd& end);
// A record that says that others are missing.
[[nodiscard]] slo_trace_record lost_record(std::uint64_t time_ns, std::uint32_t count);

// Of a record, without SLO_TRACE_REAL_TIME.
[[nodiscard]] inline std::uint32_t kind_of(const slo_trace_record& record) {
  return record.kind & ~SLO_TRACE_REAL_TIME;
}
// "wake", "fork", "run", "stop", "sleep", "exit", "lost".
[[nodiscard]] std::string_view kind_name(std::uint32_t kind);

// Reads a trace in pieces of any size, as they come out of a pipe or a file.
class TraceReader {
 public:
  // Told of each record, those of SLO_TRACE_LOST included; its unit is one of info().
  using Take = std::function<void(const slo_trace_record&)>;

  // An error is for good: the bytes are no trace, or none of this version.
  [[nodiscard]] Result<void> feed(std::span<const std::byte> piece, const Take& take);

  // The header; empty until it was read.
  [[nodiscard]] const std::optional<TraceInfo>& info() const { return info_; }
  // Empty until it was read: a file that ends before was cut short.
  [[nodiscard]] const std::optional<TraceEnd>& end() const { return end_; }
  // So far.
  [[nodiscard]] std::uint64_t records() const { return records_; }
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  // The latest time of all records; the start without any.
  [[nodiscard]] std::uint64_t last_ns() const { return last_ns_; }
  // Bytes at the end of what was fed that are part of something whose rest has not come.
  [[nodiscard]] std::size_t unfinished() const { return rest_.size(); }

 private:
  [[nodiscard]] Result<std::size_t> read_next(std::span<const std::byte> bytes, const Take& take);
  [[nodiscard]] Result<std::size_t> read_header(std::span<const std::byte> bytes);
  [[nodiscard]] Result<std::size_t> read_record(std::span<const std::byte> bytes, const Take& take);

  std::vector<std::byte> rest_;
  std::optional<TraceInfo> info_;
  std::optional<TraceEnd> end_;
  std::uint64_t records_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t offset_ = 0;  // of what is read next
  std::optional<Error> failed_;
};

}  // namespace slo
