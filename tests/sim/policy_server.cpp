// SPDX-License-Identifier: GPL-2.0-only
#include "policy_server.h"

#include "bpf/policy/job.h"
#include "bpf/policy/server.h"
#include "policy_preempt.h"
#include "policy_queue.h"

namespace slo::sim {
namespace {

void arm_refill(PolicyState& state, std::uint64_t now_ns) {
  if (state.is_refill_armed) return;
  state.is_refill_armed = true;
  state.kernel.arm(0, Timer::refill, now_ns + state.policy.refill_step_ns);
}

void fill(ServerState& server, std::uint64_t now_ns) {
  server.tokens_ns =
      slo_server_fill_ns(server.tokens_ns, server.quota_ns, slo_elapsed_ns(server.filled_ns, now_ns));
  server.filled_ns = now_ns;
}

// Queued tasks of a unit that may be served by key again.
void revive(PolicyState& state, ShardState& shard, std::uint64_t now_ns) {
  std::vector<TaskId> moved;
  for (const TaskId task : shard.queue(Band::best_effort).tasks())
    if (state.unit_of(task).server.quota_ns != 0 &&
        classify(state, task, state.kernel.tasks()[task].job.exec_ns) == SLO_CLASS_SLO)
      moved.push_back(task);
  for (const TaskId task : moved) {
    const CpuId cpu = state.kernel.tasks()[task].cpu;
    shard.queue(Band::best_effort).remove(task);
    const std::uint64_t exec_ns = state.kernel.tasks()[task].job.exec_ns;
    renew_key(state, task, exec_ns, now_ns);
    const std::uint64_t key_ns = key_of(state, task, exec_ns);
    state.tasks[task].task_class = SLO_CLASS_SLO;
    state.tasks[task].slice_ns = slo_slice_of(state, task);
    shard.queue(Band::slo).insert(task, key_ns);
    kick_when_overtaken(state, cpu, key_ns, now_ns);
  }
}

}  // namespace

bool is_throttled(const PolicyState& state, TaskId task) {
  return state.unit_of(task).server.is_empty;
}

void charge_server(PolicyState& state, TaskId task, CpuId cpu, std::uint64_t exec_ns, std::uint64_t now_ns) {
  ServerState& server = state.unit_of(task).server;
  if (server.quota_ns == 0) return;
  slo_s64& prepaid_ns = server.prepaid_ns[state.shard_at(cpu)];
  prepaid_ns -= static_cast<slo_s64>(exec_ns);
  const std::uint64_t draw_ns = slo_server_draw_ns(prepaid_ns, slo_server_chunk_ns(server.quota_ns));
  if (draw_ns == 0) return;
  prepaid_ns += static_cast<slo_s64>(draw_ns);
  server.tokens_ns -= static_cast<slo_s64>(draw_ns);
  if (slo_server_is_empty(server.tokens_ns) == 0) return;
  fill(server, now_ns);
  if (slo_server_is_empty(server.tokens_ns) == 0) return;
  server.is_empty = true;
  arm_refill(state, now_ns);
}

void refill_servers(PolicyState& state, std::uint64_t now_ns) {
  state.is_refill_armed = false;
  bool revived = false;
  bool empty = false;
  for (UnitState& unit : state.units) {
    ServerState& server = unit.server;
    if (server.quota_ns == 0) continue;
    fill(server, now_ns);
    if (!server.is_empty) continue;
    server.is_empty = slo_server_revives(server.tokens_ns, server.quota_ns) == 0;
    revived |= !server.is_empty;
    empty |= server.is_empty;
  }
  if (empty) arm_refill(state, now_ns);
  if (!revived) return;
  for (ShardState& shard : state.shards) revive(state, shard, now_ns);
}

}  // namespace slo::sim
