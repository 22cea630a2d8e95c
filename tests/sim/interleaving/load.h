// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../simulate.h"
#include "interleaving.h"

namespace slo::sim {

// A run in the exaggerated mode: what is drawn, where.
struct Exaggeration {
  std::uint64_t seed = 1;
  std::uint32_t cpus = 2;
  std::uint64_t events = 10'000;
  bool is_weak = false;
  bool has_changes = true;  // affinity, settings, weights, classes, CPUs that come and go
};

struct ExaggeratedRun {
  Interleaving::Counts counts = {};
  std::uint64_t callbacks = 0;
  std::vector<std::string> complaints;  // of the judges, and why the kernel ended the scheduler
  std::vector<std::string> story;       // the last switches before the first of them
};

// Short jobs that begin together, units with budgets and reserves, real-time tasks, pinned ones, and what
// changes them meanwhile: all drawn by the seed, with all judges.
[[nodiscard]] ExaggeratedRun run_exaggerated(const Exaggeration& what);

}  // namespace slo::sim
