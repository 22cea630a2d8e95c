// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>

namespace slo {

// One moment on the clocks of the kernel.
struct Instant {
  std::uint64_t boot_ns = 0;       // CLOCK_BOOTTIME: goes on while the machine sleeps
  std::uint64_t monotonic_ns = 0;  // CLOCK_MONOTONIC, that of the heartbeat
  std::uint64_t realtime_ns = 0;   // CLOCK_REALTIME, for people
};

// What a trace says of the machine.
struct Machine {
  std::uint32_t cpus = 0;  // online
  std::string kernel = {};
};

// Throws std::system_error.
[[nodiscard]] Instant now();
[[nodiscard]] Machine this_machine();

}  // namespace slo
