// SPDX-License-Identifier: GPL-2.0-only
#include "slo.h"

#include <algorithm>

#include "time_span.h"

namespace slo {
namespace {

constexpr std::uint32_t default_importance = 100;

}  // namespace

std::expected<Budget, std::string> Budget::parse(std::string_view text) {
  if (text == "infinity") return infinity();
  const auto ns = parse_time_span_ns(text);
  if (!ns || *ns < SLO_BUDGET_MIN_NS || *ns > SLO_BUDGET_MAX_NS) {
    return std::unexpected("a time span with its unit from " + format_time_span_ns(SLO_BUDGET_MIN_NS) +
                           " to " + format_time_span_ns(SLO_BUDGET_MAX_NS) +
                           " such as 5ms or 1s 500ms, or infinity");
  }
  return Budget(*ns);
}

Budget Budget::infinity() {
  return Budget(infinite);
}

std::string Budget::to_string() const {
  return is_infinite() ? "infinity" : format_time_span_ns(ns_);
}

std::uint64_t default_max_exec_ns(std::uint64_t budget_ns) {
  static constexpr std::uint64_t least = 100 * SLO_NSEC_PER_MSEC;
  static constexpr std::uint64_t factor = 20;
  if (budget_ns > UINT64_MAX / factor) return UINT64_MAX;
  return std::max(least, factor * budget_ns);
}

slo_cfg to_cfg(const SloSettings& settings, std::uint32_t slot) {
  slo_cfg cfg{};
  cfg.slot = slot;
  cfg.importance = default_importance;
  if (settings.budget && !settings.budget->value.is_infinite()) {
    cfg.budget_ns = settings.budget->value.ns();
    cfg.max_exec_ns = default_max_exec_ns(cfg.budget_ns);
  } else {
    cfg.flags = SLO_CFG_NO_BUDGET;
  }
  return cfg;
}

}  // namespace slo
