// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <vector>

#include "../judges/judge.h"
#include "story.h"

namespace slo::sim {

struct Verdict {
  std::vector<Complaint> complaints;
  std::uint64_t callbacks = 0;
};

// Plays a story on a machine with all judges on it. At its end all tasks are sent to sleep, and nothing may
// be left of what they did.
[[nodiscard]] Verdict play(const Story& story);

}  // namespace slo::sim
