// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <string>

namespace slo {

// Name of the sched_ext scheduler that the kernel runs now; empty: none, its own is in charge. Reads
// sys/kernel/sched_ext below root.
[[nodiscard]] std::string active_scheduler(const std::filesystem::path& root);

}  // namespace slo
