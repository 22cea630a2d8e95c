// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trace/format.h"

namespace slo::fakes {

inline TraceInfo trace_info() {
  return {.units = {{.name = "a.service",
                     .cgroup_id = 11,
                     .budget_ns = 5'000'000,
                     .max_exec_ns = 100'000'000,
                     .bounds_response = false},
                    {.name = "batch.slice", .cgroup_id = 12}},
          .cpus = 4,
          .start_ns = 1'000,
          .start_realtime_ns = 1'700'000'000'000'000'000,
          .planned_ns = 30'000'000'000,
          .state = "enforcing",
          .kernel = "6.99.1-test"};
}

inline slo_trace_record event(std::uint32_t kind, std::uint64_t time_ns, std::uint32_t tid,
                              std::uint16_t cpu = 0, std::uint8_t unit = 0) {
  return {.time_ns = time_ns, .tid = tid, .cpu = cpu, .unit = unit, .kind = static_cast<slo_u8>(kind)};
}

template <class T>
void append(std::vector<std::byte>& bytes, const T& part) {
  const auto raw = std::as_bytes(std::span(&part, 1));
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

inline std::vector<std::byte> trace_file(const TraceInfo& info, const std::vector<slo_trace_record>& records,
                                         const TraceEnd& end) {
  std::vector<std::byte> bytes = encode_header(info);
  for (const auto& record : records) append(bytes, record);
  append(bytes, encode_end(end));
  return bytes;
}

}  // namespace slo::fakes
