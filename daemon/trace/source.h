// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/error.h"
#include "bpf/abi/slo_trace.h"

namespace slo {

// The kernel's side of a recording, loaded. Whatever ends its life leaves nothing of it in the kernel.
// Implemented in kernel/recorder.cpp, by a fake in tests.
class TraceSource {
 public:
  virtual ~TraceSource() = default;
  // This cgroup, and all below it, is the unit with this index from now on; or is of no unit of its own.
  [[nodiscard]] virtual Result<void> follow(std::uint64_t cgroup_id, std::uint32_t unit) = 0;
  virtual void forget(std::uint64_t cgroup_id) = 0;
  // Success means that it records.
  [[nodiscard]] virtual Result<void> start() = 0;
  // Takes out records that wait, in their order. Fewer than there is room for: no more wait.
  [[nodiscard]] virtual std::size_t take(std::span<slo_trace_record> room) = 0;
  // Records that found no room since the start.
  [[nodiscard]] virtual std::uint64_t lost() const = 0;
  // What waits stays and can be taken.
  virtual void stop() = 0;
};

using LoadTraceSource = std::function<Result<std::unique_ptr<TraceSource>>()>;

}  // namespace slo
