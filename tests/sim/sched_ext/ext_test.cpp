// SPDX-License-Identifier: GPL-2.0-only
#include "ext.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../samples.h"
#include "../simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;
using testing::IsEmpty;

constexpr std::uint32_t exit_stall = 1026;

// Two units with budgets and some hogs on two CPUs.
Workload mixed() {
  Workload workload{.name = "mixed",
                    .units = {{.name = "fast", .budget_ns = 2 * ms}, {.name = "slow", .budget_ns = 20 * ms}},
                    .tasks = {}};
  workload.tasks.push_back(
      {.unit = 0, .behaviour = Periodic{.exec_ns = ms, .period_ns = 5 * ms, .phase_ns = 10 * ms}});
  workload.tasks.push_back(
      {.unit = 1, .behaviour = Periodic{.exec_ns = 5 * ms, .period_ns = 20 * ms, .phase_ns = 12 * ms}});
  add_hogs(workload, 4);
  return workload;
}

Experiment on(std::uint32_t cpus, Workload workload) {
  return {.machine = {.cpus = cpus}, .workload = std::move(workload), .span_ns = 10 * second, .seed = 1};
}

void expect_sound(System& system) {
  EXPECT_EQ(system.ext().exit().kind, 0u) << system.ext().exit().message;
  EXPECT_THAT(system.queue_judge().complaints(), IsEmpty());
  EXPECT_LE(system.idle_judge().longest_ns(), 20 * us)
      << "task " << system.idle_judge().longest_task() << " at " << system.idle_judge().longest_at_ns();
}

TEST(SimExt, EachAttachmentBeginsWithFreshGlobals) {
  std::vector<std::uint64_t> waits_ns;
  for (int i = 0; i < 2; ++i) {
    System system(on(2, mixed()), {});
    system.daemon().attach();
    EXPECT_EQ(system.daemon().stats(0).jobs, 0u);
    const Record record = system.run(second);
    EXPECT_GT(system.daemon().stats(0).jobs, 150u);
    if (i == 0) waits_ns = record.units[0].waits_ns;
    EXPECT_EQ(record.units[0].waits_ns, waits_ns);
  }
}

TEST(SimExt, TheSchedulerCountsTheJobsThatTheRecorderSees) {
  System system(on(2, mixed()), {});
  system.daemon().attach();
  const Record record = system.run(5 * second);
  for (const std::uint32_t unit : {0U, 1U}) {
    EXPECT_EQ(system.daemon().stats(unit).jobs, record.units[unit].jobs);
    EXPECT_EQ(system.daemon().stats(unit).misses, record.units[unit].misses);
  }
  expect_sound(system);
}

TEST(SimExt, TasksComeAndGoWithIt) {
  Policy policy;
  policy.attach_ns = 5 * ms;
  System system(on(2, mixed()), policy);
  Kernel& kernel = system.kernel();
  for (int i = 0; i < 3; ++i) {
    kernel.run((i * 2 + 1) * second);
    EXPECT_FALSE(system.ext().is_attached());
    system.daemon().attach();
    for (const Task& task : kernel.tasks()) EXPECT_EQ(task.sched_class, &system.ext());
    kernel.run((i * 2 + 2) * second);
    expect_sound(system);
    EXPECT_GT(system.daemon().stats(0).jobs, 150u);
    system.daemon().detach();
    for (const Task& task : kernel.tasks()) {
      EXPECT_NE(task.sched_class, &system.ext());
      EXPECT_FALSE(task.storage);
    }
  }
  const Record record = system.run(7 * second);
  EXPECT_GT(record.units[0].jobs, 1300u) << "one that is late becomes one with the next";
}

TEST(SimExt, ItRunsByTheRulesOf612) {
  Policy policy;
  policy.rules = rules_of_6_12();
  System system(on(2, mixed()), policy);
  system.daemon().attach();
  const Record record = system.run(5 * second);
  EXPECT_EQ(record.units[0].misses, 0u);
  expect_sound(system);
}

// Real-time tasks that take one CPU after the other for 30 ms, and a unit that may run on both. Not at once:
// who has been idle since before the scheduler came is known to it after its first heartbeat.
Workload beside_real_time() {
  Workload workload{.name = "real-time",
                    .units = {{.name = "fast", .budget_ns = 5 * ms}, {.name = "real-time"}},
                    .tasks = {}};
  workload.tasks.push_back(
      {.unit = 0, .behaviour = Periodic{.exec_ns = 15 * ms, .period_ns = 20 * ms, .phase_ns = 10 * ms}});
  for (const std::uint32_t cpu : {0U, 1U})
    workload.tasks.push_back(
        {.unit = 1,
         .real_time = 50,
         .cpus = {cpu},
         .behaviour =
             Periodic{.exec_ns = 30 * ms, .period_ns = 200 * ms, .phase_ns = (253 + 100 * cpu) * ms}});
  return workload;
}

