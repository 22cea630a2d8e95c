// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "workload.h"

// Workloads of rt-app (as Debian has it: 1.0), so that one file runs here and on a machine. Read are of each
// thread `instance`, `delay`, `loop`, `policy` and `priority`, `cpus`, and as events `run`, `sleep` and
// `timer`, also in `phases`; of `global` only `default_policy`. Whatever else changes what a thread does
// (locks, barriers, suspend, runtime, …) is refused, not ignored. One difference to the grammar: no comma
// after the last element.
namespace slo::sim {

// Adds the threads of the file as tasks of one unit, as they are those of one service on a machine. The error
// names the file, the place in it, and what is accepted there.
[[nodiscard]] Result<void> add_rt_app(Workload& workload, const Unit& unit, const std::string& path);
// The same of text that was read from there.
[[nodiscard]] Result<void> add_rt_app_text(Workload& workload, const Unit& unit, const std::string& path,
                                           std::string_view text);

}  // namespace slo::sim
