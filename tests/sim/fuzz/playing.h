// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "../judges/counter_judge.h"
#include "../judges/floor_judge.h"
#include "../judges/limit_judge.h"
#include "../judges/parking_judge.h"
#include "../judges/reserve_judge.h"
#include "../judges/turn_judge.h"
#include "../judges/urgent_judge.h"
#include "../simulate.h"
#include "player.h"

namespace slo::sim {

// A story that is played, with all judges on.
class Playing final : public Judge {
 public:
  explicit Playing(const Story& story);
  Verdict play();

 private:
  [[nodiscard]] static Experiment experiment_of(const Story& story);
  [[nodiscard]] static Policy policy_of(const Story& story);
  [[nodiscard]] Task* task_of(std::uint64_t name);
  void plan(const Step& step, std::uint64_t nth);
  void act(const Step& step, std::uint64_t nth);
  void act_on_task(const Step& step, Task& task, std::uint64_t nth);
  void act_on_running(const Step& step, Task& task, std::uint64_t nth);
  void act_on_unit(const Step& step);
  void act_on_cpu(const Step& step);
  void wake(const Step& step, Task& task);
  void set_real_time(Task& task, std::uint32_t priority);
  [[nodiscard]] bool may_go(CpuId cpu);
  void attach();
  void detach();
  void runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) override;
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override;
  [[nodiscard]] bool hear_of_idle(const Task& task, std::uint64_t from_ns);
  [[nodiscard]] std::string_view kind_of_idle(const Task& task, std::uint64_t from_ns) const;
  [[nodiscard]] bool has_real_time_taken(const Task& task, std::uint64_t from_ns) const;
  void send_to_sleep(Task& task);
  void end_all();
  [[nodiscard]] bool all_sleep();
  void look_at_what_is_left();
  void look_at_end(std::uint64_t now_ns);

  const Story& story_;
  System system_;
  Kernel& kernel_;
  UrgentJudge urgent_;
  FloorJudge floor_;
  CounterJudge counter_;
  ReserveJudge reserve_;
  TurnJudge turn_;
  LimitJudge limit_;
  ParkingJudge parking_;
  std::vector<Task*> tasks_;                 // by name
  std::vector<bool> is_changed_;             // by task: something of it changed since it came from a queue
  std::vector<bool> is_displaced_;           // by task: it was put back on its CPU
  std::uint64_t bypassed_until_ns_ = 0;      // the scheduler has not seen all since then
  std::uint64_t offline_ns_ = 0;             // when a CPU went last; 0: none
  std::vector<std::uint64_t> real_time_ns_;  // by CPU: when a real-time task came to run there last
};

}  // namespace slo::sim
