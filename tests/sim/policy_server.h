// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "policy_state.h"

// bpf/scheduler/server.bpf.h and bpf/scheduler/move.bpf.h: a unit's reserve, what is charged to it, and what
// happens when it is empty and when it is not any more.
namespace slo::sim {

[[nodiscard]] bool is_throttled(const PolicyState& state, TaskId task);
void charge_server(PolicyState& state, TaskId task, CpuId cpu, std::uint64_t exec_ns, std::uint64_t now_ns);
// Fills all reserves up to now; units with something in theirs again have their queued tasks moved.
void refill_servers(PolicyState& state, std::uint64_t now_ns);

}  // namespace slo::sim
