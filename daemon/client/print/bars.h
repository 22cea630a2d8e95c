// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <string>

#include "client/figures/interval.h"
#include "client/figures/unit_report.h"

namespace slo::client {

// The histogram of what the unit's budget bounds, as text that is `columns` wide at most where that is 45 or
// more: one line per power of two, from the first that has jobs to the last, and a mark where the budget
// lies. With `last`, the jobs of that interval stand beside all jobs, and the bars are theirs. Empty without
// jobs.
[[nodiscard]] std::string bars_text(const UnitReport& report, const Interval* last, std::size_t columns);

}  // namespace slo::client
