// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace slo::sim {
namespace {

constexpr unsigned task_waking = 0x200;

}  // namespace

Kernel::Kernel(const Machine& machine, std::uint64_t seed)
    : machine_(machine), shape_(machine), random_(seed), seed_(seed), cpus_(machine.cpus), real_time_(*this) {
  groups_.push_back(std::make_unique<Group>("", 1, nullptr, Group::Settings{}));
  classes_.push_back(&real_time_);
  for (CpuId id = 0; id < machine.cpus; ++id) {
    Cpu& cpu = cpus_[id];
    cpu.id = id;
    cpu.idle_task.flags = PF_IDLE;
    cpu.idle_task.thread_info.cpu = id;
    cpu.ext.local.cpu = id;
    cpu.is_online = std::ranges::find(machine.offline, id) == machine.offline.end();
    online_.set(id, cpu.is_online);
  }
}

void Kernel::run(std::uint64_t until_ns) {
  const auto next_ns = [&] {
    const bool is_there = !events_.is_empty() && events_.next().at_ns < until_ns;
    return is_there ? events_.next().at_ns : UINT64_MAX;
  };
  while (next_ns() != UINT64_MAX) {
    if (concurrency_ != nullptr)
      concurrency_->run_together(next_ns, [this] { do_next(); });
    else
      do_next();
    for (Observer* observer : observers_) observer->looks(now_ns_);
  }
  now_ns_ = until_ns;
  for (Cpu& cpu : cpus_)
    if (cpu.current != nullptr) count_exec(cpu);
}

void Kernel::do_next() {
  const Event event = events_.pop();
  now_ns_ = event.at_ns;
  const bool is_of_cpu =
      event.kind != EventKind::wakes && event.kind != EventKind::acts && event.kind != EventKind::expires;
  // Acts come from user space: each is done before the next.
  std::optional<Held> acts;
  if (event.kind == EventKind::acts) acts.emplace(concurrency_, acts_lock_);
  if (is_of_cpu)
    context_.here = event.subject;
  else if (!online_.test(context_.here))
    context_.here = online_.first();
  const Held context(concurrency_, here().context);
  std::optional<Held> rq_lock;
  if (is_of_cpu) {
    rq_lock.emplace(concurrency_, here().rq_lock);
    here().rq.clock = now_ns_;
  }
  handle(event);
  if (context_.spent_ns != 0) take_time(here(), std::exchange(context_.spent_ns, 0));
}

void Kernel::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::wakes:
      return wake(tasks_[event.subject], near(tasks_[event.subject]), false);
    case EventKind::done:
      if (event.generation == here().done_generation) end_request(here());
      return;
    case EventKind::reschedule:
      if (event.at_ns != here().look_at_ns) return;
      here().look_at_ns = UINT64_MAX;
      if (here().needs_look) look(here());
      return;
    case EventKind::ticks:
      return tick(here());
    case EventKind::kicks:
      return on_kick_(here(), event.generation);
    case EventKind::expires:
      return on_timer_(event.subject, event.generation);
    case EventKind::acts:
      free_acts_.push_back(event.subject);
      return std::exchange(acts_[event.subject], nullptr)();
  }
}

void Kernel::plan(std::uint64_t at_ns, std::function<void()> act) {
  if (free_acts_.empty()) {
    free_acts_.push_back(static_cast<std::uint32_t>(acts_.size()));
    acts_.emplace_back();
  }
  const std::uint32_t place = free_acts_.back();
  free_acts_.pop_back();
  acts_[place] = std::move(act);
  events_.push({.at_ns = std::max(at_ns, now_ns_), .subject = place, .kind = EventKind::acts});
}

void Kernel::on_cpu(CpuId cpu, const std::function<void()>& act) {
  const CpuId before = context_.here;
  go_to(cpu);
  here().rq.clock = now_ns_;
  act();
  go_to(before);
}

// Nobody is on two CPUs.
void Kernel::go_to(CpuId cpu) {
  if (concurrency_ != nullptr && cpu != context_.here) {
    concurrency_->unlock(here().context);
    concurrency_->lock(cpus_[cpu].context);
  }
  context_.here = cpu;
}

void Kernel::expire_at(std::uint64_t at_ns, std::uint32_t timer, std::uint64_t generation) {
  events_.push({.at_ns = at_ns, .generation = generation, .subject = timer, .kind = EventKind::expires});
}

void Kernel::kick(CpuId cpu, std::uint64_t flags) {
  if ((flags & bpf::SCX_KICK_PREEMPT) != 0) ++cpus_[cpu].kicks;
  events_.push(
      {.at_ns = now_ns_ + machine_.kick_ns, .generation = flags, .subject = cpu, .kind = EventKind::kicks});
}

