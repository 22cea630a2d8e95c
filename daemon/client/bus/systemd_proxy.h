// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace slo::client {

// Whether systemd says that the unit's files have changed since it read them; asked now, as it announces no
// change. False also for a unit that it has not loaded, and when it does not answer.
[[nodiscard]] bool needs_daemon_reload(const std::string& unit);

}  // namespace slo::client
