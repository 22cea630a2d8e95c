// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "figures.h"

// Texts for programs, in the shape that scx-slo(1) documents: keys are only ever added. What is not known is
// null. Every text is one indented JSON object and a line feed.
namespace slo::client {

[[nodiscard]] std::string status_json(const Overview& overview, const std::vector<UnitReport>& units);
[[nodiscard]] std::string not_running_json();
[[nodiscard]] std::string list_json(const std::vector<UnitReport>& units);
// asked: the unit the operator named; its settings are those of report.name.
[[nodiscard]] std::string stats_json(std::string_view asked, const UnitReport& report);
[[nodiscard]] std::string state_json(const Overview& overview);

}  // namespace slo::client
