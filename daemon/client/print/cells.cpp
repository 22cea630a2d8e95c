// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/cells.h"

#include <format>

#include "base/percent.h"
#include "base/time_span.h"

namespace slo::client {

std::uint64_t to_ns(std::uint64_t usec) {
  constexpr std::uint64_t nsec_per_usec = 1000;
  return usec > UINT64_MAX / nsec_per_usec ? UINT64_MAX : usec * nsec_per_usec;
}

std::string percent_text(std::optional<double> ratio) {
  if (!ratio) return "-";
  if (*ratio <= 0) return "0%";
  if (*ratio < 0.0001) return "<0.01%";
  // 100% is said only when every job missed.
  if (*ratio < 1 && *ratio > 0.9999) return ">99.99%";
  return std::format("{:.2f}%", *ratio * 100);
}

std::string budget_text(std::optional<std::uint64_t> usec) {
  return usec ? format_time_span_ns(to_ns(*usec)) : "infinity";
}

std::string budget_text(const UnitReport& unit) {
  return budget_text(unit.budget_usec) + (unit.pending ? " pending" : "");
}

std::string reserve_text(std::optional<std::uint64_t> usec_per_sec) {
  // Microseconds of a second are millionths.
  return usec_per_sec ? format_percent_ppm(static_cast<std::uint32_t>(*usec_per_sec)) : "-";
}

std::string budget_sentence(const UnitReport& unit) {
  if (!unit.budget_usec) return budget_text(unit.budget_usec);
  return budget_text(unit.budget_usec) +
         (unit.bounds_response() ? " from wakeup to sleep, per job" : " of waiting for a CPU per job");
}

std::string latency_text(std::optional<std::uint64_t> usec, const char* unknown) {
  if (!usec) return unknown;
  return *usec == 0 ? "<1us" : format_latency_ns(to_ns(*usec));
}

std::string quantile_text(std::optional<std::uint64_t> usec, std::uint64_t jobs) {
  return latency_text(usec, jobs == 0 ? "-" : "not yet known");
}

std::string objective_text(const UnitReport& unit) {
  if (!unit.budget_usec || unit.objective == 0) return "-";
  const std::string objective = std::format("{:.6g}%", unit.objective * 100);
  const auto kept = unit.objective_kept();
  return !kept ? objective : objective + (*kept ? " kept" : " NOT KEPT");
}

std::string jobs_text(const UnitReport& unit) {
  if (!unit.counted_with) return std::to_string(unit.jobs);
  return unit.counted_with->empty() ? "not counted" : "in " + *unit.counted_with;
}

std::string counted_sentence(const std::string& counted_with) {
  const std::string why = "Capacity= of scx-slo.conf is used up";
  if (counted_with.empty()) return "not at all: " + why + ", and no unit above is counted";
  return "with " + counted_with + ", as " + why + "; see: scx-slo stats " + counted_with;
}

std::string rate_text(double per_second) {
  if (per_second <= 0) return "0";
  return per_second < 10 ? std::format("{:.1f}", per_second) : std::format("{:.0f}", per_second);
}

}  // namespace slo::client
