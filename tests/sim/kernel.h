// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/policy/job.h"
#include "workload.h"

// The line between the machine and a scheduler: what sched_ext offers, as far as the policy needs it.
namespace slo::sim {

using TaskId = std::uint32_t;
using CpuId = std::uint32_t;
inline constexpr TaskId no_task = UINT32_MAX;

enum class Timer : std::uint8_t { floor_turn, alarm, heartbeat, refill };
inline constexpr std::size_t timers = 4;

struct Task {
  std::uint32_t unit = 0;
  std::uint32_t weight = 100;
  CpuId cpu = 0;              // where it runs, or ran last
  slo_job job = {};           // in the words of the scheduler
  Request request = {};       // what it is at now, in those of the application
  std::uint64_t left_ns = 0;  // of the request, as of counted_ns
  std::uint64_t counted_ns = 0;
};

// The machine, to a scheduler.
class Kernel {
 public:
  virtual ~Kernel() = default;
  [[nodiscard]] virtual const Machine& machine() const = 0;
  [[nodiscard]] virtual const std::vector<Unit>& units() const = 0;
  [[nodiscard]] virtual const std::vector<Task>& tasks() const = 0;
  // An idle CPU, `near` if it is one, and no longer counted as idle until it has looked for work.
  [[nodiscard]] virtual std::optional<CpuId> claim_idle_cpu(CpuId near) = 0;
  // A waking task goes to a CPU that was claimed for it, past all queues.
  virtual void place(TaskId task, CpuId cpu, std::uint64_t slice_ns) = 0;
  // Ends the slice of what runs there and asks for dispatch().
  virtual void kick(CpuId cpu) = 0;
  // The same, but only where nothing runs.
  virtual void kick_idle(CpuId cpu) = 0;
  // Each CPU has each timer once; arming it again moves it.
  virtual void arm(CpuId cpu, Timer timer, std::uint64_t at_ns) = 0;
};

// What a CPU is to run; no_task, or the task that ran until now.
struct Picked {
  TaskId task = no_task;
  std::uint64_t slice_ns = 0;
};

// A scheduler, to the machine. The job of a task is up to date when one of these is called.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual void wakes(TaskId task, std::uint64_t now_ns) = 0;
  // Lost its CPU and wants another; after stops().
  virtual void preempted(TaskId task, CpuId cpu, std::uint64_t now_ns) = 0;
  // prev: ran until now and could go on, or no_task.
  [[nodiscard]] virtual Picked dispatch(CpuId cpu, TaskId prev, std::uint64_t now_ns) = 0;
  virtual void runs(TaskId task, CpuId cpu, std::uint64_t now_ns) = 0;
  virtual void stops(TaskId task, CpuId cpu, std::uint64_t now_ns) = 0;
  // After stops(), where the task sleeps.
  virtual void ends_job(TaskId task, const slo_job_end& end) = 0;
  // The task has done with a request and goes on with the next. The kernel does not tell a scheduler that; it
  // is for the reference, which knows what the application does.
  virtual void goes_on(TaskId /*task*/, CpuId /*cpu*/, std::uint64_t /*now_ns*/) {}
  // True: the slice of the task ends here.
  [[nodiscard]] virtual bool tick(TaskId task, CpuId cpu, std::uint64_t now_ns) = 0;
  virtual void expires(CpuId cpu, Timer timer, std::uint64_t now_ns) = 0;
  virtual void idles(CpuId cpu, bool idle, std::uint64_t now_ns) = 0;
  // SLO_CLASS_* of a task that is runnable.
  [[nodiscard]] virtual std::uint32_t class_of(TaskId task) const = 0;
};

}  // namespace slo::sim
