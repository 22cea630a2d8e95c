// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "event_queue.h"
#include "kernel.h"
#include "random.h"
#include "record.h"
#include "recorder.h"

namespace slo::sim {

/*
 * A machine in discrete events, as sched_ext shows it to a scheduler. One CPU:
 *
 *          place, kick                     runs
 *   idle --------------> looks --> switches ----> runs --> looks     (slice over, kicked, task sleeps)
 *    ^                     |   ^                    |
 *    '---- nothing to do --'   '--- prev goes on ---'
 *
 * A look asks the scheduler unless a task was placed here. While the CPU switches, what asks for a look is
 * kept until the switch is done. Slices end at ticks only.
 */
class Engine final : public Kernel {
 public:
  // The same workload and seed ask for the same at the same instants, whatever the scheduler.
  Engine(const Machine& machine, const Workload& workload, std::uint64_t seed);

  // Once: from 0 to until_ns. The scheduler was made for this engine.
  [[nodiscard]] Record run(Scheduler& scheduler, std::uint64_t until_ns);

  [[nodiscard]] const Machine& machine() const override { return machine_; }
  [[nodiscard]] const std::vector<Unit>& units() const override { return workload_.units; }
  [[nodiscard]] const std::vector<Task>& tasks() const override { return tasks_; }
  [[nodiscard]] std::optional<CpuId> claim_idle_cpu(CpuId near) override;
  void place(TaskId task, CpuId cpu, std::uint64_t slice_ns) override;
  void kick(CpuId cpu) override;
  void kick_idle(CpuId cpu) override;
  void arm(CpuId cpu, Timer timer, std::uint64_t at_ns) override;

 private:
  struct Cpu {
    TaskId current = no_task;
    Picked next = {};  // while it switches
    std::deque<Picked> placed = {};
    bool is_idle = true;
    bool is_claimed = false;        // idle, but about to look
    bool is_asked_to_look = false;  // while it switched
    std::uint64_t slice_end_ns = 0;
    std::uint64_t generation = 0;  // of the run under way
    std::array<std::uint64_t, timers> timer_generations = {};
  };

  void handle(const Event& event);
  void wake(TaskId id);
  void end_request(CpuId cpu);
  void look(CpuId cpu);
  void look_if_idle(CpuId cpu);
  void begin_switch(CpuId cpu, const Picked& next);
  void end_switch(CpuId cpu);
  void tick(CpuId cpu);
  void go_idle(CpuId cpu);
  void stop(CpuId cpu, bool runnable);
  void sleep(CpuId cpu);
  void count_exec(TaskId id);
  void plan_end(CpuId cpu);
  void take_time(CpuId cpu, std::uint64_t cost_ns);
  void set_idle(CpuId cpu, bool idle);
  void set_claimed(CpuId cpu, bool claimed);
  [[nodiscard]] bool is_switching(CpuId cpu) const { return cpus_[cpu].next.task != no_task; }
  [[nodiscard]] bool is_free(CpuId cpu) const { return cpus_[cpu].is_idle && !cpus_[cpu].is_claimed; }

  Machine machine_;
  Workload workload_;
  std::vector<Random> randoms_;  // of each task
  std::vector<Task> tasks_;
  std::vector<Cpu> cpus_;
  EventQueue events_;
  Recorder recorder_;
  Scheduler* scheduler_ = nullptr;
  std::uint64_t now_ns_ = 0;
};

}  // namespace slo::sim
