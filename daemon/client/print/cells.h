// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/figures/unit_report.h"

// How single figures are written, in tables and in sentences.
namespace slo::client {

// Never wraps: what does not fit in nanoseconds is shown as the largest that does.
[[nodiscard]] std::uint64_t to_ns(std::uint64_t usec);

// "0%", "<0.01%", "0.02%", "12.50%"; "-" when not known.
[[nodiscard]] std::string percent_text(std::optional<double> ratio);
// "5ms", "infinity".
[[nodiscard]] std::string budget_text(std::optional<std::uint64_t> usec);
// The same of a unit, and whether it is in force: "5ms pending".
[[nodiscard]] std::string budget_text(const UnitReport& unit);
// What that means.
inline constexpr const char* pending_sentence =
    "the kernel has refused the settings so far: they are not in force, and are tried again";
// "50%" of one CPU; "-" without one.
[[nodiscard]] std::string reserve_text(std::optional<std::uint64_t> usec_per_sec);
// "5ms of waiting for a CPU per job".
[[nodiscard]] std::string budget_sentence(const UnitReport& unit);
// "7.00us", "<1us", and `unknown` when not known.
[[nodiscard]] std::string latency_text(std::optional<std::uint64_t> usec, const char* unknown = "-");
// The same of a quantile: "-" without jobs, "not yet known" with too few of them to tell.
[[nodiscard]] std::string quantile_text(std::optional<std::uint64_t> usec, std::uint64_t jobs);
// "99.9%", and what came of it once there are jobs; "-" without a budget.
[[nodiscard]] std::string objective_text(const UnitReport& unit);
// Jobs; where the unit has no counters of its own: "in web.slice", "not counted".
[[nodiscard]] std::string jobs_text(const UnitReport& unit);
// The same as a sentence.
[[nodiscard]] std::string counted_sentence(const std::string& counted_with);
// Events per second: "0", "0.5", "151".
[[nodiscard]] std::string rate_text(double per_second);

}  // namespace slo::client