CpuId Kernel::fallback_cpu(Task& task) {
  const CpuMask usable = task.cpus() & online_;
  if (usable.any()) return usable.from(task.cpu()) != no_cpu ? usable.from(task.cpu()) : usable.first();
  // Rather anywhere than nowhere.
  task.kernel.nr_cpus_allowed = static_cast<int>(machine_.cpus);
  change(task, [&] { task.allowed = shape_.all(); });
  return online_.first();
}

CpuId Kernel::select_cpu(Task& task, Change change, bool is_sync) {
  CpuId cpu = task.cpu();
  if (task.kernel.nr_cpus_allowed > 1 && task.may_migrate())
    cpu = task.sched_class->select_cpu(task, change, is_sync);
  else if (task.may_migrate())
    cpu = task.cpus().first();
  return online_.test(cpu) && task.cpus().test(cpu) ? cpu : fallback_cpu(task);
}

// What wakes a frozen task is there when it is thawed.
void Kernel::wake(Task& task, CpuId from, bool is_sync) {
  if (task.freeze)
    task.freeze->was_woken = true;
  else
    wake_up(task, from, is_sync);
}

void Kernel::wake_up(Task& task, CpuId from, bool is_sync) {
  on_cpu(from, [&] {
    const Held pi_lock(concurrency_, task.pi_lock);
    // Until its CPU has done with it, as try_to_wake_up() does.
    if (concurrency_ != nullptr && task.state == TaskState::asleep)
      concurrency_->wait_until([&task] { return !task.is_current; });
    if (task.state != TaskState::asleep) return;
    take_time(here(), machine_.wakeup_ns);
    for (Observer* observer : observers_) observer->wakes(task, now_ns_);
    task.state = TaskState::runnable;
    task.kernel.__state = task_waking;
    activate(task, select_cpu(task, Change::wakeup, is_sync), Change::wakeup);
    if (context_.spent_ns != 0) take_time(here(), std::exchange(context_.spent_ns, 0));
  });
}

void Kernel::activate(Task& task, CpuId id, Change change) {
  auto rq_lock = std::make_optional<Held>(concurrency_, cpus_[id].rq_lock);
  while (!cpus_[id].is_online) {  // it is gone since it was chosen
    rq_lock.reset();
    id = fallback_cpu(task);
    rq_lock.emplace(concurrency_, cpus_[id].rq_lock);
  }
  Cpu& cpu = cpus_[id];
  set_cpu(task, id);
  cpu.rq.clock = now_ns_;
  task.sched_class->enqueue(cpu, task, change);
  task.kernel.on_rq = 1;
  if (change != Change::migration) task.kernel.__state = 0;
  wakeup_preempt(cpu, task);
}

void Kernel::deactivate(Task& task, Change change) {
  task.kernel.on_rq = 0;
  task.sched_class->dequeue(cpus_[task.cpu()], task, change);
}

int Kernel::rank(const SchedClass* one) const {
  return static_cast<int>(std::ranges::find(classes_, one) - classes_.begin());
}

void Kernel::wakeup_preempt(Cpu& cpu, Task& task) {
  if (cpu.current == nullptr || rank(task.sched_class) < rank(cpu.current->sched_class))
    ask_to_look(cpu);
  else if (task.sched_class == cpu.current->sched_class)
    task.sched_class->wakeup_preempt(cpu, task);
}

void Kernel::ask_to_look(Cpu& cpu) {
  cpu.needs_look = true;
  plan_look(cpu, cpu.id == context_.here ? 0 : machine_.kick_ns);
}

void Kernel::plan_look(Cpu& cpu, std::uint64_t delay_ns) {
  const std::uint64_t at_ns = std::max(now_ns_ + delay_ns, cpu.busy_until_ns);
  if (at_ns >= cpu.look_at_ns) return;
  cpu.look_at_ns = at_ns;
  events_.push({.at_ns = at_ns, .subject = cpu.id, .kind = EventKind::reschedule});
}

// What runs there has so much more to do.
void Kernel::take_time(Cpu& cpu, std::uint64_t cost_ns) {
  // Who asks it to look has its answer afterwards.
  cpu.busy_until_ns = std::max(cpu.busy_until_ns, now_ns_ + cost_ns);
  if (cpu.current == nullptr || cost_ns == 0) return;
  cpu.current->left_ns += cost_ns;
  plan_end(cpu);
}

void Kernel::plan_end(Cpu& cpu) {
  const Task& task = *cpu.current;
  events_.push({.at_ns = task.counted_ns + task.left_ns,
                .generation = ++cpu.done_generation,
                .subject = cpu.id,
                .kind = EventKind::done});
}

void Kernel::count_exec(Cpu& cpu) {
  Task& task = *cpu.current;
  if (now_ns_ <= task.counted_ns) return;
  const std::uint64_t ran_ns = now_ns_ - task.counted_ns;
  task.left_ns -= std::min(task.left_ns, ran_ns);
  task.exec_ns += ran_ns;
  task.counted_ns = now_ns_;
  for (Observer* observer : observers_) observer->executes(task, ran_ns);
}

