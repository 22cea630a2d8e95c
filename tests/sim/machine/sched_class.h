// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>

#include "cpu_mask.h"
#include "task.h"

namespace slo::sim {

struct Cpu;

// Why a task joins or leaves a queue; the kernel's flags, as far as a class may care.
enum class Change : std::uint8_t {
  wakeup,    // it was asleep; leaving: it goes to sleep
  fork,      // it is new; leaving: it is dead
  restore,   // something of it changes: it leaves and comes back at once
  migration  // to another CPU
};

// The kernel's struct sched_class: what decides which of its tasks a CPU runs.
class SchedClass {
 public:
  virtual ~SchedClass() = default;
  // Where a waking task, which may run on several CPUs, goes to.
  [[nodiscard]] virtual CpuId select_cpu(Task& task, Change change, bool is_sync) = 0;
  virtual void enqueue(Cpu& cpu, Task& task, Change change) = 0;
  virtual void dequeue(Cpu& cpu, Task& task, Change change) = 0;
  // The next task; prev: ran until now, is of this class and could go on.
  [[nodiscard]] virtual Task* pick(Cpu& cpu, Task* prev) = 0;
  // The task leaves the CPU, for next (null: for idleness); runnable or not.
  virtual void put_prev(Cpu& cpu, Task& prev, const Task* next) = 0;
  virtual void set_next(Cpu& cpu, Task& next) = 0;
  // What runs has run up to now.
  virtual void update_current(Cpu& cpu, Task& current) = 0;
  virtual void tick(Cpu& cpu, Task& current) = 0;
  // A task of this class woke on a CPU that runs another one of it.
  virtual void wakeup_preempt(Cpu& /*cpu*/, Task& /*woken*/) {}
  // sched_yield()
  virtual void yields(Cpu& /*cpu*/, Task& /*current*/) {}
  virtual void joins(Task& /*task*/) {}
  virtual void leaves(Task& /*task*/) {}
  // Of a task that is in no queue while it changes.
  virtual void reweighs(Task& /*task*/) {}
  virtual void changes_cpus(Task& /*task*/) {}
  // The application has done with a request and goes on with the next. No kernel knows; the ideal scheduler
  // does.
  virtual void goes_on(Cpu& /*cpu*/, Task& /*task*/) {}
  // A real-time task takes the CPU.
  virtual void loses(Cpu& /*cpu*/) {}
  virtual void goes_offline(Cpu& /*cpu*/) {}
  virtual void comes_online(Cpu& /*cpu*/) {}
  // Runs by its budget, for what the record says of a CPU's time.
  [[nodiscard]] virtual bool is_urgent(const Task& /*task*/) const { return false; }
};

// Whoever wants to know when a CPU is idle; picked_again: idle before and after.
class IdleWatcher {
 public:
  virtual ~IdleWatcher() = default;
  virtual void notes_idle(Cpu& cpu, bool idle, bool picked_again) = 0;
};

}  // namespace slo::sim
