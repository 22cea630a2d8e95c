// SPDX-License-Identifier: GPL-2.0-only
#include "edf.h"

#include <algorithm>
#include <utility>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

// What goes on because there is nothing else.
constexpr std::uint64_t default_slice_ns = 20 * SLO_NSEC_PER_MSEC;

bool is_free(const Cpu& cpu) {
  return cpu.is_online && cpu.current == nullptr && !cpu.needs_look;
}

}  // namespace

Edf::Edf(Kernel& kernel, const Workload& workload, const Policy& policy)
    : kernel_(kernel),
      workload_(workload),
      policy_(policy),
      credit_max_ns_(slo_floor_credit_max_ns(policy.tunables.best_effort_gap_ns, kernel.machine().tick_ns,
                                             policy.tunables.best_effort_floor_permille)),
      floors_(kernel.machine().cpus, Floor{.credit_ns = credit_max_ns_}) {
  kernel.add_class(*this);
  kernel.set_normal_class(*this);
  for (const Unit& unit : workload.units)
    if (unit.budget_ns != 0 && (smallest_budget_ns_ == 0 || unit.budget_ns < smallest_budget_ns_))
      smallest_budget_ns_ = unit.budget_ns;
}

Edf::State& Edf::of(const Task& task) {
  if (states_.size() <= task.id) states_.resize(task.id + 1);
  return states_[task.id];
}

std::uint64_t Edf::deadline_ns(const Task& task) const {
  const Unit& unit = unit_of(task);
  return task.request.release_ns + unit.budget_ns + (unit.bounds_response ? 0 : task.request.exec_ns);
}

std::uint32_t Edf::classify(const Task& task, std::uint64_t exec_ns) {
  const Unit& unit = unit_of(task);
  const std::uint64_t covered_ns =
      policy_.has_demotion ? slo_covered_exec_ns(max_exec_ns(unit), of(task).job.wait_ns) : UINT64_MAX;
  return slo_class(unit.budget_ns, exec_ns, covered_ns);
}

CpuId Edf::select_cpu(Task& task, Change /*change*/, bool /*is_sync*/) {
  if (is_free(kernel_.cpu(task.cpu()))) return task.cpu();
  for (const Cpu& cpu : kernel_.cpus())
    if (is_free(cpu) && task.cpus().test(cpu.id)) return cpu.id;
  return task.cpu();
}

void Edf::enqueue(Cpu& cpu, Task& task, Change change) {
  State& state = of(task);
  if (change == Change::wakeup || change == Change::fork) {
    slo_job_wakes(&state.job, now_ns());
    state.key_exec_ns = 0;
  }
  if (!task.is_current) queue(cpu, task);
}

void Edf::queue(Cpu& cpu, Task& task) {
  State& state = of(task);
  state.task_class = classify(task, state.job.exec_ns);
  if (state.task_class == SLO_CLASS_SLO) {
    state.slice_ns =
        slo_slice_ns(unit_of(task).budget_ns, kernel_.machine().tick_ns, policy_.tunables.slo_slice_max_ns);
    urgent_.insert(task, deadline_ns(task), false);
    if (!is_free(cpu)) preempt_for(cpu.id, deadline_ns(task));
    return;
  }
  const std::uint32_t weight = task.kernel.scx.weight << SLO_WEIGHT_SHIFT;
  if (unit_of(task).budget_ns != 0)
    state.vtime_ns =
        slo_vtime_after_key_ns(state.vtime_ns, vtime_now_ns_, std::exchange(state.key_exec_ns, 0), weight);
  const std::uint64_t slice_ns = policy_.tunables.best_effort_slice_ns;
  state.vtime_ns = slo_vtime_place_ns(state.vtime_ns, vtime_now_ns_, slo_vtime_credit_max_ns(weight),
                                      slice_ns, kernel_.machine().tick_ns, weight);
  state.slice_ns = slo_best_effort_slice_ns(slice_ns, kernel_.machine().tick_ns, urgent_.size(),
                                            best_effort_.size() / kernel_.machine().cpus, weight);
  best_effort_.insert(task, state.vtime_ns, false);
}

void Edf::dequeue(Cpu& cpu, Task& task, Change change) {
  if (task.is_current) stop(cpu, task);
  if (task.ext.dsq != nullptr) task.ext.dsq->remove(task);
  slo_job_end end{};
  if (change == Change::wakeup || change == Change::fork) slo_job_sleeps(&of(task).job, now_ns(), &end);
}

void Edf::stop(Cpu& cpu, Task& task) {
  State& state = of(task);
  charge(cpu, task);
  const std::uint64_t exec_ns = slo_elapsed_ns(std::exchange(state.ran_from_ns, now_ns()), now_ns());
  if (state.task_class == SLO_CLASS_SLO)
    state.key_exec_ns += exec_ns;
  else
    state.vtime_ns += slo_vtime_charge_ns(exec_ns, task.kernel.scx.weight << SLO_WEIGHT_SHIFT);
  slo_job_stops(&state.job, now_ns());
}

void Edf::put_prev(Cpu& cpu, Task& prev, const Task* /*next*/) {
  if (!prev.is_queued()) return;
  stop(cpu, prev);
  queue(cpu, prev);
}

void Edf::set_next(Cpu& cpu, Task& next) {
  State& state = of(next);
  if (next.ext.dsq != nullptr) next.ext.dsq->remove(next);
  slo_job_runs(&state.job, now_ns());
  state.ran_from_ns = now_ns();
  floors_[cpu.id].charged_ns = now_ns();
  floors_[cpu.id].slice_end_ns = now_ns() + state.slice_ns;
  if (state.task_class != SLO_CLASS_SLO && slo_before(vtime_now_ns_, state.vtime_ns) != 0)
    vtime_now_ns_ = state.vtime_ns;
}

