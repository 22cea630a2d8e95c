// SPDX-License-Identifier: GPL-2.0-only
#include "policy_queue.h"

#include <algorithm>
#include <utility>

#include "bpf/policy/job.h"

namespace slo::sim {

std::uint64_t covered_exec_ns(const PolicyState& state, TaskId task) {
  if (!state.policy.has_demotion) return UINT64_MAX;
  const std::uint64_t wait_ns = state.policy.covers_wait ? state.kernel.tasks()[task].job.wait_ns : 0;
  return slo_covered_exec_ns(state.unit_of(task).max_exec_ns, wait_ns);
}

std::uint32_t classify(const PolicyState& state, TaskId task, std::uint64_t exec_ns) {
  const UnitState& unit = state.unit_of(task);
  if (state.tasks[task].is_demoted || unit.server.is_empty) return SLO_CLASS_BEST_EFFORT;
  return slo_class(unit.budget_ns, exec_ns, covered_exec_ns(state, task));
}

std::uint64_t key_of(const PolicyState& state, TaskId task, std::uint64_t exec_ns) {
  const UnitState& unit = state.unit_of(task);
  const std::uint64_t from_ns = state.tasks[task].key_from_ns;
  if (unit.bounds_response)
    return slo_response_key_ns(from_ns, unit.start_within_ns, exec_ns, unit.expected_exec_ns);
  return slo_key_ns(from_ns, unit.start_within_ns, exec_ns);
}

void renew_key(PolicyState& state, TaskId task, std::uint64_t exec_ns, std::uint64_t now_ns) {
  state.tasks[task].key_from_ns =
      slo_renewed_from_ns(exec_ns, now_ns, state.unit_of(task).bounds_response ? SLO_CFG_RESPONSE : 0);
}

std::uint64_t slo_slice_of(const PolicyState& state, TaskId task) {
  return slo_slice_ns(state.unit_of(task).budget_ns, state.kernel.machine().tick_ns,
                      state.policy.tunables.slo_slice_max_ns);
}

std::uint64_t slice_of(const PolicyState& state, TaskId task, CpuId cpu) {
  if (state.tasks[task].task_class == SLO_CLASS_SLO) return slo_slice_of(state, task);
  return slo_best_effort_slice_ns(state.policy.tunables.best_effort_slice_ns, state.kernel.machine().tick_ns,
                                  state.shard_of_cpu(cpu).queue(Band::slo).size(),
                                  state.kernel.tasks()[task].weight);
}

bool slo_waits(const PolicyState& state, CpuId cpu) {
  return state.shard_of_cpu(cpu).queue(Band::slo).size() != 0 || state.cpus[cpu].helps.has_value();
}

bool best_effort_waits(const PolicyState& state, CpuId cpu) {
  return state.shard_of_cpu(cpu).queue(Band::best_effort).size() != 0;
}

bool shared_queue_waits(const PolicyState& state) {
  return std::ranges::any_of(state.shards, [](const ShardState& shard) {
    return shard.queue(Band::slo).size() != 0 || shard.queue(Band::best_effort).size() != 0;
  });
}

void move_vtime(PolicyState& state, TaskId task, std::uint32_t shard) {
  TaskState& moved = state.tasks[task];
  if (moved.vtime_shard == shard) return;
  moved.vtime_ns += state.shards[shard].vtime_now_ns - state.shards[moved.vtime_shard].vtime_now_ns;
  moved.vtime_shard = shard;
}

void insert_best_effort(PolicyState& state, TaskId task, CpuId cpu) {
  TaskState& queued = state.tasks[task];
  ShardState& shard = state.shard_of_cpu(cpu);
  move_vtime(state, task, state.shard_at(cpu));
  if (state.unit_of(task).budget_ns != 0)
    queued.vtime_ns =
        slo_vtime_after_key_ns(queued.vtime_ns, shard.vtime_now_ns, std::exchange(queued.key_exec_ns, 0),
                               state.kernel.tasks()[task].weight);
  queued.vtime_ns =
      slo_vtime_place_ns(queued.vtime_ns, shard.vtime_now_ns, state.policy.tunables.best_effort_slice_ns);
  queued.slice_ns = slice_of(state, task, cpu);
  shard.queue(Band::best_effort).insert(task, queued.vtime_ns);
}

void begin_run(PolicyState& state, TaskId task, CpuId cpu, std::uint64_t now_ns) {
  TaskState& running = state.tasks[task];
  running.ran_from_ns = now_ns;
  if (running.task_class == SLO_CLASS_SLO) return;
  ShardState& shard = state.shard_of_cpu(cpu);
  move_vtime(state, task, state.shard_at(cpu));
  if (slo_before(shard.vtime_now_ns, running.vtime_ns)) shard.vtime_now_ns = running.vtime_ns;
}

void charge_vtime(PolicyState& state, TaskId task, std::uint64_t now_ns) {
  TaskState& stopped = state.tasks[task];
  const std::uint64_t exec_ns = slo_elapsed_ns(stopped.ran_from_ns, now_ns);
  if (stopped.task_class == SLO_CLASS_SLO) stopped.key_exec_ns += exec_ns;
  if (stopped.task_class == SLO_CLASS_BEST_EFFORT)
    stopped.vtime_ns += slo_vtime_charge_ns(exec_ns, state.kernel.tasks()[task].weight);
}

namespace {

void keep_earlier(const PolicyState& state, std::optional<Head>& first, std::uint32_t shard) {
  const auto key_ns = state.shards[shard].queue(Band::slo).head();
  if (key_ns && (!first || slo_before(*key_ns, first->key_ns))) first = {.shard = shard, .key_ns = *key_ns};
}

Picked take(PolicyState& state, Band band, std::uint32_t shard) {
  const TaskId task = state.shards[shard].queue(band).take();
  if (task == no_task) return {};
  return {.task = task, .slice_ns = state.tasks[task].slice_ns};
}

}  // namespace

std::optional<Head> first_slo(const PolicyState& state, CpuId cpu) {
  std::optional<Head> first;
  keep_earlier(state, first, state.shard_at(cpu));
  if (state.cpus[cpu].helps) keep_earlier(state, first, *state.cpus[cpu].helps);
  return first;
}

Picked take_slo(PolicyState& state, CpuId cpu, const std::optional<Head>& first) {
  if (first) {
    const Picked picked = take(state, Band::slo, first->shard);
    if (picked.task != no_task) return picked;
  }
  return take(state, Band::slo, state.shard_at(cpu));
}

Picked take_best_effort(PolicyState& state, CpuId cpu) {
  return take(state, Band::best_effort, state.shard_at(cpu));
}

Picked level_best_effort(PolicyState& state, CpuId cpu) {
  const auto other = static_cast<std::uint32_t>(below(state.random, state.shards.size()));
  if (state.shards[other].queue(Band::best_effort).size() <=
      state.shard_of_cpu(cpu).queue(Band::best_effort).size() + 2)
    return {};
  return take(state, Band::best_effort, other);
}

Picked steal(PolicyState& state, CpuId cpu) {
  const auto nr = static_cast<std::uint32_t>(state.shards.size());
  for (const Band band : {Band::slo, Band::best_effort})
    for (std::uint32_t i = 1; i < nr; ++i) {
      const Picked picked = take(state, band, (state.shard_at(cpu) + i) % nr);
      if (picked.task != no_task) return picked;
    }
  return {};
}

}  // namespace slo::sim
