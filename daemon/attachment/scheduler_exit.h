// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

namespace slo {

// Why the scheduler ended, from its exit record.
struct SchedulerExit {
  std::uint32_t kind = 0;  // enum scx_exit_kind
  std::uint64_t exit_code = 0;
  std::string reason = {};
  std::string message = {};
  std::string dump = {};
};

// Its words fit to be shown: the dump keeps its lines.
[[nodiscard]] SchedulerExit printable(SchedulerExit exit);

// What an end means for what is done next.
enum class EndKind : std::uint8_t {
  failure,  // by an error, or by someone outside
  restart,  // by the kernel, which asks for it to be attached anew (CPU hotplug)
  sysrq,    // by an operator, with sysrq-S
};
[[nodiscard]] EndKind kind_of(const SchedulerExit& exit);

// One clause for an operator: who ended it, and the kernel's words, fit for one line.
[[nodiscard]] std::string why_ended(const SchedulerExit& exit);

}  // namespace slo
