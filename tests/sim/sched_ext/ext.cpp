// SPDX-License-Identifier: GPL-2.0-only
// Tasks that wake, wait, run and leave: the class of sched_ext.
#include "ext.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

bool is_ext_queued(const Task& task) {
  return (task.kernel.scx.flags & bpf::SCX_TASK_QUEUED) != 0;
}

constexpr std::uint64_t wake_fork = 4;
constexpr std::uint64_t wake_ttwu = 8;

}  // namespace

CpuId Ext::select_cpu(Task& task, Change change, bool is_sync) {
  const CpuId prev = task.cpu();
  if (!is_asked(kernel_.here())) {
    bool is_idle = false;
    const CpuId cpu = select_default(task, prev, is_sync, &is_idle);
    if (!is_idle) return prev;
    task.kernel.scx.slice = slice_default_ns;
    task.ext.direct_dsq = bpf::SCX_DSQ_LOCAL;
    task.ext.direct_slice = 0;
    return cpu;
  }
  const std::uint64_t flags =
      (change == Change::fork ? wake_fork : wake_ttwu) | (is_sync ? std::uint64_t{bpf::SCX_WAKE_SYNC} : 0);
  const int cpu = callbacks_.call(
      Op::select_cpu, &task, [&] { return ops().select_cpu(&task.kernel, static_cast<int>(prev), flags); });
  if (cpu >= 0 && static_cast<CpuId>(cpu) < kernel_.machine().cpus) return static_cast<CpuId>(cpu);
  fail("select_cpu returned the CPU " + std::to_string(cpu));
  return prev;
}

bool Ext::is_asked(const Cpu& cpu) const {
  return state_ != State::disabled && !cpu.ext.is_bypassing;
}

void Ext::enqueue(Cpu& cpu, Task& task, Change change) {
  if (is_ext_queued(task)) return;
  set_runnable(cpu, task);
  task.kernel.scx.flags |= bpf::SCX_TASK_QUEUED;
  if (change == Change::restore && task.is_current)
    insert_local(cpu, task, 0);
  else
    do_enqueue(cpu, task, change == Change::wakeup ? enq_wakeup : 0);
}

// do_enqueue_task()
void Ext::do_enqueue(Cpu& cpu, Task& task, std::uint64_t flags) {
  if (!cpu.ext.is_online) return insert_default(cpu.ext.local, cpu, task);
  if (!is_asked(cpu)) return insert_default(global_, cpu, task);
  if (task.ext.direct_dsq == 0) {
    // SCX_OPS_ENQ_EXITING is not set.
    if ((task.kernel.flags & PF_EXITING) != 0) return insert_default(cpu.ext.local, cpu, task);
    if (!settings_.rules.asks_for_migration_disabled && !task.may_migrate())
      return insert_default(cpu.ext.local, cpu, task);
    callbacks_.call(Op::enqueue, &task, [&] { ops().enqueue(&task.kernel, flags); });
  }
  if (task.ext.direct_dsq != 0) insert_direct(cpu, task);
}

void Ext::insert_default(Dsq& dsq, Cpu& cpu, Task& task) {
  task.ext.direct_dsq = 0;
  task.kernel.scx.slice = slice_default_ns;
  if (&dsq == &cpu.ext.local)
    insert_local(cpu, task, 0);
  else
    dsq.insert(task, 0, false);
}

// Where select_cpu() or enqueue() sent it. Slice and virtual time become its own here, as since 7.3.
void Ext::insert_direct(Cpu& cpu, Task& task) {
  const std::uint64_t id = std::exchange(task.ext.direct_dsq, 0);
  const std::uint64_t flags = std::exchange(task.ext.direct_flags, 0);
  if (task.ext.direct_slice != 0) task.kernel.scx.slice = task.ext.direct_slice;
  if (task.kernel.scx.slice == 0) task.kernel.scx.slice = 1;
  if (id == bpf::SCX_DSQ_LOCAL) return insert_local(cpu, task, flags);
  Dsq* dsq = find_dsq(id);
  if (dsq == nullptr) {
    fail("there is no queue " + std::to_string(id));
    dsq = &global_;
  }
  const auto vtime = task.ext.is_direct_by_vtime ? std::optional(task.ext.direct_vtime) : std::nullopt;
  insert_into(*dsq, task, vtime, (flags & (settings_.rules.enq_head | enq_preempt)) != 0);
}

// dispatch_enqueue(): a queue is in one order alone.
void Ext::insert_into(Dsq& dsq, Task& task, std::optional<std::uint64_t> vtime, bool to_head) {
  if (dsq.size() != 0 && dsq.is_by_vtime != vtime.has_value())
    fail("both orders are mixed in the queue " + std::to_string(dsq.id));
  dsq.is_by_vtime = vtime.has_value();
  if (vtime) task.kernel.scx.dsq_vtime = *vtime;
  dsq.insert(task, vtime.value_or(0), to_head);
}

void Ext::insert_local(Cpu& cpu, Task& task, std::uint64_t flags) {
  cpu.ext.local.insert(task, 0, (flags & (settings_.rules.enq_head | enq_preempt)) != 0);
  task.ext.is_immed = settings_.rules.has_immed && (flags & enq_immed_flag) != 0;
  note_insert(cpu, task, flags);
}

