// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "client/figures/limit_report.h"
#include "client/figures/unit_report.h"

namespace slo::client {

// The figures of one unit by the names that GetStats has for them. Empty: not there, or not yet known.
class NamedFigures {
 public:
  virtual ~NamedFigures() = default;
  [[nodiscard]] virtual std::optional<std::uint64_t> number(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<std::string> text(const std::string& name) const = 0;
  [[nodiscard]] virtual std::optional<double> ratio(const std::string& name) const = 0;
  [[nodiscard]] virtual Histogram histogram(const std::string& name) const = 0;
};

// What of a unit is counted; its settings are left as they are.
void take_figures(UnitReport& unit, const NamedFigures& figures);

// The units with their figures, which the document of GetAllStats has; units that it does not have are left
// out. The error is a sentence.
[[nodiscard]] std::expected<std::vector<UnitReport>, std::string> with_figures(std::vector<UnitReport> units,
                                                                               const std::string& document);

// The limits in the same document. The error is a sentence.
[[nodiscard]] std::expected<Limits, std::string> limits_in(const std::string& document);

}  // namespace slo::client
