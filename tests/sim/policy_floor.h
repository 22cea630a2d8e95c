// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "policy_preempt.h"

// bpf/scheduler/floor.bpf.h: the floor of best effort.
namespace slo::sim {

void charge(PolicyState& state, CpuId cpu, std::uint64_t now_ns);
[[nodiscard]] bool floor_is_wanted(const PolicyState& state, CpuId cpu);
// Best effort, when its turn is due, or wanted and the SLO tasks have slack for it. has_slo: one of them
// waits, or ran until now and goes on; key_ns: the earliest of theirs.
[[nodiscard]] Picked take_floor_turn(PolicyState& state, CpuId cpu, bool has_slo, bool wanted,
                                     std::uint64_t key_ns, std::uint64_t now_ns);
void end_floor_turn(PolicyState& state, CpuId cpu, std::uint64_t now_ns);

}  // namespace slo::sim
