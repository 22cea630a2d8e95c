// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "policy.h"
#include "workload.h"

// The tables that show why the defaults are what they are: one workload, one thing varied.
namespace slo::sim {

struct Case {
  std::string label;
  Machine machine = {};
  Policy policy = {};
  bool is_reference = false;  // ideal EDF instead
};

struct Comparison {
  std::string title;
  Workload (*make)(std::uint32_t cpus, std::uint64_t seed);
  std::vector<Case> cases;
};

// Of a case over all its seeds.
struct UnitSummary {
  std::string name;
  std::uint64_t budget_ns = 0;
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  std::uint64_t requests = 0;
  std::uint64_t late = 0;
  std::uint64_t wait_max_ns = 0;
};
struct Summary {
  std::vector<UnitSummary> units;  // with a budget
  double best_effort_share = 0;
  std::uint64_t best_effort_gap_ns = 0;
  std::uint64_t switches_per_second = 0;  // and CPU
  std::uint64_t kicks_per_second = 0;
};

struct ComparisonSpan {
  std::uint64_t span_ns = 10 * SLO_NSEC_PER_SEC;
  std::uint64_t seed = 1;   // the first
  std::uint32_t seeds = 5;  // each draws when the units begin
};

[[nodiscard]] std::vector<Comparison> all_comparisons();
[[nodiscard]] std::vector<Summary> compare(const Comparison& comparison, const ComparisonSpan& span);
[[nodiscard]] std::string to_text(const Comparison& comparison, const std::vector<Summary>& summaries);
[[nodiscard]] nlohmann::json to_json(const Comparison& comparison, const std::vector<Summary>& summaries);

}  // namespace slo::sim