// local_dsq_post_enq(); a task that has to run at once and cannot comes back.
void Ext::note_insert(Cpu& cpu, Task& task, std::uint64_t flags) {
  if (cpu.ext.is_picking || &task == cpu.current) return;
  const Task* current = cpu.current;
  if (current == nullptr) {
    kernel_.ask_to_look(cpu);
    if (!task.ext.is_immed || cpu.ext.local.size() == 1) return;
  } else if ((flags & enq_preempt) != 0 && current->sched_class == this) {
    cpu.current->kernel.scx.slice = 0;
    kernel_.ask_to_look(cpu);
  }
  if (!task.ext.is_immed) return;
  cpu.ext.local.remove(task);
  task.ext.is_immed = false;
  do_enqueue(cpu, task, enq_reenq);
}

void Ext::dequeue(Cpu& cpu, Task& task, Change /*change*/) {
  if (!is_ext_queued(task)) return;
  if (task.is_current) {
    update_current(cpu, task);
    callbacks_.call(Op::stopping, &task, [&] { ops().stopping(&task.kernel, 0); });
  }
  task.kernel.scx.flags &= ~static_cast<unsigned>(bpf::SCX_TASK_QUEUED);
  task.ext.direct_dsq = 0;
  task.ext.holding_cpu = no_cpu;
  if (task.ext.dsq != nullptr) task.ext.dsq->remove(task);
  clear_runnable(task);
}

void Ext::put_prev(Cpu& cpu, Task& prev, const Task* next) {
  update_current(cpu, prev);
  if (!is_ext_queued(prev)) return;
  callbacks_.call(Op::stopping, &prev, [&] { ops().stopping(&prev.kernel, 1); }, true);
  set_runnable(cpu, prev);
  const bool is_displaced = next != nullptr && next->sched_class != this;
  if (prev.kernel.scx.slice != 0 && is_asked(cpu)) {
    if (is_displaced && std::exchange(prev.ext.is_immed, false))
      do_enqueue(cpu, prev, enq_reenq);
    else
      cpu.ext.local.insert(prev, 0, true);
    return;
  }
  // With nothing else to run the CPU goes idle now: that is for the scheduler to see to.
  do_enqueue(cpu, prev, next == nullptr ? enq_last : 0);
}

void Ext::set_next(Cpu& /*cpu*/, Task& next) {
  if (next.ext.dsq != nullptr) next.ext.dsq->remove(next);
  next.ext.exec_start_ns = kernel_.now_ns();
  if (is_ext_queued(next)) callbacks_.call(Op::running, &next, [&] { ops().running(&next.kernel); });
  clear_runnable(next);
}

void Ext::update_current(Cpu& /*cpu*/, Task& current) {
  const std::uint64_t ran_ns = kernel_.now_ns() - current.ext.exec_start_ns;
  current.ext.exec_start_ns = kernel_.now_ns();
  current.kernel.se.sum_exec_runtime += ran_ns;
  auto& slice_ns = current.kernel.scx.slice;
  if (slice_ns != UINT64_MAX) slice_ns -= std::min<std::uint64_t>(slice_ns, ran_ns);
}

void Ext::tick(Cpu& cpu, Task& current) {
  update_current(cpu, current);
  if (is_asked(cpu)) callbacks_.call(Op::tick, &current, [&] { ops().tick(&current.kernel); });
  if (!is_asked(cpu) || cpu.ext.waits_for_tick) current.kernel.scx.slice = 0;
  if (current.kernel.scx.slice == 0) kernel_.ask_to_look(cpu);
}

void Ext::yields(Cpu& cpu, Task& current) {
  update_current(cpu, current);
  if (is_asked(cpu)) callbacks_.call(Op::yield, &current, [&] { ops().yield(&current.kernel, nullptr); });
}

// Those that were to run at once go elsewhere.
void Ext::loses(Cpu& cpu) {
  std::vector<Task*> back;
  for (const Dsq::Entry& entry : cpu.ext.local.entries)
    if (entry.task->ext.is_immed) back.push_back(entry.task);
  for (Task* task : back) {
    cpu.ext.local.remove(*task);
    task->ext.is_immed = false;
    do_enqueue(cpu, *task, enq_reenq);
  }
}

void Ext::joins(Task& task) {
  if (state_ == State::disabled) return;
  task.ext.is_switched_to = true;
  callbacks_.call(Op::enable, &task, [&] { ops().enable(&task.kernel); });
}

void Ext::leaves(Task& task) {
  if (!std::exchange(task.ext.is_switched_to, false)) return;
  callbacks_.call(Op::disable, &task, [&] { ops().disable(&task.kernel); });
}

bool Ext::is_urgent(const Task& task) const {
  return task.storage && sim_task_class(task.storage.get()) == SLO_CLASS_SLO;
}

void Ext::set_runnable(Cpu& cpu, Task& task) {
  clear_runnable(task);
  task.ext.runnable_at_ns = kernel_.now_ns();
  cpu.ext.runnable.push_back(&task);
  task.ext.runnable_place = std::prev(cpu.ext.runnable.end());
  task.ext.runnable_cpu = cpu.id;
  task.ext.is_in_runnable_list = true;
}

void Ext::clear_runnable(Task& task) {
  if (!std::exchange(task.ext.is_in_runnable_list, false)) return;
  kernel_.cpu(task.ext.runnable_cpu).ext.runnable.erase(task.ext.runnable_place);
}

}  // namespace slo::sim
