// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "settings/config_problem.h"
#include "settings/slo.h"

namespace slo {

struct UnitFileSettings {
  SloSettings settings;
  std::vector<ConfigProblem> problems;
  std::string slice = {};  // Slice= of the unit, as written; empty: none is set
};

// What one file says.
struct UnitFile {
  SloSettings settings;
  std::set<std::string> keys = {};  // of settings, those that the file gives a value or forgets
  std::vector<ConfigProblem> problems = {};
  std::optional<std::string> slice = {};  // Slice=; empty: what earlier files say is forgotten
  bool has_settings = false;              // see has_settings()
  bool readable = true;
};
[[nodiscard]] UnitFile read_unit_file(const std::string& path);
// After what earlier files of the unit said: later wins.
void add_unit_file(const UnitFile& file, UnitFileSettings& settings);

// Reads [X-Slo] from a unit's files, in the order given (fragment first, then drop-ins, as systemd lists
// them): later wins, an empty value forgets what came before, a bad line is ignored and reported. A file that
// is missing or cannot be read is reported and skipped. Never logs.
[[nodiscard]] UnitFileSettings read_unit_files(std::span<const std::string> files);

// Whether a file has an [X-Slo] section, or one that looks alike and of which there is something to say.
[[nodiscard]] bool has_settings(const std::string& file);

// The warning for a budget on a slice that holds (nearly) all services; nothing for other units.
[[nodiscard]] std::optional<ConfigProblem> too_broad(std::string_view unit, const SloSettings& settings);

}  // namespace slo
