// SPDX-License-Identifier: GPL-2.0-only
#include "units/told_problems.h"

#include <algorithm>
#include <ranges>
#include <tuple>
#include <utility>

namespace slo {
namespace {

// More different problems than this at one time nobody reads. Of more between two readings of all files,
// those of units that come and go, a few are told again.
constexpr std::size_t max_told = 1000;

ConfigProblem with_units(ConfigProblem problem, const std::set<std::string, std::less<>>& units) {
  problem.units.assign(units.begin(), units.end());
  return problem;
}

ConfigProblem rest(std::size_t number) {
  return {.severity = ConfigProblem::Severity::warning,
          .file = "unit files",
          .key = {},
          .value = {},
          .detail = std::to_string(number) + " more problems are not told one by one"};
}

}  // namespace

bool ToldProblems::Order::operator()(const ConfigProblem& a, const ConfigProblem& b) const {
  return std::tie(a.file, a.line, a.key, a.value, a.detail, a.severity) <
         std::tie(b.file, b.line, b.key, b.value, b.detail, b.severity);
}

void ToldProblems::forget_gone() {
  gone_.clear();
  for (const auto& [problem, standing] : present_)
    if (!standing.told) new_.insert(&problem);
}

void ToldProblems::set(std::string_view unit, std::vector<ConfigProblem> problems) {
  std::vector<Present::iterator> now;
  for (auto& problem : problems) {
    problem.units.clear();  // a problem is told once, whoever has it later on
    const auto [at, is_new] = present_.try_emplace(std::move(problem));
    if (is_new) appear(at);
    at->second.units.emplace(unit);
    if (!std::ranges::contains(now, at)) now.push_back(at);
  }
  const auto before = of_unit_.find(unit);
  if (before != of_unit_.end()) {
    for (const auto at : before->second)
      if (!std::ranges::contains(now, at)) leave(at, unit);
    of_unit_.erase(before);
  }
  if (!now.empty()) of_unit_.emplace(unit, std::move(now));
}

void ToldProblems::appear(Present::iterator problem) {
  if (problem->first.severity == ConfigProblem::Severity::error) ++errors_;
  if (gone_.erase(problem->first) != 0) {
    problem->second.told = true;
    ++told_;
  } else {
    new_.insert(&problem->first);
  }
}

void ToldProblems::leave(Present::iterator problem, std::string_view unit) {
  auto& [what, standing] = *problem;
  if (const auto at = standing.units.find(unit); at != standing.units.end()) standing.units.erase(at);
  if (!standing.units.empty()) return;
  if (what.severity == ConfigProblem::Severity::error) --errors_;
  if (standing.told) {
    --told_;
    gone_.emplace(what, ++gone_so_far_);
  }
  new_.erase(&what);
  present_.erase(problem);
}

void ToldProblems::forget_first_gone() {
  gone_.erase(std::ranges::min_element(gone_, {}, [](const auto& gone) { return gone.second; }));
}

std::vector<ConfigProblem> ToldProblems::take_new() {
  std::vector<ConfigProblem> fresh;
  for (const ConfigProblem* const problem : std::exchange(new_, {})) {
    if (told_ == max_told) break;
    if (size() == max_told) forget_first_gone();
    Standing& standing = present_.at(*problem);
    standing.told = true;
    ++told_;
    fresh.push_back(with_units(*problem, standing.units));
  }
  const std::size_t untold = present_.size() - told_;
  if (untold != 0 && !said_rest_) fresh.push_back(rest(untold));
  said_rest_ = untold != 0;
  return fresh;
}

std::vector<ConfigProblem> ToldProblems::present() const {
  std::vector<ConfigProblem> all;
  for (const auto& [problem, standing] : present_) all.push_back(with_units(problem, standing.units));
  return all;
}

}  // namespace slo
