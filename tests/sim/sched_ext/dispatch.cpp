// SPDX-License-Identifier: GPL-2.0-only
// What a CPU runs next, and tasks that go from queue to queue.
#include <optional>
#include <utility>

#include "ext.h"

namespace slo::sim {
namespace {

bool may_run_on(const Task& task, const Cpu& cpu) {
  return task.cpus().test(cpu.id) && (task.may_migrate() || task.cpu() == cpu.id);
}

}  // namespace

Task* Ext::pick(Cpu& cpu, Task* prev) {
  cpu.ext.is_picking = true;
  const bool keeps_prev = balance(cpu, prev);
  cpu.ext.is_picking = false;
  Task* next = keeps_prev ? prev : cpu.ext.local.first();
  if (next != nullptr && next->kernel.scx.slice == 0) next->kernel.scx.slice = slice_default_ns;
  return next;
}

// balance_one(); true: what ran goes on. `prev` alone is runnable; dispatch() is also told of one that is
// not.
bool Ext::balance(Cpu& cpu, Task* prev) {
  Task* before = cpu.current != nullptr && cpu.current->sched_class == this ? cpu.current : nullptr;
  if (before != nullptr) update_current(cpu, *before);
  const auto goes_on = [&] { return prev != nullptr && prev->kernel.scx.slice != 0; };
  if (goes_on() && !cpu.ext.is_bypassing) return true;
  if (cpu.ext.local.size() != 0 || take_from(global_, cpu, 0)) return false;
  // With nothing else to run it goes on, unless enqueue() is to say where it is to be.
  const bool keeps_last = cpu.ext.is_bypassing || (ops().flags & ops_enq_last) == 0;
  if (!is_asked(cpu) || !cpu.ext.is_online) return prev != nullptr && keeps_last;
  cpu.ext.waits_for_tick = false;
  for (int loop = 0;; ++loop) {
    cpu.ext.has_taken = false;
    callbacks_.call(Op::dispatch, before, [&] {
      ops().dispatch(static_cast<int>(cpu.id), before != nullptr ? &before->kernel : nullptr);
    });
    if (goes_on()) return true;
    if (cpu.ext.local.size() != 0 || take_from(global_, cpu, 0)) return false;
    if (!cpu.ext.has_taken) break;
    if (loop + 1 == dispatch_loops_max) {
      kernel_.kick(cpu.id, 0);
      break;
    }
  }
  return prev != nullptr && keeps_last;
}

// consume_dispatch_q()
bool Ext::take_from(Dsq& dsq, Cpu& cpu, std::uint64_t flags) {
  if (dsq.entries.empty()) return false;
  kernel_.full_barrier();  // the queue's lock
  for (auto entry = dsq.entries.begin(); entry != dsq.entries.end();) {
    Task& task = *entry->task;
    ++entry;
    if (!may_run_on(task, cpu) || (task.cpu() != cpu.id && !cpu.ext.is_online)) continue;
    dsq.remove(task);
    if (task.cpu() != cpu.id && !bring_over(cpu, task)) {
      entry = dsq.entries.begin();
      continue;
    }
    insert_local(cpu, task, flags);
    cpu.ext.has_taken = true;
    return true;
  }
  return false;
}

// consume_remote_task(): the other CPU's lock is taken without that of this one, and meanwhile somebody may
// have done something else with the task.
bool Ext::bring_over(Cpu& cpu, Task& task) {
  std::optional<Held> source;
  if (kernel_.concurrency() != nullptr) {
    task.ext.holding_cpu = cpu.id;
    lock_beside(cpu, kernel_.cpu(task.cpu()), source);
    if (std::exchange(task.ext.holding_cpu, no_cpu) != cpu.id) return false;
  }
  const std::uint64_t runnable_at_ns = task.ext.runnable_at_ns;
  kernel_.cpu(task.cpu()).ext.clock_stands_ns = kernel_.now_ns() + boot_ns;
  kernel_.set_cpu(task, cpu.id);
  set_runnable(cpu, task);
  task.ext.runnable_at_ns = runnable_at_ns;
  return true;
}

// Without that of the CPU for a moment.
void Ext::lock_beside(Cpu& cpu, Cpu& other, std::optional<Held>& held) {
  ++cpu.lock_drops;
  kernel_.concurrency()->relock_with(cpu.rq_lock, other.rq_lock);
  held.emplace(kernel_.concurrency(), other.rq_lock);
  kernel_.concurrency()->unlock(other.rq_lock);
}

bool Ext::move_to_local(std::uint64_t id, std::uint64_t flags) {
  if (callbacks_.op() != Op::dispatch) {
    fail("a task is moved to a local queue outside of dispatch()");
    return false;
  }
  Dsq* dsq = find_dsq(id);
  if (dsq == nullptr) {
    fail("there is no queue " + std::to_string(id));
    return false;
  }
  return take_from(*dsq, kernel_.here(), flags);
}

// scx_dsq_move()
bool Ext::move(const Cursor& cursor, Task& task, std::uint64_t id, std::optional<std::uint64_t> vtime) {
  const bool is_picking = callbacks_.op() == Op::dispatch;
  if (!is_picking && callbacks_.op() != Op::timer && callbacks_.op() != Op::cpu_offline)
    fail("a task is moved outside of dispatch(), cpu_offline() and timers");
  Dsq* to = find_dsq(id);
  if (to == &global_ && vtime) fail("a queue of the kernel's has no order by virtual time");
  if (to == nullptr) fail("there is no queue " + std::to_string(id));
  std::optional<HeldQueueOf> own;
  std::optional<Held> beside;
  if (is_picking && kernel_.concurrency() != nullptr && task.cpu() != kernel_.here().id)
    lock_beside(kernel_.here(), kernel_.cpu(task.cpu()), beside);
  else
    own.emplace(kernel_, task);
  if (to == nullptr || task.ext.dsq != &cursor.from || task.ext.nth > cursor.newest) return false;
  cursor.from.remove(task);
  insert_into(*to, task, vtime, false);
  return true;
}

// Takes effect when the callback has returned.
void Ext::insert(Task& task, std::uint64_t dsq, std::uint64_t slice_ns, bool by_vtime, std::uint64_t vtime,
                 std::uint64_t flags) {
  const Op op = callbacks_.op();
  if ((op != Op::select_cpu && op != Op::enqueue) || callbacks_.about() != &task)
    return fail("a task is inserted where it is not the one that is asked about");
  if (task.ext.direct_dsq != 0) return fail("a task is inserted twice");
  if ((flags & enq_immed_flag) != 0 && dsq != bpf::SCX_DSQ_LOCAL)
    return fail("SCX_ENQ_IMMED is for local queues");
  task.ext.direct_dsq = dsq;
  task.ext.direct_slice = slice_ns;
  task.ext.is_direct_by_vtime = by_vtime;
  task.ext.direct_vtime = vtime;
  task.ext.direct_flags = flags;
}

int Ext::create_dsq(std::uint64_t id) {
  auto [place, is_new] = dsqs_.try_emplace(id, nullptr);
  if (!is_new) return -17;  // EEXIST
  place->second = std::make_unique<Dsq>();
  place->second->id = id;
  return 0;
}

Dsq* Ext::find_dsq(std::uint64_t id) {
  if (id == bpf::SCX_DSQ_GLOBAL) return &global_;
  if (id == bpf::SCX_DSQ_LOCAL) return &kernel_.here().ext.local;
  const auto found = dsqs_.find(id);
  return found != dsqs_.end() ? found->second.get() : nullptr;
}

CpuId Ext::select_default(Task& task, CpuId prev, bool is_sync, bool* is_idle) {
  const CpuId cpu = idle_.select(task, prev, is_sync);
  *is_idle = cpu != no_cpu;
  return *is_idle ? cpu : prev;
}

// scx_bpf_kick_cpu()
void Ext::kick(CpuId id, std::uint64_t flags) {
  note_asked();
  if (kernel_.here().ext.is_bypassing || id >= kernel_.machine().cpus) return;
  const Cpu& cpu = kernel_.cpu(id);
  // The kernel asks what runs there if it gets the lock: not in the middle of a switch, such as its own.
  const bool is_seen = cpu.rq_lock.holder == 0 && callbacks_.op() != Op::update_idle;
  if ((flags & bpf::SCX_KICK_IDLE) != 0 && is_seen && cpu.current != nullptr && !cpu.ext.is_picking) return;
  if (settings_.kicks_wait_for_tick && (flags & bpf::SCX_KICK_PREEMPT) != 0)
    kernel_.cpu(id).ext.waits_for_tick = true;
  else
    kernel_.kick(id, flags);
}

// kick_one_cpu(), by the time that the interrupt has come
void Ext::answer_kick(Cpu& cpu, std::uint64_t flags) {
  if (!cpu.is_online) return;
  if ((flags & bpf::SCX_KICK_IDLE) != 0 && cpu.current != nullptr) return;
  if ((flags & bpf::SCX_KICK_PREEMPT) != 0 && cpu.current != nullptr && cpu.current->sched_class == this)
    cpu.current->kernel.scx.slice = 0;
  kernel_.ask_to_look(cpu);
}

}  // namespace slo::sim
