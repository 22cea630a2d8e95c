// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "story.h"

namespace slo::sim {

// The story of a seed. Stories differ in what happens often and what never: see "swarm testing" (A. Groce and
// others, ISSTA 2012).
[[nodiscard]] Story story_of(std::uint64_t seed);

}  // namespace slo::sim
