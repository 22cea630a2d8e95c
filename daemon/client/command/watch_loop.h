// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "client/bus/daemon_proxy.h"
#include "client/options.h"

namespace slo::client {

// `scx-slo stats --watch`: prints until it is interrupted, which ends the program with status 0, or until
// nothing can be written any more, which returns the exit code. An error is returned only if the first print
// fails: later on it is told, and the next print tries again, as the daemon may only be about to be started
// again.
[[nodiscard]] Answer<int> watch(const Options& options, std::uint64_t interval_usec);

}  // namespace slo::client
