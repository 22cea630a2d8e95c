// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <filesystem>
#include <vector>

#include "settings/config_problem.h"

namespace slo {

struct ConfigFiles {
  std::vector<std::filesystem::path> files;  // in the order they are to be read
  std::vector<ConfigProblem> problems;       // directories that could not be listed
};

// Which files make up the daemon's configuration under `root`, by systemd's rules: see read_config().
[[nodiscard]] ConfigFiles find_config_files(const std::filesystem::path& root);

}  // namespace slo