void Kernel::end_request(Cpu& cpu) {
  Task& task = *cpu.current;
  count_exec(cpu);
  if (task.freeze) return end_freeze(cpu, task);
  for (Observer* observer : observers_) observer->ends_request(task, now_ns_);
  const auto request = next_request(task.behaviour, now_ns_, task.random);
  task.is_leaving = true;
  if (!request) {
    task.state = TaskState::dead;
    return look(cpu);
  }
  task.request = *request;
  task.left_ns = request->exec_ns;
  task.is_leaving = request->release_ns > now_ns_;
  if (task.is_leaving) {
    events_.push({.at_ns = request->release_ns, .subject = task.id, .kind = EventKind::wakes});
    return look(cpu);
  }
  plan_end(cpu);
  task.sched_class->goes_on(cpu, task);
}

// __schedule()
void Kernel::look(Cpu& cpu) {
  Task* prev = cpu.current;
  if (prev != nullptr) {
    count_exec(cpu);
    if (prev->is_leaving) leave(cpu, *prev);
  }
  Task* next = pick(cpu, prev != nullptr && prev->is_queued() ? prev : nullptr);
  if (prev != next)
    switch_to(cpu, prev, next);
  else if (next == nullptr && idle_watcher_ != nullptr)
    idle_watcher_->notes_idle(cpu, true, true);
  // Who asked while it looked is answered.
  cpu.needs_look = false;
  cpu.look_at_ns = UINT64_MAX;
}

void Kernel::leave(Cpu& /*cpu*/, Task& task) {
  const bool is_dead = task.state == TaskState::dead;
  task.is_leaving = false;
  task.kernel.rcu_read_lock_nesting = 0;  // nobody sleeps there
  task.user_regs.orig_ax = 0;             // of any system call
  task.kernel.__state = is_dead ? TASK_DEAD : task_interruptible;
  if (!is_dead) task.state = TaskState::asleep;
  deactivate(task, is_dead ? Change::fork : Change::wakeup);
}

Task* Kernel::pick(Cpu& cpu, Task* prev) {
  const std::uint64_t lock_drops = cpu.lock_drops;
  Task* next = nullptr;
  for (SchedClass* one : classes_) {
    Task* own = prev != nullptr && prev->sched_class == one ? prev : nullptr;
    next = one->pick(cpu, own);
    if (next != nullptr) break;
  }
  if (lock_drops == cpu.lock_drops) return next;
  // Somebody may have put a task of a higher class there, or changed the one that ran.
  Task* current = cpu.current;
  return pick(cpu, current != nullptr && current->is_queued() ? current : nullptr);
}

void Kernel::switch_to(Cpu& cpu, Task* prev, Task* next) {
  if (prev != nullptr)
    prev->sched_class->put_prev(cpu, *prev, next);
  else if (idle_watcher_ != nullptr)
    idle_watcher_->notes_idle(cpu, false, false);
  if (next != nullptr && next->real_time != 0)
    for (SchedClass* one : classes_) one->loses(cpu);
  if (next != nullptr)
    next->sched_class->set_next(cpu, *next);
  else if (idle_watcher_ != nullptr)
    idle_watcher_->notes_idle(cpu, true, false);
  if (prev != nullptr) {
    prev->is_current = false;
    for (Observer* observer : observers_) observer->stops(*prev, prev->is_queued(), now_ns_);
    if (prev->state == TaskState::dead && on_exit_) on_exit_(*prev);
  }
  cpu.current = next;
  ++cpu.done_generation;
  for (Observer* observer : observers_) observer->switches(cpu, now_ns_);
  if (next == nullptr) return;
  come_to_run(*next);
  cpu.busy_until_ns = now_ns_ + machine_.switch_ns + std::exchange(context_.spent_ns, 0);
  next->counted_ns = cpu.busy_until_ns;
  for (Observer* observer : observers_) observer->runs(*next, cpu, now_ns_);
  next->user_regs.orig_ax = no_system_call;  // its way out of there takes no time
  plan_end(cpu);
  start_tick(cpu);
}

void Kernel::start_tick(Cpu& cpu) {
  if (cpu.has_tick) return;
  cpu.has_tick = true;
  const std::uint64_t phase_ns = machine_.ticks_staggered ? machine_.tick_ns * cpu.id / machine_.cpus : 0;
  const std::uint64_t nth = now_ns_ < phase_ns ? 0 : (now_ns_ - phase_ns) / machine_.tick_ns + 1;
  events_.push({.at_ns = phase_ns + nth * machine_.tick_ns, .subject = cpu.id, .kind = EventKind::ticks});
}

void Kernel::tick(Cpu& cpu) {
  cpu.has_tick = false;
  if (cpu.current == nullptr) return;
  start_tick(cpu);
  count_exec(cpu);
  take_time(cpu, machine_.tick_cost_ns);
  cpu.current->sched_class->tick(cpu, *cpu.current);
}

}  // namespace slo::sim
