// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

#include "base/time_span.h"

namespace slo {

// From when to when a time is accepted.
struct TimeLimits {
  std::uint64_t shortest_ns = 0;
  std::uint64_t longest_ns = 0;

  [[nodiscard]] constexpr bool accept_ns(std::uint64_t ns) const {
    return ns >= shortest_ns && ns <= longest_ns;
  }
  // Both limits are whole microseconds.
  [[nodiscard]] constexpr bool accept_usec(std::uint64_t usec) const {
    return usec >= shortest_ns / 1000 && usec <= longest_ns / 1000;
  }
  // "1s to 10min"
  [[nodiscard]] std::string to_string() const {
    return format_time_span_ns(shortest_ns) + " to " + format_time_span_ns(longest_ns);
  }
};

}  // namespace slo
