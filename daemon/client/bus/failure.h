// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>

#include "client/options.h"

namespace slo::client {

// A D-Bus call that failed: the error's name and the text that came with it.
struct BusError {
  std::string name;
  std::string message;
};

// The daemon does not run (as opposed to: it runs and refuses, or the bus itself cannot be reached).
[[nodiscard]] bool is_not_running(const BusError& error);

// One sentence for the operator, without line feed: what is wrong and what to type.
[[nodiscard]] std::string explain(const BusError& error, Command command, bool caller_is_root);

}  // namespace slo::client
