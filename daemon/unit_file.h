// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "slo.h"

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

  // "/etc/…/slo.conf:2: SloBudget=5 ignored: …" : one line, control characters escaped, at most about 300
  // bytes.
  [[nodiscard]] std::string message() const;
  friend bool operator==(const ConfigProblem&, const ConfigProblem&) = default;
};

struct UnitFileSettings {
  SloSettings settings;
  std::vector<ConfigProblem> problems;
};

// Reads [X-Slo] from a unit's files, in the order given (fragment first, then drop-ins, as systemd lists
// them): later wins, an empty value forgets what came before, a bad line is ignored and reported. A file that
// is missing or cannot be read is reported and skipped. systemd's own line rules hold (comments by # and ; at
// the start of a line only, continuation by a trailing backslash), not inih's. Never logs.
[[nodiscard]] UnitFileSettings read_unit_files(std::span<const std::filesystem::path> files);

}  // namespace slo
