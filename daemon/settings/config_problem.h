// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slo {

// One thing wrong in a configuration file. Values that were ignored are errors (they count in ConfigErrors),
// the rest (unknown key, look-alike section, tiny budget) warnings.
struct ConfigProblem {
  enum class Severity : std::uint8_t { warning, error };
  Severity severity = Severity::error;
  std::string file;
  unsigned line = 0;   // 0: the file as a whole
  std::string key;     // empty: not about a key
  std::string value;   // as written
  std::string detail;  // what is accepted, or what to do
  // Whom it concerns, where that is known: a drop-in may be that of many units.
  std::vector<std::string> units = {};

  // "/etc/…/slo.conf:2: SloBudget=5 ignored; accepted is …": one line, control characters escaped; a name and
  // a value that are too long are cut, so that it stays short enough to be read.
  [[nodiscard]] std::string message() const;
  // One and the same, whomever it concerns by now.
  friend bool operator==(const ConfigProblem& a, const ConfigProblem& b);
};

}  // namespace slo
