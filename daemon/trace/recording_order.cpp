// SPDX-License-Identifier: GPL-2.0-only
#include "trace/recording_order.h"

#include <algorithm>
#include <set>

#include "bpf/abi/slo_trace.h"

namespace slo {
std::optional<RecordingRefusal> refuse_recording(const RecordingOrder& order,
                                                 const std::function<bool(const std::string& unit)>& knows,
                                                 bool under_way) {
  using Reason = RecordingRefusal::Reason;
  const auto& [units, for_usec] = order;
  if (!recording_limits.accept_usec(for_usec))
    return RecordingRefusal{Reason::invalid, "a recording of " + std::to_string(for_usec) +
                                                 " us: accepted is " + recording_limits.to_string()};
  if (units.empty() || units.size() > SLO_TRACE_UNITS_MAX)
    return RecordingRefusal{Reason::invalid, "a recording of " + std::to_string(units.size()) +
                                                 " units: accepted is 1 to " +
                                                 std::to_string(SLO_TRACE_UNITS_MAX)};
  if (std::set<std::string>(units.begin(), units.end()).size() < units.size())
    return RecordingRefusal{Reason::invalid, "a recording names a unit twice"};
  if (const auto unknown = std::ranges::find_if_not(units, knows); unknown != units.end())
    return RecordingRefusal{Reason::unknown_unit, *unknown};
  if (under_way)
    return RecordingRefusal{Reason::under_way, "a recording is under way, and there can be one at a time"};
  return std::nullopt;
}

}  // namespace slo
