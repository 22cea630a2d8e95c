// SPDX-License-Identifier: GPL-2.0-only
#include "edf.h"

#include "bpf/policy/job.h"
#include "policy_floor.h"

namespace slo::sim {

EdfScheduler::EdfScheduler(Kernel& kernel, const Policy& policy, std::uint64_t seed)
    : state_(kernel, policy, seed), running_(kernel.machine().cpus, no_task) {}

std::uint64_t EdfScheduler::deadline_ns(TaskId task) const {
  const UnitState& unit = state_.unit_of(task);
  const Request& request = state_.kernel.tasks()[task].request;
  return request.release_ns + unit.budget_ns + (unit.bounds_response ? 0 : request.exec_ns);
}

std::optional<std::uint64_t> EdfScheduler::first_deadline_ns() const {
  return state_.shards[0].queue(Band::slo).head();
}

void EdfScheduler::wakes(TaskId task, std::uint64_t now_ns) {
  const CpuId prev = state_.kernel.tasks()[task].cpu;
  state_.tasks[task].task_class = classify(state_, task, 0);
  state_.tasks[task].key_exec_ns = 0;
  const auto idle = state_.kernel.claim_idle_cpu(prev);
  if (idle)
    state_.kernel.place(task, *idle, slice_of(state_, task, *idle));
  else
    enqueue(task, prev, now_ns);
}

void EdfScheduler::preempted(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  state_.tasks[task].task_class = classify(state_, task, state_.kernel.tasks()[task].job.exec_ns);
  enqueue(task, cpu, now_ns);
}

void EdfScheduler::enqueue(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  if (state_.tasks[task].task_class != SLO_CLASS_SLO) {
    insert_best_effort(state_, task, cpu);
    wake_idle_cpu(state_, cpu);
    return;
  }
  state_.tasks[task].slice_ns = slo_slice_of(state_, task);
  state_.shards[0].queue(Band::slo).insert(task, deadline_ns(task));
  if (!wake_idle_cpu(state_, cpu)) preempt_for(cpu, deadline_ns(task), now_ns);
}

bool EdfScheduler::may_take(CpuId cpu, std::uint64_t deadline, std::uint64_t now_ns) const {
  const CpuState& at = state_.cpus[cpu];
  if (at.is_kick_pending || in_floor_turn(at, now_ns) || running_[cpu] == no_task) return false;
  return at.running_class == SLO_CLASS_BEST_EFFORT || deadline < deadline_ns(running_[cpu]);
}

// From best effort, at home if possible, else from the latest deadline.
void EdfScheduler::preempt_for(CpuId near, std::uint64_t deadline, std::uint64_t now_ns) {
  std::optional<CpuId> victim;
  const auto lateness_ns = [this](CpuId cpu) {
    return state_.cpus[cpu].running_class == SLO_CLASS_BEST_EFFORT ? UINT64_MAX : deadline_ns(running_[cpu]);
  };
  const auto nr_cpus = static_cast<CpuId>(running_.size());
  for (CpuId i = 0; i < nr_cpus; ++i) {
    const CpuId cpu = (near + i) % nr_cpus;
    if (may_take(cpu, deadline, now_ns) && (!victim || lateness_ns(cpu) > lateness_ns(*victim))) victim = cpu;
  }
  if (victim) kick_now(state_, *victim, now_ns);
}

Picked EdfScheduler::dispatch(CpuId cpu, TaskId prev, std::uint64_t now_ns) {
  kick_seen(state_, cpu);
  if (state_.cpus[cpu].running_class != SLO_CLASS_NONE) charge(state_, cpu, now_ns);
  const bool has_prev =
      prev != no_task &&
      classify(state_, prev, slo_job_exec_ns(&state_.kernel.tasks()[prev].job, now_ns)) == SLO_CLASS_SLO;
  const auto first = first_deadline_ns();
  const bool prev_first = has_prev && (!first || deadline_ns(prev) <= *first);
  const TaskId urgent = prev_first ? prev : state_.shards[0].queue(Band::slo).first();
  const std::uint64_t latest_start_ns =
      urgent != no_task ? deadline_ns(urgent) - state_.kernel.tasks()[urgent].left_ns : 0;
  const Picked turn =
      take_floor_turn(state_, cpu, has_prev || first, floor_is_wanted(state_, cpu), latest_start_ns, now_ns);
  if (turn.task != no_task) return turn;
  if (prev_first) return {.task = prev, .slice_ns = slo_slice_of(state_, prev)};
  const Picked slo = take_slo(state_, cpu, first_slo(state_, cpu));
  return slo.task != no_task ? slo : take_best_effort(state_, cpu);
}

void EdfScheduler::runs(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  CpuState& at = state_.cpus[cpu];
  running_[cpu] = task;
  at.charged_ns = now_ns;
  at.running = task;
  begin_run(state_, task, cpu, now_ns);
  note_class(state_, cpu, state_.tasks[task].task_class);
  kick_seen(state_, cpu);
  goes_on(task, cpu, now_ns);
}

// Something else may be due earlier now.
void EdfScheduler::goes_on(TaskId /*task*/, CpuId cpu, std::uint64_t now_ns) {
  const auto first = first_deadline_ns();
  if (first && may_take(cpu, *first, now_ns)) kick_now(state_, cpu, now_ns);
}

void EdfScheduler::stops(TaskId task, CpuId cpu, std::uint64_t now_ns) {
  charge(state_, cpu, now_ns);
  state_.cpus[cpu].running_class = SLO_CLASS_NONE;
  running_[cpu] = no_task;
  charge_vtime(state_, task, now_ns);
}

bool EdfScheduler::tick(TaskId /*task*/, CpuId cpu, std::uint64_t now_ns) {
  if (state_.cpus[cpu].running_class != SLO_CLASS_SLO) return false;
  charge(state_, cpu, now_ns);
  return floor_is_wanted(state_, cpu);
}

void EdfScheduler::expires(CpuId cpu, Timer timer, std::uint64_t now_ns) {
  if (timer == Timer::floor_turn) end_floor_turn(state_, cpu, now_ns);
}

void EdfScheduler::idles(CpuId cpu, bool idle, std::uint64_t /*now_ns*/) {
  state_.idle_cpus[cpu] = idle;
}

std::uint32_t EdfScheduler::class_of(TaskId task) const {
  return state_.tasks[task].task_class;
}

}  // namespace slo::sim
