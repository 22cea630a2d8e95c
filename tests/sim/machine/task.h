// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include "../behaviour.h"
#include "../random.h"
#include "concurrency.h"
#include "cpu_mask.h"
#include "group.h"
#include "types.h"

namespace slo::sim {

inline constexpr unsigned task_interruptible = 1;  // of include/linux/sched.h, as TASK_DEAD is in types.h

class SchedClass;
struct Dsq;

using TaskId = std::uint32_t;
inline constexpr TaskId no_task = UINT32_MAX;

inline constexpr unsigned long no_system_call = -1UL;  // in orig_ax
inline constexpr unsigned long kill_bit = 1UL << (SIGKILL - 1);

enum class TaskState : std::uint8_t { asleep, runnable, dead };

// What sched_ext keeps of a task, beside struct sched_ext_entity.
struct ExtEntity {
  bool is_switched_to = false;  // ops.enable() has been called, and disable() not since
  bool was_initialised = false;
  Dsq* dsq = nullptr;    // that it waits in
  std::uint64_t at = 0;  // in it: its virtual time, or 0 where it is first come, first served
  std::int64_t nth = 0;
  std::uint64_t direct_dsq = 0;  // 0: none; where select_cpu() or enqueue() sent it
  std::uint64_t direct_slice = 0;
  std::uint64_t direct_vtime = 0;
  std::uint64_t direct_flags = 0;
  bool is_direct_by_vtime = false;
  CpuId holding_cpu = no_cpu;  // takes it from a queue, and has let go of its own lock for it
  bool is_immed = false;       // SCX_ENQ_IMMED: runs at once, or comes back to enqueue()
  std::uint64_t runnable_at_ns = 0;
  bool is_in_runnable_list = false;
  CpuId runnable_cpu = 0;  // in whose list, and where
  std::list<struct Task*>::iterator runnable_place = {};
  std::uint64_t exec_start_ns = 0;
};

// cgroup.freeze of a task: it runs up to where it stops, and goes on when it is thawed.
struct Freeze {
  std::uint64_t left_ns = 0;  // of the request that it is in
  bool was_asleep = false;    // and sleeps on
  bool was_woken = false;     // since then
  bool has_stopped = false;
};

// What the kernel's own scheduler keeps: see fair/.
struct FairEntity;

struct Task {
  bpf::task_struct kernel = {};  // first: the address is that of the task
  bpf::kthread thread = {};      // of a kernel thread
  bpf::pt_regs user_regs = {};   // a new one is inside the kernel
  TaskId id = 0;
  std::uint32_t unit = 0;
  SchedClass* sched_class = nullptr;
  std::uint32_t real_time = 0;  // priority 1..99; 0: a normal task
  int nice = 0;
  CpuMask allowed = {};
  CpuMask here = {};  // where it is while it must not migrate
  Group* group = nullptr;
  Lock pi_lock = {};
  TaskState state = TaskState::asleep;
  bool is_current = false;
  bool is_leaving = false;  // wants to sleep, or to exit, at the next look
  std::optional<Freeze> freeze = {};
  ExtEntity ext = {};
  std::shared_ptr<FairEntity> fair = {};
  std::unique_ptr<std::byte[]> storage = {};  // of the scheduler: BPF_MAP_TYPE_TASK_STORAGE

  // What it does.
  Behaviour behaviour = {};
  Random random = Random(0);
  Request request = {};
  std::uint64_t left_ns = 0;     // of the request, as of counted_ns
  std::uint64_t counted_ns = 0;  // may lie ahead: it begins then
  std::uint64_t exec_ns = 0;     // of all requests

  [[nodiscard]] CpuId cpu() const { return kernel.thread_info.cpu; }
  [[nodiscard]] bool is_queued() const { return kernel.on_rq != 0; }
  [[nodiscard]] const CpuMask& cpus() const {
    return kernel.cpus_ptr == reinterpret_cast<const bpf::cpumask_t*>(&here) ? here : allowed;
  }
  [[nodiscard]] bool may_migrate() const { return kernel.migration_disabled == 0; }
  // In a system call, as it is from its sleep up to its next run, or in a page fault.
  [[nodiscard]] bool is_in_kernel() const {
    return user_regs.orig_ax != no_system_call || kernel.in_lru_fault != 0;
  }
  // SIGKILL is pending: it has not begun to exit.
  [[nodiscard]] bool is_killed() const { return (kernel.pending.signal.sig[0] & kill_bit) != 0; }
};

[[nodiscard]] inline Task& task_of(bpf::task_struct* p) {
  return *reinterpret_cast<Task*>(p);
}
[[nodiscard]] inline const Task& task_of(const bpf::task_struct* p) {
  return *reinterpret_cast<const Task*>(p);
}

}  // namespace slo::sim
