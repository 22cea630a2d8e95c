// SPDX-License-Identifier: GPL-2.0-only
#include "policy_scheduler.h"

#include <utility>

#include "bpf/policy/job.h"
#include "bpf/policy/server.h"
#include "policy_floor.h"
#include "policy_load.h"
#include "policy_server.h"

namespace slo::sim {
PolicyScheduler::PolicyScheduler(Kernel& kernel, const Policy& policy, std::uint64_t seed)
    : state_(kernel, policy, seed) {
  kernel.arm(0, Timer::heartbeat, SLO_SERVER_PERIOD_NS);
}

void PolicyScheduler::wake_job(TaskId task, std::uint64_t now_ns) {
  TaskState& waking = state_.tasks[task];
  const slo_job& job = state_.kernel.tasks()[task].job;
  const bool begins = job.has_run == 0;
  if (begins) {
    waking.is_demoted = false;
    waking.key_exec_ns = 0;
  }
  const std::uint32_t before = waking.task_class;
  waking.task_class = classify(state_, task, job.exec_ns);
  if (begins)
    waking.key_from_ns = job.wake_ns;
  else if (before == SLO_CLASS_BEST_EFFORT && waking.task_class == SLO_CLASS_SLO)
    renew_key(state_, task, job.exec_ns, now_ns);
}

void PolicyScheduler::wakes(TaskId task, std::uint64_t now_ns) {
  const CpuId prev = state_.kernel.tasks()[task].cpu;
  wake_job(task, now_ns);
  const auto idle = state_.kernel.claim_idle_cpu(prev);
  if (idle)
    state_.kernel.place(task, *idle, slice_of(state_, task, *idle));
  else
    enqueue(task, prev, now_ns);
}

void PolicyScheduler::preempted(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  enqueue(task, cpu, now_ns);
}

void PolicyScheduler::enqueue(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  wake_job(task, now_ns);
  if (state_.tasks[task].task_class == SLO_CLASS_SLO)
    enqueue_slo(task, cpu, now_ns);
  else
    enqueue_best_effort(task, cpu);
}

void PolicyScheduler::enqueue_best_effort(TaskId task, CpuId cpu) {
  insert_best_effort(state_, task, cpu);
  wake_idle_cpu(state_, cpu);
}

void PolicyScheduler::enqueue_slo(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  const std::uint64_t key_ns = key_of(state_, task, state_.kernel.tasks()[task].job.exec_ns);
  state_.tasks[task].slice_ns = slo_slice_of(state_, task);
  state_.shard_of_cpu(cpu).queue(Band::slo).insert(task, key_ns);
  if (!wake_idle_cpu(state_, cpu)) preempt_for(state_, cpu, key_ns, now_ns);
}

Picked PolicyScheduler::dispatch(CpuId cpu, TaskId prev, std::uint64_t now_ns) {
  kick_seen(state_, cpu);
  const Picked picked = pick(cpu, prev, now_ns);
  state_.cpus[cpu].helps.reset();
  return picked;
}

// There is something in its reserve again.
void PolicyScheduler::promote(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  const std::uint64_t exec_ns = slo_job_exec_ns(&state_.kernel.tasks()[task].job, now_ns);
  charge_vtime(state_, task, now_ns);
  renew_key(state_, task, exec_ns, now_ns);
  state_.tasks[task].ran_from_ns = now_ns;
  state_.cpus[cpu].key_ns = key_of(state_, task, exec_ns);
  state_.cpus[cpu].ran_from_ns = now_ns;
  state_.tasks[task].task_class = SLO_CLASS_SLO;
  note_class(state_, cpu, SLO_CLASS_SLO);
}

bool PolicyScheduler::is_slo_prev(TaskId prev, std::uint64_t now_ns) const {
  return prev != no_task &&
         classify(state_, prev, slo_job_exec_ns(&state_.kernel.tasks()[prev].job, now_ns)) == SLO_CLASS_SLO;
}

Picked PolicyScheduler::pick(CpuId cpu, TaskId prev, std::uint64_t now_ns) {
  if (state_.cpus[cpu].running_class != SLO_CLASS_NONE) charge(state_, cpu, now_ns);
  const bool has_prev = is_slo_prev(prev, now_ns);
  if (has_prev && state_.tasks[prev].task_class != SLO_CLASS_SLO) promote(prev, cpu, now_ns);
  const std::uint64_t prev_key_ns =
      has_prev ? key_of(state_, prev, slo_job_exec_ns(&state_.kernel.tasks()[prev].job, now_ns)) : 0;
  const auto first = first_slo(state_, cpu);
  const bool prev_first = has_prev && (!first || !slo_before(first->key_ns, prev_key_ns));
  const std::uint64_t key_ns = prev_first ? prev_key_ns : first ? first->key_ns : 0;
  const Picked turn =
      take_floor_turn(state_, cpu, has_prev || first, floor_is_wanted(state_, cpu), key_ns, now_ns);
  if (turn.task != no_task) return turn;
  if (prev_first) {
    if (first) kick_when_overtaken(state_, cpu, first->key_ns, now_ns);
    return {.task = prev, .slice_ns = slo_slice_of(state_, prev)};
  }
  const Picked slo = take_slo(state_, cpu, first);
  return slo.task != no_task ? slo : pick_best_effort(cpu, prev);
}

Picked PolicyScheduler::pick_best_effort(CpuId cpu, TaskId prev) {
  const bool has_neighbours = state_.shards.size() > 1;
  if (has_neighbours) {
    const Picked levelled = level_best_effort(state_, cpu);
    if (levelled.task != no_task) return levelled;
  }
  const Picked own = take_best_effort(state_, cpu);
  if (own.task != no_task || !has_neighbours || prev != no_task) return own;
  return steal(state_, cpu);
}

void PolicyScheduler::begin_slo_run(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  const std::uint64_t exec_ns = state_.kernel.tasks()[task].job.exec_ns;
  UnitState& unit = state_.unit_of(task);
  const std::uint64_t tardy_after_ns = state_.policy.is_tardy_at_once ? 0 : unit.budget_ns;
  if (state_.policy.has_renewal && slo_is_tardy(key_of(state_, task, exec_ns), tardy_after_ns, now_ns) != 0) {
    renew_key(state_, task, exec_ns, now_ns);
    ++unit.renewals;
  }
  state_.cpus[cpu].key_ns = key_of(state_, task, exec_ns);
}

void PolicyScheduler::runs(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  const std::uint32_t task_class = state_.tasks[task].task_class;
  CpuState& at = state_.cpus[cpu];
  // The daemon hears of misses at once.
  if (std::exchange(state_.has_missed, false) && state_.overload.is_due_after_miss(now_ns))
    look_at_load(state_, now_ns);
  at.ran_from_ns = now_ns;
  at.charged_ns = now_ns;
  at.idle_retries = 0;
  at.running = task;
  begin_run(state_, task, cpu, now_ns);
  if (task_class == SLO_CLASS_SLO) begin_slo_run(task, cpu, now_ns);
  note_class(state_, cpu, task_class);
  kick_seen(state_, cpu);
  look_at_queues(state_, cpu, now_ns);
}

void PolicyScheduler::stops(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  charge(state_, cpu, now_ns);
  state_.cpus[cpu].running_class = SLO_CLASS_NONE;
  note_demotion(task, now_ns);
  charge_vtime(state_, task, now_ns);
}

void PolicyScheduler::ends_job(TaskId task, const slo_job_end& end) {
  UnitState& unit = state_.unit_of(task);
  const slo_u32 flags = unit.bounds_response ? SLO_CFG_RESPONSE : 0;
  const slo_u32 cause = slo_job_cause(&end, unit.budget_ns, unit.max_exec_ns, flags);
  ++unit.jobs;
  if (cause == SLO_CAUSE_LATE_START || cause == SLO_CAUSE_PREEMPTED) ++unit.lost_jobs;
  state_.has_missed |= cause != SLO_CAUSE_NONE;
  if (unit.bounds_response) unit.expected_exec_ns = slo_expect_exec_ns(unit.expected_exec_ns, end.exec_ns);
}

void PolicyScheduler::note_demotion(TaskId task, std::uint64_t now_ns) {
  TaskState& stopped = state_.tasks[task];
  if (stopped.task_class == SLO_CLASS_SLO &&
      slo_job_exec_ns(&state_.kernel.tasks()[task].job, now_ns) >= covered_exec_ns(state_, task))
    stopped.is_demoted = true;
}

bool PolicyScheduler::tick(TaskId /*task*/, CpuId cpu, std::uint64_t now_ns) {
  const CpuState& at = state_.cpus[cpu];
  if (state_.policy.preemption == Preemption::tick) {
    const auto first = first_slo(state_, cpu);
    if (first && may_preempt(at, first->key_ns, now_ns)) return true;
  }
  if (at.running_class != SLO_CLASS_SLO) return false;
  charge(state_, cpu, now_ns);
  if (floor_is_wanted(state_, cpu) || is_throttled(state_, at.running)) return true;
  look_at_queues(state_, cpu, now_ns);
  return false;
}

void PolicyScheduler::expires(CpuId cpu, Timer timer, std::uint64_t now_ns) {
  switch (timer) {
    case Timer::floor_turn:
      return end_floor_turn(state_, cpu, now_ns);
    case Timer::alarm:
      state_.cpus[cpu].alarm_ns = 0;
      return look_at_queues(state_, cpu, now_ns);
    case Timer::heartbeat:
      return beat(now_ns);
    case Timer::refill:
      return refill_servers(state_, now_ns);
  }
}

// Best effort's virtual time never stands still, reserves fill, and the daemon looks at the load.
void PolicyScheduler::beat(std::uint64_t now_ns) {
  for (ShardState& shard : state_.shards) shard.vtime_now_ns += slo_vtime_least_ns(SLO_SERVER_PERIOD_NS);
  refill_servers(state_, now_ns);
  look_at_load(state_, now_ns);
  state_.kernel.arm(0, Timer::heartbeat, now_ns + SLO_SERVER_PERIOD_NS);
}

void PolicyScheduler::idles(CpuId cpu, bool idle, std::uint64_t /*now_ns*/) {
  CpuState& at = state_.cpus[cpu];
  state_.idle_cpus[cpu] = idle;
  if (!idle || at.idle_retries >= idle_retries_max || !shared_queue_waits(state_)) return;
  ++at.idle_retries;
  state_.kernel.kick_idle(cpu);
}

std::uint32_t PolicyScheduler::class_of(TaskId task) const {
  return state_.tasks[task].task_class;
}

}  // namespace slo::sim
