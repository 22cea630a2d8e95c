// SPDX-License-Identifier: GPL-2.0-only
#include "engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "bpf/policy/policy.h"
#include "samples.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::us;
using testing::ElementsAre;

// First come, first served; kicks everybody out at an instant where one is given.
class Fifo final : public Scheduler {
 public:
  explicit Fifo(Kernel& kernel, std::uint64_t slice_ns = 1000 * ms) : kernel_(kernel), slice_ns_(slice_ns) {}

  void wakes(TaskId task, std::uint64_t /*now_ns*/) override {
    const auto idle = kernel_.claim_idle_cpu(kernel_.tasks()[task].cpu);
    if (idle)
      kernel_.place(task, *idle, slice_ns_);
    else
      waiting_.push_back(task);
  }
  void preempted(TaskId task, CpuId /*cpu*/, std::uint64_t /*now_ns*/) override { waiting_.push_back(task); }
  Picked dispatch(CpuId /*cpu*/, TaskId /*prev*/, std::uint64_t /*now_ns*/) override {
    if (waiting_.empty()) return {};
    const TaskId task = waiting_.front();
    waiting_.pop_front();
    return {.task = task, .slice_ns = slice_ns_};
  }
  void runs(TaskId /*task*/, CpuId /*cpu*/, std::uint64_t /*now_ns*/) override {}
  void stops(TaskId /*task*/, CpuId /*cpu*/, std::uint64_t /*now_ns*/) override {}
  void ends_job(TaskId /*task*/, const slo_job_end& /*end*/) override {}
  bool tick(TaskId /*task*/, CpuId /*cpu*/, std::uint64_t /*now_ns*/) override { return false; }
  void expires(CpuId cpu, Timer /*timer*/, std::uint64_t /*now_ns*/) override { kernel_.kick(cpu); }
  void idles(CpuId /*cpu*/, bool /*idle*/, std::uint64_t /*now_ns*/) override {}
  std::uint32_t class_of(TaskId /*task*/) const override { return SLO_CLASS_SLO; }

 private:
  Kernel& kernel_;
  std::uint64_t slice_ns_;
  std::deque<TaskId> waiting_;
};

Record run_fifo(const Machine& machine, const Workload& workload, std::uint64_t until_ns,
                std::uint64_t slice_ns = 1000 * ms, std::uint64_t kick_at_ns = 0) {
  Engine engine(machine, workload, 1);
  Fifo fifo(engine, slice_ns);
  if (kick_at_ns != 0) engine.arm(0, Timer::alarm, kick_at_ns);
  return engine.run(fifo, until_ns);
}

TEST(Engine, ATaskWaitsAsLongAsTheOneBeforeItRuns) {
  const auto workload = samples::scripts({{ms, {{10 * ms, 5 * ms}}}, {ms, {{12 * ms, 1 * ms}}}});
  const Record record = run_fifo(samples::free_machine(), workload, 100 * ms);
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(3 * ms));
  EXPECT_THAT(record.units[1].responses_ns, ElementsAre(4 * ms));
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_EQ(record.units[1].misses, 1u);
  EXPECT_EQ(record.units[1].misses_by_cause[SLO_CAUSE_LATE_START], 1u);
  EXPECT_THAT(record.task_exec_ns, ElementsAre(5 * ms, 1 * ms));
}

TEST(Engine, CostsAreWaitOfWhoComesNext) {
  Machine machine = samples::free_machine();
  machine.switch_ns = 2 * us;
  machine.kick_ns = 3 * us;
  machine.wakeup_ns = 1 * us;
  const auto workload = samples::scripts({{ms, {{10 * ms, 5 * ms}}}, {ms, {{12 * ms, 1 * ms}}}});
  const Record record = run_fifo(machine, workload, 100 * ms);
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(5 * us)) << "the idle CPU is kicked and switches";
  EXPECT_THAT(record.task_exec_ns, ElementsAre(5 * ms + 1 * us, 1 * ms))
      << "the second wakes beside the first";
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(3 * ms + (5 + 1 + 2) * us));
  const auto& cpu = record.cpus[0];
  EXPECT_EQ(cpu.switches, 2u);
  EXPECT_EQ(cpu.time_ns[static_cast<std::size_t>(Doing::switching)], 4 * us);
  EXPECT_EQ(cpu.time_ns[static_cast<std::size_t>(Doing::slo)], 6 * ms + 1 * us);
}

