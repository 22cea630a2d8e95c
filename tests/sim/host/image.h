// SPDX-License-Identifier: GPL-2.0-only
#pragma once

namespace slo::sim {

// Puts all globals of the scheduler back as they were when the program started, statics of its functions
// included, and makes those writable that are const for it alone. Each machine begins with this; there is one
// at a time.
void restore_globals();

// Whether one of those lies there.
[[nodiscard]] bool is_constant(const void* address);

}  // namespace slo::sim
