// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Control groups with limits of CPU time below the caller's own, which has to be delegated to it.
namespace slo::workload {

struct limit {
  std::int64_t quota_us = 0;
  std::int64_t period_us = 0;
};

struct LimitedGroup {
  std::string path;
  std::int64_t asked_ns = 0;    // when it was to be frozen; 0: it runs
  std::int64_t frozen_ns = 0;   // when it was
  std::int64_t thawing_ns = 0;  // when it is to go on

  void set_limit(const limit& value) const;
  void freeze(bool frozen) const;
  [[nodiscard]] bool is_frozen() const;
  void take(int pid) const;  // moves that process here; one that has ended is no error
};

// A crowded group of 1%, four that are tight, and the others on two levels, of which both have limits.
class LimitedGroups {
 public:
  explicit LimitedGroups(std::size_t count);
  ~LimitedGroups();
  LimitedGroups(const LimitedGroups&) = delete;
  LimitedGroups& operator=(const LimitedGroups&) = delete;

  static constexpr std::size_t crowded = 0;
  static constexpr std::size_t tight = 4;  // those that come next
  std::vector<LimitedGroup> all;

 private:
  std::string make(const std::string& path, const limit& value, bool is_inner);
  std::vector<std::string> made_;
};

}  // namespace slo::workload
