// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <time.h>

#include <string>

namespace slo::client {

// "2026-11-22 19:32:27", in the time zone of the operator; empty where that is not known.
[[nodiscard]] std::string clock_text(time_t seconds);

}  // namespace slo::client
