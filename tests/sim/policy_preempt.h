// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "policy_queue.h"

// bpf/scheduler/preempt.bpf.h: getting a CPU for a queued task.
namespace slo::sim {

// A CPU that goes idle while tasks are being queued looks again, but not for ever.
inline constexpr std::uint32_t idle_retries_max = 3;

[[nodiscard]] bool in_floor_turn(const CpuState& cpu, std::uint64_t now_ns);
[[nodiscard]] bool may_preempt(const CpuState& cpu, std::uint64_t key_ns, std::uint64_t now_ns);
void kick_now(PolicyState& state, CpuId cpu, std::uint64_t now_ns);
void kick_seen(PolicyState& state, CpuId cpu);
void kick_when_overtaken(PolicyState& state, CpuId cpu, std::uint64_t key_ns, std::uint64_t now_ns);
void look_at_queues(PolicyState& state, CpuId cpu, std::uint64_t now_ns);
// No CPU is idle: takes one from best effort, near `prev` if possible, else from a task with a later key.
void preempt_for(PolicyState& state, CpuId prev, std::uint64_t key_ns, std::uint64_t now_ns);
// Wakes an idle CPU for a queued task; true when there was one.
bool wake_idle_cpu(PolicyState& state, CpuId near);
// Keeps the mask of best-effort CPUs.
void note_class(PolicyState& state, CpuId cpu, std::uint32_t running_class);

}  // namespace slo::sim
