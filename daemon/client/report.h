// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "figures.h"

// Texts for people. Every one ends in a line feed.
namespace slo::client {

[[nodiscard]] std::string status_text(const Overview& overview, const std::vector<UnitReport>& units);
[[nodiscard]] std::string list_text(const std::vector<UnitReport>& units);
// asked: the unit the operator named; its settings are those of report.name.
[[nodiscard]] std::string stats_text(std::string_view asked, const UnitReport& report);
// After attach, detach and reload: "enforcing: 3 units with a budget".
[[nodiscard]] std::string state_text(const Overview& overview);

// "0%", "<0.01%", "0.02%", "12.50%"; "-" when not known.
[[nodiscard]] std::string percent_text(std::optional<double> ratio);

}  // namespace slo::client
