// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/figures/unit_report.h"

// `scx-slo cat`: which settings hold for a unit, and where each was set.
namespace slo::client {

// changed_on_disk: systemd has not read the unit's files since they changed.
[[nodiscard]] std::string cat_text(std::string_view unit, const std::vector<UnitSetting>& settings,
                                   bool changed_on_disk);
[[nodiscard]] std::string cat_json(std::string_view unit, const std::vector<UnitSetting>& settings,
                                   bool changed_on_disk);

}  // namespace slo::client
