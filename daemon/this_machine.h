// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "manager.h"

// The clocks and the facts that the manager is given.
namespace slo {

// Throws std::system_error.
[[nodiscard]] Instant now();
[[nodiscard]] Machine this_machine();

}  // namespace slo
