// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "client/options.h"

namespace slo::client {

// `scx-slo show-trace`: reads the file, prints what is in it, and returns the exit code. What is wrong with
// the file is said on standard error; what could be read before is shown all the same.
[[nodiscard]] int show_trace(const Options& options);

}  // namespace slo::client
