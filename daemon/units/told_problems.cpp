// SPDX-License-Identifier: GPL-2.0-only
#include "units/told_problems.h"

#include <algorithm>
#include <utility>

namespace slo {
namespace {

// More different problems than this between two readings of all files are those of units that come and go;
// then a few of them are told again.
constexpr std::size_t max_told = 1000;

}  // namespace

void ToldProblems::keep(const std::vector<ConfigProblem>& present) {
  std::erase_if(told_,
                [&present](const auto& problem) { return !std::ranges::contains(present, problem); });
}

std::vector<ConfigProblem> ToldProblems::take_new(std::vector<ConfigProblem> present) {
  std::vector<ConfigProblem> fresh;
  for (auto& problem : present) {
    if (std::ranges::contains(told_, problem)) continue;
    if (told_.size() == max_told) told_.erase(told_.begin());
    told_.push_back(problem);
    told_.back().units.clear();  // a problem is told once, whoever has it later on
    fresh.push_back(std::move(problem));
  }
  return fresh;
}

}  // namespace slo
