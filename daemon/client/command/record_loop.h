// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "client/bus/daemon_proxy.h"
#include "client/options.h"

namespace slo::client {

// `scx-slo record`: has the daemon record, writes what comes to the file, and returns the exit code. SIGINT
// and SIGTERM end it early, with a whole file. An error is the daemon's; everything else is said here.
[[nodiscard]] Answer<int> record(const Options& options);

}  // namespace slo::client
