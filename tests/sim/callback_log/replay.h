// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <vector>

#include "log.h"

// The tasks of a log on a simulated machine: each wakes when it woke, or where the one who woke it had got to
// then, and executes what it executed. Who runs when is the scheduler's and the model's.
namespace slo::sim {

struct Replayed {
  std::vector<LoggedEvent> kernel;  // the callbacks that the log is about, without those that show nothing
  std::vector<LoggedEvent> model;   // what the model called meanwhile, with the times of the log
};

// The error names the path, which the log was read from. attach_ns: when the scheduler is attached there,
// within the first second. The log does not say it, and the scheduler's heartbeat comes by it.
[[nodiscard]] Result<Replayed> replay(const CallbackLog& log, const std::string& path,
                                      std::uint64_t attach_ns);

}  // namespace slo::sim
