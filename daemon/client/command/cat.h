// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/figures/unit_report.h"

// `scx-slo cat`: which settings hold for a unit, and where each was set.
namespace slo::client {

// What is not in force yet.
struct NotYet {
  bool changed_on_disk = false;  // systemd has not read the unit's files since they changed
  bool pending = false;          // the kernel has refused the settings so far
};

[[nodiscard]] std::string cat_text(std::string_view unit, const std::vector<UnitSetting>& settings,
                                   NotYet not_yet);
[[nodiscard]] std::string cat_json(std::string_view unit, const std::vector<UnitSetting>& settings,
                                   NotYet not_yet);

}  // namespace slo::client
