// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slo {

// Time spans as in systemd.time(7), with one difference: every number needs its unit, as "5" could be 5 s or
// 5 ms. Accepts a sequence such as "1s 500ms", "1.5ms", "500us"; units us/µs, ms, s, min, h, d, w, month(s)
// M, y with systemd's long forms (usec, msec, sec, seconds, minute, hour, hr, day, week, year...); blanks
// between parts are optional. Empty when it is not a time span, has a bare number, a sign, or does not fit in
// 64 bits of nanoseconds. "infinity" is not a span.
[[nodiscard]] std::optional<std::uint64_t> parse_time_span_ns(std::string_view text);

// Shortest exact form in the same notation: 5000000 -> "5ms", 1500000000 -> "1s 500ms", 0 -> "0".
[[nodiscard]] std::string format_time_span_ns(std::uint64_t ns);

// For tables: about three significant digits in one unit, "87us", "1.52ms", "13.1ms", "2.40s".
[[nodiscard]] std::string format_latency_ns(std::uint64_t ns);

}  // namespace slo
