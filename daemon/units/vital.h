// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <span>
#include <string_view>

// What has settings that no unit file gives it, by its name.
namespace slo {

// Logins, `systemctl` and the journal need these to answer, whatever else runs: an implicit budget. PID 1 and
// kernel threads with a nice value of 0 or less have the same from the scheduler itself.
[[nodiscard]] std::span<const std::string_view> vital_units();
[[nodiscard]] bool is_vital(std::string_view unit);

// Where root works, and what lets root in, as far as the distributions' names go; "sshd@": all instances.
[[nodiscard]] std::span<const std::string_view> operator_units();
[[nodiscard]] bool is_operators(std::string_view unit);

}  // namespace slo
