// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"

namespace slo {

// A sched_ext scheduler that the kernel runs now, whosever it is.
struct ActiveScheduler {
  std::string state;  // "enabled"
  std::string name;   // empty: it cannot be read
};

// Reads sys/kernel/sched_ext below root. Empty: the kernel's own is in charge.
[[nodiscard]] Result<std::optional<ActiveScheduler>> read_active_scheduler(const std::filesystem::path& root);

// Its name for people, else its state in brackets; empty: there is none, or no sched_ext.
[[nodiscard]] std::string active_scheduler_text(const std::filesystem::path& root);

}  // namespace slo
