// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "policy_state.h"
#include "record.h"
#include "workload.h"

namespace slo::sim {

// Everything that a run depends on, the scheduler apart.
struct Experiment {
  Machine machine = {};
  Workload workload = {};
  std::uint64_t span_ns = 10 * SLO_NSEC_PER_SEC;
  std::uint64_t seed = 1;
};

// The scheduler that ships, or with parts of it switched off.
[[nodiscard]] Record run_policy(const Experiment& experiment, const Policy& policy);
// The reference, with the floor of this policy.
[[nodiscard]] Record run_edf(const Experiment& experiment, const Policy& policy);

}  // namespace slo::sim
