// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <string>
#include <vector>

#include "client/figures/limit_report.h"
#include "client/print/table.h"

namespace slo::client {

// Limits of all units, below the figures of units with budgets; ends in a line feed, or is empty where there
// are none.
[[nodiscard]] std::string limit_text(const Limits& limits);
// The limit of one unit, among what else is told of it.
void add_limit(Table& facts, const LimitReport& limit);

}  // namespace slo::client
