// SPDX-License-Identifier: GPL-2.0-only
// What must not wait for long: a task that is killed or frozen, or on RCU's read side.
#include "kernel.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t exit_ns = 10'000;
constexpr std::uint64_t stop_ns = 10'000;  // up to where it stops

}  // namespace

void Kernel::kill(Task& task) {
  {
    const Held pi_lock(concurrency_, task.pi_lock);
    const HeldQueueOf rq_lock(*this, task);
    if (task.state == TaskState::dead) return;
    if (task.is_current) count_exec(cpus_[task.cpu()]);
    task.kernel.pending.signal.sig[0] |= kill_bit;
    task.freeze.reset();
    task.behaviour = Replay{};
    task.left_ns = exit_ns;
    if (task.is_current) {
      come_to_run(task);
      plan_end(cpus_[task.cpu()]);
    }
  }
  if (!task.is_current && task.state == TaskState::asleep) wake_up(task, near(task), false);
}

// From where it runs in the kernel it comes to its signals: one that was killed begins to exit.
void Kernel::come_to_run(Task& task) {
  task.is_current = true;
  if (!task.is_killed()) return;
  task.kernel.pending.signal.sig[0] &= ~kill_bit;
  task.kernel.flags |= PF_EXITING;
}

void Kernel::freeze(Task& task) {
  {
    const Held pi_lock(concurrency_, task.pi_lock);
    const HeldQueueOf rq_lock(*this, task);
    if (task.state == TaskState::dead) return;
    task.kernel.jobctl |= JOBCTL_TRAP_FREEZE;
    if (task.freeze || task.is_killed() || (task.kernel.flags & PF_EXITING) != 0) return;
    if (task.is_current) count_exec(cpus_[task.cpu()]);
    task.freeze = {.left_ns = task.left_ns, .was_asleep = task.state == TaskState::asleep};
    task.left_ns = stop_ns;
    if (task.is_current) plan_end(cpus_[task.cpu()]);
  }
  if (!task.is_current && task.state == TaskState::asleep) wake_up(task, near(task), false);
}

// It has come to where it stops: thawed meanwhile, it does not.
void Kernel::end_freeze(Cpu& cpu, Task& task) {
  task.left_ns = task.freeze->left_ns;
  const bool sleeps_on = task.freeze->was_asleep && !task.freeze->was_woken;
  const bool is_frozen = (task.kernel.jobctl & JOBCTL_TRAP_FREEZE) != 0;
  task.freeze->has_stopped = is_frozen;
  if (!is_frozen) task.freeze.reset();
  task.is_leaving = is_frozen || sleeps_on;
  if (task.is_leaving) return look(cpu);
  plan_end(cpu);
}

void Kernel::thaw(Task& task) {
  task.kernel.jobctl &= ~JOBCTL_TRAP_FREEZE;
  if (!task.freeze || !task.freeze->has_stopped) return;
  const bool sleeps_on = task.freeze->was_asleep && !task.freeze->was_woken;
  task.freeze.reset();
  if (!sleeps_on) wake_up(task, near(task), false);
}

void Kernel::lock_rcu(Task& task) {
  count_exec(cpus_[task.cpu()]);
  ++task.kernel.rcu_read_lock_nesting;
}

void Kernel::unlock_rcu(Task& task) {
  count_exec(cpus_[task.cpu()]);
  --task.kernel.rcu_read_lock_nesting;
}

void Kernel::fault(Task& task, bool begins) {
  count_exec(cpus_[task.cpu()]);
  task.kernel.in_lru_fault = begins;
}

}  // namespace slo::sim
