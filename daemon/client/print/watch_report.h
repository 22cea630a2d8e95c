// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/figures/watch.h"

// Texts of `scx-slo stats --watch` for people. Every one ends in a line feed. clock: the time to be shown.
namespace slo::client {

// asked: the unit the operator named; empty: all units. columns: the width of the screen.
[[nodiscard]] std::string watch_text(const Print& print, std::string_view asked, std::string_view clock,
                                     std::size_t columns);
// Instead of figures: explanation is a sentence of explain().
[[nodiscard]] std::string watch_trouble_text(std::string_view explanation, std::string_view clock,
                                             std::uint64_t interval_usec);

}  // namespace slo::client
