// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>

#include "policy_state.h"

// bpf/scheduler/queue.bpf.h: which queue a task waits in, by which key or virtual time, and taking the first.
namespace slo::sim {

// What the present job may execute by key.
[[nodiscard]] std::uint64_t covered_exec_ns(const PolicyState& state, TaskId task);
// exec_ns: of the present job so far.
[[nodiscard]] std::uint32_t classify(const PolicyState& state, TaskId task, std::uint64_t exec_ns);
[[nodiscard]] std::uint64_t key_of(const PolicyState& state, TaskId task, std::uint64_t exec_ns);
// Its key is that of a job that wakes now.
void renew_key(PolicyState& state, TaskId task, std::uint64_t exec_ns, std::uint64_t now_ns);
[[nodiscard]] std::uint64_t slo_slice_of(const PolicyState& state, TaskId task);
[[nodiscard]] std::uint64_t slice_of(const PolicyState& state, TaskId task, CpuId cpu);

[[nodiscard]] bool slo_waits(const PolicyState& state, CpuId cpu);
[[nodiscard]] bool best_effort_waits(const PolicyState& state, CpuId cpu);
[[nodiscard]] bool shared_queue_waits(const PolicyState& state);
void move_vtime(PolicyState& state, TaskId task, std::uint32_t shard);
// Virtual time of a task that queues, of one that begins to run, and of one that has run.
void insert_best_effort(PolicyState& state, TaskId task, CpuId cpu);
void begin_run(PolicyState& state, TaskId task, CpuId cpu, std::uint64_t now_ns);
void charge_vtime(PolicyState& state, TaskId task, std::uint64_t now_ns);

// The first SLO task that a CPU may take.
struct Head {
  std::uint32_t shard = 0;
  std::uint64_t key_ns = 0;
};
[[nodiscard]] std::optional<Head> first_slo(const PolicyState& state, CpuId cpu);
// With the slice that the task was queued with; no_task: there was none.
[[nodiscard]] Picked take_slo(PolicyState& state, CpuId cpu, const std::optional<Head>& first);
[[nodiscard]] Picked take_best_effort(PolicyState& state, CpuId cpu);
[[nodiscard]] Picked level_best_effort(PolicyState& state, CpuId cpu);
[[nodiscard]] Picked steal(PolicyState& state, CpuId cpu);

}  // namespace slo::sim
