// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

namespace slo::client {

// Writes to standard output at once. Returns `code`, or exit_failure when it cannot be written: a full disk
// or a closed pipe must not look like success.
[[nodiscard]] int print(const std::string& text, int code);

}  // namespace slo::client
