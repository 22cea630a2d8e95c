// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "bus/stats.h"
#include "settings/slo.h"

// Settings as the bus has them.
namespace slo {

[[nodiscard]] inline std::uint64_t on_bus(const Budget& budget) {
  return to_usec(budget.ns());
}
[[nodiscard]] inline std::string on_bus(const Metric& metric) {
  return metric.to_string();
}
[[nodiscard]] inline double on_bus(const Objective& objective) {
  return objective.ratio();
}
[[nodiscard]] inline std::uint64_t on_bus(const Importance& importance) {
  return importance.value();
}
// Of each second, as CPUQuotaPerSecUSec of systemd.
[[nodiscard]] constexpr std::uint64_t per_sec_usec(std::uint64_t permille) {
  return permille * (SLO_NSEC_PER_SEC / SLO_NSEC_PER_USEC / 1000);
}
[[nodiscard]] inline std::uint64_t on_bus(const Reserve& reserve) {
  return per_sec_usec(reserve.permille());
}
[[nodiscard]] inline std::uint64_t on_bus(const MaxExec& max_exec) {
  return to_usec(max_exec.ns());
}

// otherwise: where nothing is set, and where that is not set either it is infinity.
template <class T>
[[nodiscard]] auto on_bus(const std::optional<Setting<T>>& set, const std::optional<Setting<T>>& otherwise) {
  using Value = decltype(on_bus(set->value));
  if (set) return on_bus(set->value);
  if (otherwise) return on_bus(otherwise->value);
  if constexpr (std::is_same_v<Value, std::uint64_t>) {
    return Value{UINT64_MAX};
  } else {
    return Value{};
  }
}

// "file:line"; empty where nothing is set.
template <class T>
[[nodiscard]] std::string origin_of(const std::optional<Setting<T>>& setting) {
  if (!setting || setting->origin.file.empty()) return {};
  return setting->origin.file + ":" + std::to_string(setting->origin.line);
}

}  // namespace slo
