// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <vector>

#include "settings/config_problem.h"

namespace slo {

// Problems that were told, so that none is told twice between two readings of all files, however often its
// unit comes and goes in between.
class ToldProblems {
 public:
  // All files are about to be read: of what was told, these are still there.
  void keep(const std::vector<ConfigProblem>& present);
  // Those that were not told yet; from then on they were.
  [[nodiscard]] std::vector<ConfigProblem> take_new(std::vector<ConfigProblem> present);
  // How many are remembered; bounded.
  [[nodiscard]] std::size_t size() const { return told_.size(); }

 private:
  std::vector<ConfigProblem> told_;
};

}  // namespace slo