bool Edf::in_turn(const Cpu& cpu) const {
  return floors_[cpu.id].turn_until_ns != 0 && now_ns() < floors_[cpu.id].turn_until_ns;
}

bool Edf::may_take(const Cpu& cpu, std::uint64_t deadline) const {
  if (cpu.needs_look || in_turn(cpu) || cpu.current == nullptr || cpu.current->sched_class != this)
    return false;
  return !is_urgent(*cpu.current) || deadline < deadline_ns(*cpu.current);
}

// From best effort, at home if possible, else from the latest deadline.
void Edf::preempt_for(CpuId near, std::uint64_t deadline) {
  Cpu* victim = nullptr;
  const auto lateness_ns = [this](const Cpu& cpu) {
    return is_urgent(*cpu.current) ? deadline_ns(*cpu.current) : UINT64_MAX;
  };
  for (CpuId i = 0; i < kernel_.machine().cpus; ++i) {
    Cpu& cpu = kernel_.cpu((near + i) % kernel_.machine().cpus);
    if (may_take(cpu, deadline) && (victim == nullptr || lateness_ns(cpu) > lateness_ns(*victim)))
      victim = &cpu;
  }
  if (victim != nullptr) kernel_.ask_to_look(*victim);
}

void Edf::charge(const Cpu& cpu, const Task& current) {
  Floor& floor = floors_[cpu.id];
  const std::uint64_t ran_ns = slo_elapsed_ns(std::exchange(floor.charged_ns, now_ns()), now_ns());
  const std::uint32_t permille = policy_.tunables.best_effort_floor_permille;
  if (!is_urgent(current))
    floor.credit_ns = slo_floor_earn(floor.credit_ns, ran_ns, permille, credit_max_ns_);
  else if (best_effort_.size() != 0)
    floor.credit_ns = slo_floor_spend(floor.credit_ns, ran_ns, permille);
}

bool Edf::floor_is_wanted(const Cpu& cpu) const {
  return best_effort_.size() != 0 && slo_floor_is_wanted(floors_[cpu.id].credit_ns, credit_max_ns_) != 0;
}

// Best effort's turn, where it has one or is owed one.
Task* Edf::take_turn(Cpu& cpu, const Task* prev, bool prev_first) {
  Floor& floor = floors_[cpu.id];
  if (in_turn(cpu)) return best_effort_.first();
  floor.turn_until_ns = 0;
  const Task* urgent = prev_first ? prev : urgent_.first();
  if (urgent == nullptr || !floor_is_wanted(cpu)) return nullptr;
  const std::uint64_t turn_ns = slo_floor_turn_ns(smallest_budget_ns_);
  if (slo_floor_takes_turn(floor.credit_ns, credit_max_ns_, now_ns(), turn_ns,
                           deadline_ns(*urgent) - urgent->left_ns) == 0)
    return nullptr;
  floor.turn_until_ns = now_ns() + turn_ns;
  kernel_.plan(floor.turn_until_ns, [this, &cpu, &floor, nth = ++floor.turns] {
    if (nth != floor.turns) return;
    floor.turn_until_ns = 0;
    if (urgent_.size() != 0) kernel_.on_cpu(cpu.id, [&] { kernel_.ask_to_look(cpu); });
  });
  return best_effort_.first();
}

Task* Edf::pick(Cpu& cpu, Task* prev) {
  State* state = prev != nullptr ? &of(*prev) : nullptr;
  if (prev != nullptr) {
    charge(cpu, *prev);
    if (classify(*prev, slo_job_exec_ns(&state->job, now_ns())) != state->task_class) {
      stop(cpu, *prev);
      slo_job_runs(&state->job, now_ns());
      state->task_class = SLO_CLASS_BEST_EFFORT;
    }
  }
  const bool has_prev = prev != nullptr && state->task_class == SLO_CLASS_SLO;
  const Task* first = urgent_.first();
  const bool prev_first = has_prev && (first == nullptr || deadline_ns(*prev) <= deadline_ns(*first));
  if (Task* turn = take_turn(cpu, prev, prev_first)) return turn;
  if (prev_first) {
    floors_[cpu.id].slice_end_ns = now_ns() + state->slice_ns;
    return prev;
  }
  for (const Dsq* queue : {&urgent_, &best_effort_})
    for (const Dsq::Entry& entry : queue->entries)
      if (entry.task->cpus().test(cpu.id)) {
        kernel_.set_cpu(*entry.task, cpu.id);
        return entry.task;
      }
  if (prev != nullptr) floors_[cpu.id].slice_end_ns = now_ns() + default_slice_ns;
  return prev;
}

// Something else may be due earlier now.
void Edf::goes_on(Cpu& cpu, Task& /*task*/) {
  if (urgent_.first() != nullptr && may_take(cpu, deadline_ns(*urgent_.first()))) kernel_.ask_to_look(cpu);
}

void Edf::tick(Cpu& cpu, Task& current) {
  charge(cpu, current);
  if ((is_urgent(current) && floor_is_wanted(cpu)) || now_ns() >= floors_[cpu.id].slice_end_ns)
    kernel_.ask_to_look(cpu);
}

bool Edf::is_urgent(const Task& task) const {
  return states_[task.id].task_class == SLO_CLASS_SLO;
}

}  // namespace slo::sim
