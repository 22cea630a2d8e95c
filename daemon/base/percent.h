// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slo {

// "99.9%" -> 999'000 parts per million, exactly. Decimal digits with a percent sign and nothing else: empty
// for a bare number, a sign, blanks, more than most_ppm, and for what a millionth cannot express.
[[nodiscard]] std::optional<std::uint32_t> parse_percent_ppm(std::string_view text,
                                                             std::uint32_t most_ppm = 1'000'000);

// Shortest exact form: 999'000 -> "99.9%", 50'000 -> "5%".
[[nodiscard]] std::string format_percent_ppm(std::uint32_t ppm);

}  // namespace slo
