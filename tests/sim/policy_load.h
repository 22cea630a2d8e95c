// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "policy_state.h"

// The daemon's part: what it grants before the start (daemon/admission.h), and the look at the load, ten
// times a second and after misses, that sheds units under overload (daemon/load/shedding.h).
namespace slo::sim {

void grant_reserves(PolicyState& state);
void look_at_load(PolicyState& state, std::uint64_t now_ns);

}  // namespace slo::sim
