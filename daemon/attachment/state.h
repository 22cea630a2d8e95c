// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>

namespace slo {

enum class State : std::uint8_t {
  idle,        // no unit has a budget: nothing of ours is in the kernel
  enforcing,   // our scheduler is attached
  observing,   // the probes measure under whatever scheduler runs
  recovering,  // our scheduler failed and is attached again after a pause
  failed,      // neither the scheduler nor the probes can be loaded
};

// What of ours is in the kernel.
enum class Driver : std::uint8_t { none, observer, scheduler };

[[nodiscard]] constexpr std::string_view to_string(State state) {
  switch (state) {
    case State::idle:
      return "idle";
    case State::enforcing:
      return "enforcing";
    case State::observing:
      return "observing";
    case State::recovering:
      return "recovering";
    case State::failed:
      return "failed";
  }
  return "unknown";
}

}  // namespace slo
