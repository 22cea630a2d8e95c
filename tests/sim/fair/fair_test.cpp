// SPDX-License-Identifier: GPL-2.0-only
#include "fair.h"

#include <gtest/gtest.h>

#include "../samples.h"
#include "../simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;

TEST(Fair, SlicesGrowWithTheMachine) {
  for (const auto& [cpus, slice_ns] :
       {std::pair{1U, 700'000}, {2U, 1'400'000}, {4U, 2'100'000}, {64U, 2'800'000}}) {
    Kernel kernel({.cpus = cpus}, 1);
    EXPECT_EQ(Fair(kernel, {}).slice_ns(), slice_ns) << cpus << " CPUs";
  }
}

TEST(Fair, WhoRanLessIsEligible) {
  FairQueue queue;
  FairEntity one, other;
  queue.insert(one, 1'000'000, false);
  queue.insert(other, 1'000'000, false);
  one.vruntime += 500'000;
  EXPECT_EQ(queue.average(), 250'000);
  EXPECT_FALSE(queue.is_eligible(one));
  EXPECT_EQ(queue.pick(false), &other);
}

TEST(Fair, WhatRunsIsProtectedUpToTheEndOfItsSlice) {
  FairQueue queue;
  FairEntity running, waking;
  queue.insert(running, 1'000'000, false);
  queue.insert(waking, 500'000, false);
  queue.current = &running;
  running.protected_until = running.deadline;
  EXPECT_EQ(queue.pick(true), &running);
  EXPECT_EQ(queue.pick(false), &waking) << "its deadline is earlier";
}

TEST(Fair, WhoSleepsInDebtStaysUntilItIsPaid) {
  FairQueue queue;
  FairEntity one, other;
  queue.insert(one, 1'000'000, false);
  queue.insert(other, 1'000'000, false);
  one.vruntime += 500'000;
  EXPECT_FALSE(queue.remove(one, 1'000'000, 4'000'000, true));
  other.vruntime += 600'000;
  EXPECT_TRUE(queue.remove(one, 1'000'000, 4'000'000, true));
  EXPECT_EQ(one.lag, 0);
}

TEST(Fair, SharesFollowWeightsLevelByLevel) {
  Workload workload{.name = "levels",
                    .units = {{.name = "a.slice", .cpu_weight = 300},
                              {.name = "b.slice", .cpu_weight = 100},
                              {.name = "a1", .cpu_weight = 100, .slice = 0},
                              {.name = "a2", .cpu_weight = 200, .slice = 0}},
                    .tasks = {}};
  for (const std::uint32_t unit : {1U, 2U, 3U}) workload.tasks.push_back({.unit = unit, .behaviour = Hog{}});
  const Record record = run_fair({.machine = {}, .workload = workload, .span_ns = 20 * second});
  const auto part = [&](std::size_t task) { return static_cast<double>(record.task_exec_ns[task]) / 20e9; };
  EXPECT_NEAR(part(0), 0.25, 0.01);
  EXPECT_NEAR(part(1), 0.25, 0.01);
  EXPECT_NEAR(part(2), 0.5, 0.01);
}

TEST(Fair, HogsSpreadOverTheCpus) {
  Workload workload{.name = "hogs", .units = {}, .tasks = {}};
  add_hogs(workload, 4);
  const Record record = run_fair({.machine = {.cpus = 4}, .workload = workload, .span_ns = 2 * second});
  for (const std::uint64_t exec_ns : record.task_exec_ns) EXPECT_GT(exec_ns, 1900 * ms);
}

}  // namespace
}  // namespace slo::sim
