// SPDX-License-Identifier: GPL-2.0-only
// What changes a task, or takes a CPU away, while tasks run and wait.
#include <utility>

#include "kernel.h"

namespace slo::sim {

void Kernel::change(Task& task, const std::function<void()>& how) {
  const Held pi_lock(concurrency_, task.pi_lock);
  const HeldQueueOf rq_lock(*this, task);
  Cpu& cpu = cpus_[task.cpu()];
  const bool was_queued = task.is_queued();
  const bool was_current = task.is_current;
  cpu.rq.clock = now_ns_;
  if (was_current) count_exec(cpu);
  if (was_queued) task.sched_class->dequeue(cpu, task, Change::restore);
  if (was_current) task.sched_class->put_prev(cpu, task, nullptr);
  how();
  if (was_queued) task.sched_class->enqueue(cpu, task, Change::restore);
  if (was_current) task.sched_class->set_next(cpu, task);
}

void Kernel::move_to_class(Task& task, SchedClass& to) {
  const Held pi_lock(concurrency_, task.pi_lock);
  const HeldQueueOf rq_lock(*this, task);
  change(task, [&] {
    task.sched_class->leaves(task);
    task.sched_class = &to;
    to.joins(task);
  });
  Cpu& cpu = cpus_[task.cpu()];
  if (task.is_current)
    ask_to_look(cpu);
  else if (task.is_queued())
    wakeup_preempt(cpu, task);
}

void Kernel::set_nice(Task& task, int nice) {
  change(task, [&] {
    task.nice = nice;
    task.kernel.static_prio = DEFAULT_PRIO + nice;
    task.kernel.prio = task.real_time != 0 ? task.kernel.prio : task.kernel.static_prio;
    task.kernel.scx.weight = cgroup_weight_of_nice(nice);
    task.sched_class->reweighs(task);
  });
}

void Kernel::set_real_time(Task& task, std::uint32_t priority) {
  const bool was_real_time = task.real_time != 0;
  if (was_real_time == (priority != 0)) {
    change(task, [&] { task.real_time = priority; });
    return;
  }
  const auto set = [&] {
    task.real_time = priority;
    task.kernel.prio = priority != 0 ? 99 - static_cast<int>(priority) : task.kernel.static_prio;
  };
  const Held pi_lock(concurrency_, task.pi_lock);
  const HeldQueueOf rq_lock(*this, task);
  change(task, [&] {
    task.sched_class->leaves(task);
    set();
    task.sched_class = priority != 0 ? &real_time_ : normal_;
    task.sched_class->joins(task);
  });
  Cpu& cpu = cpus_[task.cpu()];
  if (task.is_current)
    ask_to_look(cpu);
  else if (task.is_queued())
    wakeup_preempt(cpu, task);
}

void Kernel::migrate(Task& task, CpuId to) {
  const Held pi_lock(concurrency_, task.pi_lock);
  {
    const HeldQueueOf rq_lock(*this, task);
    if (!task.is_queued() || task.is_current) return;  // it went to sleep, or runs, since somebody looked
    deactivate(task, Change::migration);
  }
  activate(task, to, Change::migration);
}

// The stopper takes the CPU from what runs, and moves it.
void Kernel::push_away(Cpu& cpu) {
  static Task stopper;
  stopper.sched_class = &real_time_;
  auto rq_lock = std::make_optional<Held>(concurrency_, cpu.rq_lock);
  Task& task = *cpu.current;
  count_exec(cpu);
  task.sched_class->put_prev(cpu, task, &stopper);
  task.is_current = false;
  ++cpu.done_generation;
  for (Observer* observer : observers_) observer->stops(task, true, now_ns_);
  cpu.current = nullptr;
  rq_lock.reset();
  migrate(task, fallback_cpu(task));
  rq_lock.emplace(concurrency_, cpu.rq_lock);
  Task* next = pick(cpu, nullptr);
  if (next == nullptr) {
    for (Observer* observer : observers_) observer->switches(cpu, now_ns_);
    if (idle_watcher_ != nullptr) idle_watcher_->notes_idle(cpu, true, false);
    return;
  }
  cpu.current = next;
  next->sched_class->set_next(cpu, *next);
  come_to_run(*next);
  cpu.busy_until_ns = now_ns_ + 2 * machine_.switch_ns;
  next->counted_ns = cpu.busy_until_ns;
  for (Observer* observer : observers_) {
    observer->switches(cpu, now_ns_);
    observer->runs(*next, cpu, now_ns_);
  }
  plan_end(cpu);
}

void Kernel::set_affinity(Task& task, const CpuMask& cpus) {
  change(task, [&] {
    task.allowed = cpus;
    task.kernel.nr_cpus_allowed = static_cast<int>(cpus.count());
    task.sched_class->changes_cpus(task);
  });
  if (!task.is_queued() || !task.may_migrate() || cpus.test(task.cpu())) return;
  Cpu& cpu = cpus_[task.cpu()];
  if (task.is_current)
    on_cpu(cpu.id, [&] {
      if (cpu.current == &task && !cpus.test(cpu.id)) push_away(cpu);
    });
  else
    migrate(task, fallback_cpu(task));
}

void Kernel::set_user(Task& task, std::uint32_t uid) {
  const auto user = users_.try_emplace(uid, bpf::cred{.uid = {.val = uid}}).first;
  task.kernel.real_cred = &user->second;
}

// As at the next switch: migrate_disable_switch() narrows what the task may run on then.
void Kernel::disable_migration(Task& task) {
  if (++task.kernel.migration_disabled != 1) return;
  task.here = CpuMask::of(task.cpu());
  task.kernel.cpus_ptr = reinterpret_cast<const bpf::cpumask_t*>(&task.here);
}

void Kernel::enable_migration(Task& task) {
  if (--task.kernel.migration_disabled != 0) return;
  task.kernel.cpus_ptr = reinterpret_cast<const bpf::cpumask_t*>(&task.allowed);
  if (!task.allowed.test(task.cpu())) set_affinity(task, task.allowed);
}

void Kernel::move_to_group(Task& task, Group& group) {
  const Held pi_lock(concurrency_, task.pi_lock);
  const HeldQueueOf rq_lock(*this, task);
  task.kernel.cgroups = group.css_set();
  task.group = &group;
  if (task.kernel.sched_task_group == group.task_group()) return;
  change(task, [&] {
    task.kernel.sched_task_group = group.task_group();
    task.sched_class->reweighs(task);
  });
}

// tg_set_cfs_bandwidth(): what holds for the groups below is there before the values are. Where the cpu
// controller comes with it, the tasks move into the new group.
void Kernel::set_limit(Group& group, const Limit& limit) {
  group.set_limit(limit);
  for (const auto& one : groups_) one->update_hierarchy();
  may_switch();
  group.update_bandwidth();
  for (Task& task : tasks_)
    if (task.state != TaskState::dead && task.kernel.sched_task_group != task.group->task_group())
      move_to_group(task, *task.group);
}

void Kernel::cut_short(Task& task) {
  if (task.state != TaskState::runnable) return;
  if (task.is_current) count_exec(cpus_[task.cpu()]);
  task.left_ns = 1;
  if (task.freeze) task.freeze->left_ns = 1;
  if (task.is_current) plan_end(cpus_[task.cpu()]);
}

void Kernel::yield(Task& task) {
  Cpu& cpu = cpus_[task.cpu()];
  on_cpu(cpu.id, [&] {
    count_exec(cpu);
    task.sched_class->yields(cpu, task);
    ask_to_look(cpu);
  });
}

void Kernel::take_offline(CpuId id) {
  Cpu& cpu = cpus_[id];
  on_cpu(id, [&] {
    cpu.is_online = false;
    online_.set(id, false);
    for (SchedClass* one : classes_) one->goes_offline(cpu);
    for (Task& task : tasks_)
      if (task.is_queued() && task.cpu() == id && !task.is_current) migrate(task, fallback_cpu(task));
    while (cpu.current != nullptr) push_away(cpu);
  });
}

void Kernel::bring_online(CpuId id) {
  Cpu& cpu = cpus_[id];
  cpu.is_online = true;
  online_.set(id, true);
  on_cpu(id, [&] {
    for (SchedClass* one : classes_) one->comes_online(cpu);
    // The thread that brings it up has run there, and sleeps.
    if (idle_watcher_ != nullptr) {
      idle_watcher_->notes_idle(cpu, false, false);
      idle_watcher_->notes_idle(cpu, true, false);
    }
    ask_to_look(cpu);
  });
}

}  // namespace slo::sim
