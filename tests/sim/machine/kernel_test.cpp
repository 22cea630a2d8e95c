// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../fair/fair.h"
#include "../recorder.h"
#include "../samples.h"
#include "../simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;
using testing::ElementsAre;

Record run_fair_on(const Machine& machine, const Workload& workload, std::uint64_t span_ns = 100 * ms) {
  return run_fair({.machine = machine, .workload = workload, .span_ns = span_ns});
}

TEST(SimKernel, ATaskThatIsAloneWaitsForNobody) {
  const Record record =
      run_fair_on(samples::free_machine(), samples::scripts({{ms, {{10 * ms, 5 * ms}, {20 * ms, ms}}}}));
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(0, 0));
  EXPECT_THAT(record.units[0].responses_ns, ElementsAre(5 * ms, ms));
  EXPECT_THAT(record.task_exec_ns, ElementsAre(6 * ms));
}

TEST(SimKernel, CostsAreThoseOfTheMachine) {
  Machine machine = samples::free_machine();
  machine.wakeup_ns = 1 * us;
  machine.switch_ns = 2 * us;
  machine.tick_cost_ns = 5 * us;
  const Record record = run_fair_on(machine, samples::scripts({{ms, {{1 * ms, 10 * ms}}}}));
  // The wakeup on an idle CPU comes before the look; two ticks fall into the run.
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(1 * us));
  EXPECT_THAT(record.units[0].responses_ns, ElementsAre(1 * us + 2 * us + 10 * ms + 2 * 5 * us));
}

TEST(SimKernel, ANextRequestThatIsDueGoesOnWithoutASleep) {
  const Record record =
      run_fair_on(samples::free_machine(), samples::scripts({{ms, {{0, 5 * ms}, {2 * ms, 3 * ms}}}}));
  EXPECT_EQ(record.units[0].jobs, 1u);
  EXPECT_EQ(record.units[0].requests, 2u);
}

TEST(SimKernel, RealTimeComesFirst) {
  Workload workload =
      samples::scripts({{ms, {{0, 20 * ms}}}, {0, {{5 * ms, 10 * ms}}}, {0, {{7 * ms, 2 * ms}}}});
  workload.tasks[1].real_time = 10;
  workload.tasks[2].real_time = 20;
  const Record record = run_fair_on(samples::free_machine(), workload);
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(12 * ms));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(2 * ms));
  EXPECT_THAT(record.units[2].waits_ns, ElementsAre(0));
}

std::int64_t hierarchical_quota(Group& group) {
  return group.task_group()->cfs_bandwidth.hierarchical_quota;
}

TEST(SimGroup, TheLeastLimitFromHereUpwardsIsInAllGroups) {
  constexpr std::int64_t half = 1 << 19;
  Kernel kernel({}, 1);
  Fair fair(kernel, {});
  Group& above = kernel.make_group("above", nullptr, {.limit = {.quota_ns = 50 * ms}});
  Group& plain = kernel.make_group("plain", &above, {});
  Group& below = kernel.make_group("below", &plain, {.weight = 100});
  EXPECT_EQ(hierarchical_quota(above), half);
  EXPECT_EQ(hierarchical_quota(below), half);
  EXPECT_EQ(below.task_group()->parent, above.task_group());
  EXPECT_EQ(below.task_group()->cfs_bandwidth.quota, UINT64_MAX);
  const Task& task = kernel.spawn(Hog{}, plain, 0);
  EXPECT_EQ(task.kernel.sched_task_group, above.task_group());

  kernel.set_limit(plain, {.quota_ns = 25 * ms, .burst_ns = 5 * ms});
  EXPECT_EQ(task.kernel.sched_task_group, plain.task_group()) << "it has the cpu controller now";
  EXPECT_EQ(below.task_group()->parent, plain.task_group());
  EXPECT_EQ(hierarchical_quota(below), half / 2);
  EXPECT_EQ(plain.task_group()->cfs_bandwidth.burst, 5 * ms);

  kernel.set_limit(above, {});
  EXPECT_EQ(hierarchical_quota(above), -1);
  EXPECT_EQ(hierarchical_quota(below), half / 2);
  kernel.set_limit(plain, {});
  EXPECT_EQ(hierarchical_quota(below), -1);
}

TEST(SimKernel, AFrozenTaskGoesOnWhereItStopped) {
  Kernel kernel(samples::free_machine(), 1);
  Fair fair(kernel, {});
  Task& busy = kernel.spawn(samples::script({{0, 20 * ms}}), kernel.root(), 0);
  Task& sleeper = kernel.spawn(samples::script({{60 * ms, ms}}), kernel.root(), 0);
  kernel.run(10 * ms);
  for (Task* task : {&busy, &sleeper}) kernel.freeze(*task);
  kernel.run(100 * ms);
  EXPECT_EQ(busy.state, TaskState::asleep);
  EXPECT_EQ(sleeper.state, TaskState::asleep);
  const std::uint64_t exec_ns = busy.exec_ns;
  EXPECT_LT(exec_ns, 11 * ms);
  for (Task* task : {&busy, &sleeper}) kernel.thaw(*task);
  kernel.run(200 * ms);
  EXPECT_EQ(busy.state, TaskState::dead);
  EXPECT_EQ(busy.exec_ns - exec_ns, 10 * ms);
  EXPECT_EQ(sleeper.state, TaskState::dead) << "what woke it meanwhile is not lost";
}

TEST(SimKernel, AKilledTaskRunsOnceMoreToEnd) {
  Kernel kernel(samples::free_machine(), 1);
  Fair fair(kernel, {});
  Task& asleep = kernel.spawn(samples::script({{second, ms}}), kernel.root(), 0);
  Task& frozen = kernel.spawn(Hog{}, kernel.root(), 0);
  kernel.run(10 * ms);
  kernel.freeze(frozen);
  kernel.run(20 * ms);
  for (Task* task : {&asleep, &frozen}) {
    kernel.kill(*task);
    EXPECT_TRUE(task->is_killed());
  }
  kernel.run(30 * ms);
  for (const Task* task : {&asleep, &frozen}) {
    EXPECT_EQ(task->state, TaskState::dead);
    EXPECT_FALSE(task->is_killed());
    EXPECT_NE(task->kernel.flags & PF_EXITING, 0u);
  }
}

TEST(SimShape, SiblingsAreNumberedAsVendorsDo) {
  const Shape halves({.cpus = 8, .cache_cpus = 4, .nodes = 2, .threads = 2, .siblings = Siblings::halves});
  EXPECT_TRUE(halves.siblings(1).test(5));
  EXPECT_EQ(halves.siblings(1).count(), 2u);
  EXPECT_TRUE(halves.cache(0).test(5));
  EXPECT_FALSE(halves.cache(0).test(2));
  EXPECT_FALSE(halves.node(0).test(2));
  const Shape adjacent({.cpus = 8, .cache_cpus = 4, .threads = 2, .siblings = Siblings::adjacent});
  EXPECT_TRUE(adjacent.siblings(0).test(1));
  EXPECT_TRUE(adjacent.cache(0).test(3));
  EXPECT_FALSE(adjacent.cache(0).test(4));
}

TEST(SimShape, MasksFindTheirCpus) {
  CpuMask mask = CpuMask::of(3) | CpuMask::of(200);
  EXPECT_EQ(mask.first(), 3u);
  EXPECT_EQ(mask.from(4), 200u);
  EXPECT_EQ(mask.from(201), no_cpu);
  EXPECT_EQ(mask.from(256), no_cpu);
  mask.set(3, false);
  EXPECT_EQ(mask.count(), 1u);
}

}  // namespace
}  // namespace slo::sim
