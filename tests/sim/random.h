// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <random>

// Randomness is always passed in. The library's distributions differ between implementations, the engine does
// not: what is drawn here is the same everywhere.
namespace slo::sim {

using Random = std::mt19937_64;

// 0 <= value < end; 0 where end is 0.
[[nodiscard]] inline std::uint64_t below(Random& random, std::uint64_t end) {
  return end != 0 ? random() % end : 0;
}

// 0 <= value < 1.
[[nodiscard]] inline double fraction(Random& random) {
  return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

}  // namespace slo::sim
