// SPDX-License-Identifier: GPL-2.0-only
#include "settings/config_problem.h"

#include <tuple>

#include "base/printable.h"

namespace slo {

std::string ConfigProblem::message() const {
  std::string text = printable(file, 160);
  if (line != 0) text += ":" + std::to_string(line);
  text += ": ";
  if (!key.empty()) text += printable(key, 32) + "=";
  text += printable(value, 48);
  const bool about_a_line = !key.empty() || !value.empty();
  if (about_a_line) text += severity == Severity::error ? " ignored; " : ": ";
  return text + printable(detail, 512);
}

bool operator==(const ConfigProblem& a, const ConfigProblem& b) {
  return std::tie(a.severity, a.file, a.line, a.key, a.value, a.detail) ==
         std::tie(b.severity, b.file, b.line, b.key, b.value, b.detail);
}

}  // namespace slo
