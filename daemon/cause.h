// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>

#include "bpf/slo_abi.h"

namespace slo {

// The word for SLO_CAUSE_*, as the journal and the bus have it; "unknown" for what a newer kernel side may
// say.
[[nodiscard]] constexpr std::string_view cause_word(std::uint32_t cause) {
  switch (cause) {
    case SLO_CAUSE_LATE_START:
      return "late-start";
    case SLO_CAUSE_PREEMPTED:
      return "preempted";
    case SLO_CAUSE_OVERLONG:
      return "overlong";
    case SLO_CAUSE_OVERRUN:
      return "overrun";
    default:
      return "unknown";
  }
}

}  // namespace slo
