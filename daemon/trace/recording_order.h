// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time_limits.h"
#include "bpf/abi/slo_abi.h"

namespace slo {

inline constexpr TimeLimits recording_limits{.shortest_ns = SLO_NSEC_PER_SEC,
                                             .longest_ns = 600 * SLO_NSEC_PER_SEC};

struct RecordingOrder {
  std::vector<std::string> units;
  std::uint64_t for_usec = 0;
};

// Why an order to record is not carried out.
struct RecordingRefusal {
  enum class Reason : std::uint8_t { invalid, unknown_unit, under_way };
  Reason reason = Reason::invalid;
  std::string text;  // a sentence; with unknown_unit the name of the unit
};

// knows: whether there is such a unit. under_way: there is a recording already. Empty: nothing is wrong.
[[nodiscard]] std::optional<RecordingRefusal> refuse_recording(
    const RecordingOrder& order, const std::function<bool(const std::string& unit)>& knows, bool under_way);

}  // namespace slo
