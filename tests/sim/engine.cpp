// SPDX-License-Identifier: GPL-2.0-only
#include "engine.h"

#include <algorithm>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

// What the kernel gives a task that goes on because there is nothing else.
constexpr std::uint64_t default_slice_ns = 20 * SLO_NSEC_PER_MSEC;

}  // namespace

Engine::Engine(const Machine& machine, const Workload& workload, std::uint64_t seed)
    : machine_(machine), workload_(workload), cpus_(machine.cpus), recorder_(workload, machine) {
  for (TaskId id = 0; id < workload_.tasks.size(); ++id) {
    TaskSpec& spec = workload_.tasks[id];
    randoms_.emplace_back(seed + id);
    tasks_.push_back({.unit = spec.unit, .weight = spec.weight, .cpu = id % machine_.cpus});
    const auto request = next_request(spec.behaviour, 0, randoms_[id]);
    if (!request) continue;
    tasks_[id].request = *request;
    events_.push({.at_ns = request->release_ns, .subject = id, .kind = EventKind::wakes});
  }
  for (CpuId cpu = 0; cpu < machine_.cpus; ++cpu) {
    const std::uint64_t phase_ns = machine_.ticks_staggered ? machine_.tick_ns * cpu / machine_.cpus : 0;
    events_.push({.at_ns = machine_.tick_ns + phase_ns, .subject = cpu, .kind = EventKind::ticks});
    recorder_.idles(true, 0);
  }
}

Record Engine::run(Scheduler& scheduler, std::uint64_t until_ns) {
  scheduler_ = &scheduler;
  for (CpuId cpu = 0; cpu < machine_.cpus; ++cpu) scheduler_->idles(cpu, true, 0);
  while (!events_.is_empty() && events_.next().at_ns < until_ns) {
    const Event event = events_.pop();
    now_ns_ = event.at_ns;
    handle(event);
  }
  now_ns_ = until_ns;
  for (const Cpu& cpu : cpus_)
    if (cpu.current != no_task) count_exec(cpu.current);
  return recorder_.finish(tasks_, now_ns_);
}

void Engine::handle(const Event& event) {
  const std::uint32_t subject = event.subject;
  switch (event.kind) {
    case EventKind::wakes:
      return wake(subject);
    case EventKind::done:
      if (event.generation == cpus_[subject].generation) end_request(subject);
      return;
    case EventKind::looks:
      return look(subject);
    case EventKind::looks_if_idle:
      return look_if_idle(subject);
    case EventKind::switched:
      return end_switch(subject);
    case EventKind::ticks:
      return tick(subject);
    case EventKind::expires:
      if (event.generation == cpus_[subject].timer_generations[event.timer])
        scheduler_->expires(subject, static_cast<Timer>(event.timer), now_ns_);
      return;
  }
}

void Engine::wake(TaskId id) {
  Task& task = tasks_[id];
  task.left_ns = task.request.exec_ns;
  take_time(task.cpu, machine_.wakeup_ns);
  slo_job_wakes(&task.job, now_ns_);
  recorder_.waits(task, now_ns_);
  recorder_.queued(true, now_ns_);
  scheduler_->wakes(id, now_ns_);
}

// What runs there has so much more to do.
void Engine::take_time(CpuId cpu, std::uint64_t cost_ns) {
  const TaskId id = cpus_[cpu].current;
  if (id == no_task || cost_ns == 0) return;
  tasks_[id].left_ns += cost_ns;
  plan_end(cpu);
}

void Engine::plan_end(CpuId cpu) {
  const Task& task = tasks_[cpus_[cpu].current];
  events_.push({.at_ns = task.counted_ns + task.left_ns,
                .generation = ++cpus_[cpu].generation,
                .subject = cpu,
                .kind = EventKind::done});
}

void Engine::count_exec(TaskId id) {
  Task& task = tasks_[id];
  const std::uint64_t ran_ns = now_ns_ - task.counted_ns;
  recorder_.executes(id, task, ran_ns);
  task.left_ns -= std::min(task.left_ns, ran_ns);
  task.counted_ns = now_ns_;
}

void Engine::end_request(CpuId cpu) {
  const TaskId id = cpus_[cpu].current;
  Task& task = tasks_[id];
  count_exec(id);
  recorder_.ends_request(task, now_ns_);
  const auto request = next_request(workload_.tasks[id].behaviour, now_ns_, randoms_[id]);
  if (request && request->release_ns <= now_ns_) {
    task.request = *request;
    task.left_ns = request->exec_ns;
    plan_end(cpu);
    scheduler_->goes_on(id, cpu, now_ns_);
    return;
  }
  sleep(cpu);
  if (request) {
    task.request = *request;
    events_.push({.at_ns = request->release_ns, .subject = id, .kind = EventKind::wakes});
  }
  look(cpu);
}

void Engine::sleep(CpuId cpu) {
  const TaskId id = cpus_[cpu].current;
  slo_job_end end{};
  stop(cpu, false);
  if (slo_job_sleeps(&tasks_[id].job, now_ns_, &end) == 0) return;
  recorder_.ends_job(tasks_[id], end);
  scheduler_->ends_job(id, end);
}

void Engine::stop(CpuId cpu, bool runnable) {
  const TaskId id = cpus_[cpu].current;
  count_exec(id);
  slo_job_stops(&tasks_[id].job, now_ns_);
  scheduler_->stops(id, cpu, now_ns_);
  cpus_[cpu].current = no_task;
  ++cpus_[cpu].generation;
  if (!runnable) return;
  recorder_.waits(tasks_[id], now_ns_);
  recorder_.queued(true, now_ns_);
  scheduler_->preempted(id, cpu, now_ns_);
}

