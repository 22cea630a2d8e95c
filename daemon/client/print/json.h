// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/figures/limit_report.h"
#include "client/figures/unit_report.h"
#include "client/figures/watch.h"

// Texts for programs, in the shape that scx-slo(1) documents: keys are only ever added. What is not known is
// null. Every text is one JSON object and a line feed; indented, but on one line with --watch.
namespace slo::client {

[[nodiscard]] std::string status_json(const Overview& overview, const std::vector<UnitReport>& units);
[[nodiscard]] std::string not_running_json();
[[nodiscard]] std::string list_json(const std::vector<UnitReport>& units);
// asked: the unit the operator named; its settings are those of report.name. limit: a null pointer where it
// has none.
[[nodiscard]] std::string stats_json(std::string_view asked, const UnitReport& report,
                                     const LimitReport* limit);
[[nodiscard]] std::string stats_json(const std::vector<UnitReport>& units, const Limits& limits);
[[nodiscard]] std::string state_json(const Overview& overview);

// asked: empty for all units. time_usec: since the epoch.
[[nodiscard]] std::string watch_json(const Print& print, std::string_view asked, std::uint64_t time_usec);
// Instead of figures: why there are none. running: empty when not known.
[[nodiscard]] std::string watch_trouble_json(std::string_view why, std::optional<bool> running,
                                             std::uint64_t time_usec);

}  // namespace slo::client
