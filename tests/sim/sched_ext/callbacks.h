// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "../host/scheduler.h"
#include "../machine/kernel.h"
#include "rules.h"

namespace slo::sim {

enum class Op : std::uint8_t {
  none,
  select_cpu,
  enqueue,
  dispatch,
  update_idle,
  running,
  tick,
  yield,
  stopping,
  init_task,
  enable,
  disable,
  cpu_online,
  cpu_offline,
  init,
  exit,
  timer
};

inline constexpr std::array<std::string_view, 17> op_names = {
    "nothing",   "select_cpu", "enqueue", "dispatch",   "update_idle", "running", "tick", "yield", "stopping",
    "init_task", "enable",     "disable", "cpu_online", "cpu_offline", "init",    "exit", "timer"};
[[nodiscard]] inline std::string_view name_of(Op op) {
  return op_names[static_cast<std::size_t>(op)];
}

// The scheduler's callbacks.
[[nodiscard]] inline const bpf::sched_ext_ops& ops() {
  return *reinterpret_cast<const bpf::sched_ext_ops*>(sim_ops());
}

// The only way into the scheduler. Whoever wants to log callbacks, to let them cost something or to switch
// between CPUs where they begin and end, does it here.
class Callbacks {
 public:
  Callbacks(Kernel& kernel, const Rules& rules) : kernel_(kernel), rules_(rules) {}

  // about: the task that it is about, if any. flag: what it is told beside.
  template <typename Call>
  auto call(Op op, Task* about, Call call, bool flag = false) {
    const Inside inside(*this, op, about);
    kernel_.may_switch();
    if (on_call_) on_call_(op, about, flag);
    return call();
  }
  // Of the run queue that it is about.
  [[nodiscard]] static bool has_lock(Op op) { return op != Op::timer && op != Op::select_cpu; }
  [[nodiscard]] Op op() const { return kernel_.context().op; }
  [[nodiscard]] const Task* about() const { return kernel_.context().about; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint32_t under_way() const { return under_way_; }
  // Whoever wants to hear of each.
  [[nodiscard]] std::function<void(Op, const Task*, bool)>& on_call() { return on_call_; }

 private:
  // The running task must not migrate meanwhile, where the kernel sees to it that way; and it is on RCU's
  // read side, timers aside.
  class Inside {
   public:
    Inside(Callbacks& callbacks, Op op, Task* about)
        : callbacks_(callbacks),
          op_(std::exchange(callbacks.kernel_.context().op, op)),
          about_(std::exchange(callbacks.kernel_.context().about, about)),
          running_(callbacks.kernel_.running_here()) {
      if (has_lock(op))
        callbacks.kernel_.cpu(about ? about->cpu() : callbacks.kernel_.here().id).ext.clock_stands_ns = 0;
      ++callbacks.count_;
      ++callbacks.under_way_;
      callbacks.kernel_.spend(callbacks.kernel_.machine().callback_ns);
      if (callbacks.rules_.callbacks_disable_migration) ++running_->migration_disabled;
      if (op != Op::timer) ++running_->rcu_read_lock_nesting;
    }
    ~Inside() {
      callbacks_.kernel_.full_barrier();
      if (callbacks_.op() != Op::timer) --running_->rcu_read_lock_nesting;
      if (callbacks_.rules_.callbacks_disable_migration) --running_->migration_disabled;
      --callbacks_.under_way_;
      callbacks_.kernel_.context().op = op_;
      callbacks_.kernel_.context().about = about_;
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Callbacks& callbacks_;
    Op op_;
    Task* about_;
    bpf::task_struct* running_;
  };

  Kernel& kernel_;
  Rules rules_;
  std::uint64_t count_ = 0;
  std::uint32_t under_way_ = 0;
  std::function<void(Op, const Task*, bool)> on_call_;
};

}  // namespace slo::sim
