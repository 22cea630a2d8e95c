// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "policy.h"
#include "workload.h"

// Many random sets that an ideal scheduler could keep: in how many of them who misses.
namespace slo::sim {

struct RandomSpan {
  std::uint32_t sets = 40;  // of each utilisation
  std::uint64_t span_ns = 5 * SLO_NSEC_PER_SEC;
  std::uint64_t seed = 1;
};

struct Score {
  std::uint64_t clean = 0;  // sets without a miss
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
};

struct RandomRow {
  std::uint32_t cpus = 1;
  double utilisation = 0;
  std::uint32_t sets = 0;
  Score policy = {};
  Score tick = {};  // the same without kicks
  Score reference = {};
};

[[nodiscard]] std::vector<RandomRow> compare_random_sets(const RandomSpan& span);
[[nodiscard]] std::string to_text(const std::vector<RandomRow>& rows);
[[nodiscard]] nlohmann::json to_json(const std::vector<RandomRow>& rows);

}  // namespace slo::sim