TEST(SimExt, WhatARealTimeTaskDisplacesGoesElsewhereSince71) {
  const Record since = run_policy(on(2, beside_real_time()), {});
  EXPECT_EQ(since.units[0].misses, 0u);
  EXPECT_LE(quantile_ns(since.units[0].waits_ns, 1), 100 * us);
  Policy before;
  before.rules = rules_of_6_12();
  const Record until = run_policy(on(2, beside_real_time()), before);
  EXPECT_GT(until.units[0].misses, 10u) << "it waits on its CPU";
}

TEST(SimExt, ATaskThatMayNotStayGoes) {
  Workload workload = mixed();
  System system(on(2, workload), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  for (std::uint64_t at_ns = 10 * ms; at_ns < second; at_ns += 7 * ms)
    kernel.plan(at_ns, [&kernel, at_ns] {
      for (Task& task : kernel.tasks())
        kernel.set_affinity(task, CpuMask::of(static_cast<CpuId>((at_ns / (7 * ms) + task.id) % 2)));
    });
  kernel.plan(second, [&kernel] {
    for (Task& task : kernel.tasks()) kernel.set_affinity(task, CpuMask::of(1));
  });
  kernel.run(1010 * ms);
  EXPECT_EQ(kernel.cpu(0).current, nullptr);
  kernel.run(2 * second);
  expect_sound(system);
}

TEST(SimExt, AMachineLosesACpuAndHasItBack) {
  System system(on(2, mixed()), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  for (int i = 1; i < 10; ++i) {
    kernel.plan((2 * i * 100 + 1) * ms, [&kernel, i] { kernel.take_offline(static_cast<CpuId>(i % 2)); });
    kernel.plan((2 * i * 100 + 61) * ms, [&kernel, i] { kernel.bring_online(static_cast<CpuId>(i % 2)); });
  }
  const Record record = system.run(3 * second);
  EXPECT_GT(record.units[0].jobs, 550u);
  expect_sound(system);
}

TEST(SimExt, ChildrenRunAndEnd) {
  System system(on(2, mixed()), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  for (int i = 1; i <= 200; ++i)
    kernel.plan(i * 3 * ms, [&kernel, i] {
      Task& parent = kernel.tasks()[static_cast<std::size_t>(i) % 6];
      kernel.on_cpu(parent.cpu(), [&] { kernel.fork(parent, samples::script({{0, 1 * ms}, {0, 1 * ms}})); });
    });
  kernel.run(2 * second);
  ASSERT_EQ(kernel.tasks().size(), 206u);
  for (std::size_t child = 6; child < kernel.tasks().size(); ++child) {
    EXPECT_EQ(kernel.tasks()[child].state, TaskState::dead);
    EXPECT_FALSE(kernel.tasks()[child].storage);
  }
  expect_sound(system);
}

TEST(SimExt, ClassesAndGroupsChangeUnderWay) {
  System system(on(2, mixed()), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  for (int i = 1; i < 300; ++i)
    kernel.plan(i * 5 * ms, [&kernel, &system, i] {
      Task& task = kernel.tasks()[static_cast<std::size_t>(i) % 6];
      if (i % 3 == 0) kernel.set_real_time(task, task.real_time == 0 && task.id < 2 ? 10 : 0);
      if (i % 3 == 1) kernel.move_to_group(task, system.group(static_cast<std::uint32_t>(i / 3 % 3)));
      if (i % 3 == 2) kernel.set_nice(task, i % 20 - 10);
    });
  kernel.run(2 * second);
  expect_sound(system);
}

TEST(SimExt, TheWatchdogEndsASchedulerThatLetsATaskWait) {
  Workload workload = mixed();
  workload.units.push_back({.name = "real-time"});
  workload.tasks.push_back({.unit = 3, .real_time = 50, .cpus = {0}, .behaviour = Hog{}});
  workload.tasks.push_back({.unit = 1, .cpus = {0}, .behaviour = Hog{}});
  System system(on(2, workload), {});
  system.daemon().attach();
  system.kernel().run(50 * second);
  EXPECT_EQ(system.ext().exit().kind, exit_stall);
  EXPECT_FALSE(system.ext().is_attached());
}

TEST(SimExt, ATaskThatMustNotMigrateStays) {
  System system(on(2, mixed()), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  Task& task = kernel.tasks()[0];
  CpuId cpu = 0;
  kernel.plan(100 * ms, [&] {
    cpu = task.cpu();
    kernel.disable_migration(task);
  });
  for (int i = 0; i < 100; ++i) kernel.plan((100 + i) * ms, [&] { EXPECT_EQ(task.cpu(), cpu); });
  kernel.plan(200 * ms, [&] { kernel.enable_migration(task); });
  kernel.run(second);
  expect_sound(system);
}

}  // namespace
}  // namespace slo::sim