TEST(Engine, AKickTakesTheCpuAfterItsLatency) {
  Machine machine = samples::free_machine();
  machine.kick_ns = 3 * us;
  const auto workload = samples::scripts({{ms, {{0, 10 * ms}}}, {ms, {{1 * ms, 2 * ms}}}});
  const Record record = run_fifo(machine, workload, 100 * ms, 1000 * ms, 5 * ms);
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(4 * ms + 3 * us));
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(2 * ms + 3 * us)) << "its start, and while the other ran";
  EXPECT_EQ(record.cpus[0].kicks, 1u);
}

TEST(Engine, SlicesEndAtTicks) {
  Machine machine = samples::free_machine();
  machine.tick_ns = 4 * ms;
  const auto workload = samples::scripts({{ms, {{0, 20 * ms}}}, {ms, {{1 * ms, 1 * ms}}}});
  const Record record = run_fifo(machine, workload, 100 * ms, 5 * ms);
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(7 * ms)) << "a slice of 5 ms ends at the tick at 8 ms";
}

TEST(Engine, ATaskWithMoreToDoDoesNotSleep) {
  const auto workload = samples::scripts({{ms, {{0, 5 * ms}, {2 * ms, 5 * ms}, {20 * ms, 1 * ms}}}});
  const Record record = run_fifo(samples::free_machine(), workload, 100 * ms);
  EXPECT_EQ(record.units[0].jobs, 2u) << "the first two requests are one job";
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_EQ(record.units[0].requests, 3u);
  EXPECT_EQ(record.units[0].late, 1u) << "the second was done 8 ms after its release";
}

TEST(Engine, TwoCpusRunTwoTasks) {
  const auto workload = samples::scripts(
      {{ms, {{0, 5 * ms}}}, {ms, {{0, 5 * ms}}}, {ms, {{1 * ms, 1 * ms}}}, {0, {{2 * ms, 1 * ms}}}});
  const Record record = run_fifo(samples::free_machine(2), workload, 100 * ms);
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[2].waits_ns, ElementsAre(4 * ms));
  EXPECT_THAT(record.units[3].waits_ns, ElementsAre(3 * ms));
  EXPECT_EQ(record.best_effort_gap_ns, 3 * ms);
  EXPECT_EQ(record.idle_beside_waiting_ns, 0u);
}

TEST(Engine, WhatTheEndCutsOffCountsWhereItHasMissedAlready) {
  const auto workload = samples::scripts(
      {{100 * ms, {{0, 50 * ms}}}, {5 * ms, {{1 * ms, 1 * ms}}}, {50 * ms, {{1 * ms, 1 * ms}}}});
  const Record record = run_fifo(samples::free_machine(), workload, 20 * ms);
  EXPECT_EQ(record.units[0].jobs, 0u);
  EXPECT_EQ(record.units[1].jobs, 1u);
  EXPECT_EQ(record.units[1].misses, 1u);
  EXPECT_EQ(record.units[2].jobs, 0u) << "waits, but may wait longer";
}

TEST(Engine, AQuantileIsAValueThatThatManyDoNotExceed) {
  const std::vector<std::uint64_t> values = {40, 10, 30, 20};
  EXPECT_EQ(quantile_ns(values, 0.5), 20u);
  EXPECT_EQ(quantile_ns(values, 0.51), 30u);
  EXPECT_EQ(quantile_ns(values, 1), 40u);
  EXPECT_EQ(quantile_ns(values, 0), 10u);
  EXPECT_EQ(quantile_ns({}, 0.5), 0u);
}

}  // namespace
}  // namespace slo::sim
