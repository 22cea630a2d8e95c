// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/figures/limit_report.h"
#include "client/figures/unit_report.h"

// Texts for people. Every one ends in a line feed.
namespace slo::client {

[[nodiscard]] std::string status_text(const Overview& overview, const std::vector<UnitReport>& units);
[[nodiscard]] std::string list_text(const std::vector<UnitReport>& units);
// One line per unit, and one per limit.
[[nodiscard]] std::string stats_text(const std::vector<UnitReport>& units, const Limits& limits);
// asked: the unit the operator named; its settings are those of report.name. limit: a null pointer where it
// has none. columns: the width of the screen.
[[nodiscard]] std::string stats_text(std::string_view asked, const UnitReport& report,
                                     const LimitReport* limit, std::size_t columns);
// After attach, detach and reload: "enforcing: 3 units with a budget".
[[nodiscard]] std::string state_text(const Overview& overview);
// How to give the first budget.
[[nodiscard]] std::string no_units_text();

}  // namespace slo::client
