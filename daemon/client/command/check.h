// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "settings/config_problem.h"

// `scx-slo check`: what the daemon would say of files, by the daemon's own parsers and without the daemon.
namespace slo::client {

struct Checked {
  std::size_t files = 0;
  std::vector<ConfigProblem> problems;  // in the order of files and lines

  [[nodiscard]] std::size_t errors() const;
  [[nodiscard]] std::size_t warnings() const { return problems.size() - errors(); }
};

// Each file by itself: as scx-slo.conf or one of its drop-ins where its name, its directory or (with any
// other name) its sections say so, else as a unit file or a drop-in of one.
[[nodiscard]] Checked check_files(std::span<const std::filesystem::path> files);

// One line per problem as in the journal, then how many there are.
[[nodiscard]] std::string check_text(const Checked& checked);
[[nodiscard]] std::string check_json(const Checked& checked);

}  // namespace slo::client
