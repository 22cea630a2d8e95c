// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "settings/config_problem.h"

namespace slo {

// The problems there are, by the units that have them, and which of them were told, so that none is told
// twice between two readings of all files, however often its unit comes and goes in between. Of very many
// only the first are told, and once how many more there are.
class ToldProblems {
 public:
  // All files are about to be read: what was told and is no more is new when it comes back.
  void forget_gone();
  // Those that this unit has now, in place of those that it had.
  void set(std::string_view unit, std::vector<ConfigProblem> problems);
  // Those that were not told yet; from then on they were.
  [[nodiscard]] std::vector<ConfigProblem> take_new();
  // All there are, each with the units that have it.
  [[nodiscard]] std::vector<ConfigProblem> present() const;
  [[nodiscard]] std::uint32_t errors() const { return errors_; }  // of those
  // How many are remembered as told; bounded.
  [[nodiscard]] std::size_t size() const { return told_ + gone_.size(); }

 private:
  struct Order {
    bool operator()(const ConfigProblem& a, const ConfigProblem& b) const;
    bool operator()(const ConfigProblem* a, const ConfigProblem* b) const { return (*this)(*a, *b); }
  };
  struct Standing {
    std::set<std::string, std::less<>> units;
    bool told = false;
  };
  using Present = std::map<ConfigProblem, Standing, Order>;

  void appear(Present::iterator problem);
  void leave(Present::iterator problem, std::string_view unit);
  void forget_first_gone();

  Present present_;
  std::map<std::string, std::vector<Present::iterator>, std::less<>> of_unit_;
  std::set<const ConfigProblem*, Order> new_;           // of present_
  std::map<ConfigProblem, std::uint64_t, Order> gone_;  // were told, and when they went
  std::uint64_t gone_so_far_ = 0;
  std::size_t told_ = 0;  // of present_
  std::uint32_t errors_ = 0;
  bool said_rest_ = false;
};

}  // namespace slo