void Engine::look(CpuId cpu) {
  if (is_switching(cpu)) {
    cpus_[cpu].is_asked_to_look = true;
    return;
  }
  const TaskId prev = cpus_[cpu].current;
  Picked picked{};
  if (!cpus_[cpu].placed.empty()) {
    picked = cpus_[cpu].placed.front();
    cpus_[cpu].placed.pop_front();
  } else {
    if (prev != no_task) count_exec(prev);
    picked = scheduler_->dispatch(cpu, prev, now_ns_);
    if (picked.task == no_task) picked = {.task = prev, .slice_ns = default_slice_ns};
    if (picked.task != prev) recorder_.queued(false, now_ns_);
  }
  if (picked.task == no_task) {
    go_idle(cpu);
  } else if (picked.task == prev) {
    cpus_[cpu].slice_end_ns = now_ns_ + picked.slice_ns;
    plan_end(cpu);
  } else {
    begin_switch(cpu, picked);
  }
}

void Engine::look_if_idle(CpuId cpu) {
  if (cpus_[cpu].is_idle) look(cpu);
}

void Engine::begin_switch(CpuId cpu, const Picked& next) {
  const TaskId prev = cpus_[cpu].current;
  cpus_[cpu].next = next;
  recorder_.switches(cpu);
  recorder_.does(cpu, Doing::switching, now_ns_);
  events_.push({.at_ns = now_ns_ + machine_.switch_ns, .subject = cpu, .kind = EventKind::switched});
  if (prev != no_task) stop(cpu, true);
  set_idle(cpu, false);
}

void Engine::end_switch(CpuId cpu) {
  const TaskId id = cpus_[cpu].next.task;
  Task& task = tasks_[id];
  cpus_[cpu].slice_end_ns = now_ns_ + cpus_[cpu].next.slice_ns;
  cpus_[cpu].next = {};
  cpus_[cpu].current = id;
  task.cpu = cpu;
  task.counted_ns = now_ns_;
  plan_end(cpu);
  slo_job_runs(&task.job, now_ns_);
  recorder_.runs(task, now_ns_);
  scheduler_->runs(id, cpu, now_ns_);
  const bool is_slo = scheduler_->class_of(id) == SLO_CLASS_SLO;
  recorder_.does(cpu, is_slo ? Doing::slo : Doing::best_effort, now_ns_);
  if (!cpus_[cpu].is_asked_to_look) return;
  cpus_[cpu].is_asked_to_look = false;
  look(cpu);
}

void Engine::tick(CpuId cpu) {
  events_.push({.at_ns = now_ns_ + machine_.tick_ns, .subject = cpu, .kind = EventKind::ticks});
  const TaskId id = cpus_[cpu].current;
  if (id == no_task) return;
  take_time(cpu, machine_.tick_cost_ns);
  const bool ends = scheduler_->tick(id, cpu, now_ns_);
  if (ends || now_ns_ >= cpus_[cpu].slice_end_ns) look(cpu);
}

void Engine::go_idle(CpuId cpu) {
  recorder_.does(cpu, Doing::nothing, now_ns_);
  set_claimed(cpu, false);
  set_idle(cpu, true);
  scheduler_->idles(cpu, true, now_ns_);
}

void Engine::set_idle(CpuId cpu, bool idle) {
  if (cpus_[cpu].is_idle == idle) return;
  const bool was_free = is_free(cpu);
  cpus_[cpu].is_idle = idle;
  cpus_[cpu].is_claimed = false;
  if (was_free != is_free(cpu)) recorder_.idles(!was_free, now_ns_);
  if (!idle) scheduler_->idles(cpu, false, now_ns_);
}

void Engine::set_claimed(CpuId cpu, bool claimed) {
  const bool was_free = is_free(cpu);
  cpus_[cpu].is_claimed = claimed;
  if (was_free != is_free(cpu)) recorder_.idles(!was_free, now_ns_);
}

std::optional<CpuId> Engine::claim_idle_cpu(CpuId near) {
  std::optional<CpuId> found;
  if (is_free(near)) found = near;
  for (CpuId cpu = 0; cpu < machine_.cpus && !found; ++cpu)
    if (is_free(cpu) && shard_of(machine_, cpu) == shard_of(machine_, near)) found = cpu;
  for (CpuId cpu = 0; cpu < machine_.cpus && !found; ++cpu)
    if (is_free(cpu)) found = cpu;
  if (found) set_claimed(*found, true);
  return found;
}

void Engine::place(TaskId task, CpuId cpu, std::uint64_t slice_ns) {
  cpus_[cpu].placed.push_back({.task = task, .slice_ns = slice_ns});
  recorder_.queued(false, now_ns_);
  events_.push({.at_ns = now_ns_ + machine_.kick_ns, .subject = cpu, .kind = EventKind::looks_if_idle});
}

void Engine::kick(CpuId cpu) {
  recorder_.kicks(cpu);
  events_.push({.at_ns = now_ns_ + machine_.kick_ns, .subject = cpu, .kind = EventKind::looks});
}

void Engine::kick_idle(CpuId cpu) {
  events_.push({.at_ns = now_ns_ + machine_.kick_ns, .subject = cpu, .kind = EventKind::looks_if_idle});
}

void Engine::arm(CpuId cpu, Timer timer, std::uint64_t at_ns) {
  const auto index = static_cast<std::uint8_t>(timer);
  events_.push({.at_ns = std::max(at_ns, now_ns_),
                .generation = ++cpus_[cpu].timer_generations[index],
                .subject = cpu,
                .kind = EventKind::expires,
                .timer = index});
}

}  // namespace slo::sim
