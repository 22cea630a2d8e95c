// SPDX-License-Identifier: GPL-2.0-only
// What the model finds wrong: stated as it is, so that mending shows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;

// The kernel takes all CPUs for idle when it attaches, and learns otherwise when they next go idle. The
// heartbeat believes it, a tenth of a second later, and a waking task asks an idle CPU that is none: once for
// each CPU. Its next tick finds who waits.
TEST(KnownFault, ABusyCpuIsTakenForIdleOnce) {
  System system({.machine = {}, .workload = samples::urgent_beside_hog()}, {});
  system.kernel().run(second + 700 * us);
  system.daemon().attach();
  const Record record = system.run(second + 400 * ms);
  const std::vector<std::uint64_t>& waits_ns = record.units[0].waits_ns;
  EXPECT_EQ(std::count_if(waits_ns.begin() + 100, waits_ns.end(),
                          [](std::uint64_t wait_ns) { return wait_ns > 900 * us; }),
            1);
}

// A CPU that has been idle since before the scheduler came is known to be idle after the first heartbeat:
// whom a real-time task displaces before that waits beside it.
TEST(KnownFault, AnIdleCpuIsKnownAfterTheFirstHeartbeat) {
  Workload workload{
      .name = "idle", .units = {{.name = "urgent", .budget_ns = 5 * ms}, {.name = "rt"}}, .tasks = {}};
  workload.tasks.push_back({.unit = 0, .behaviour = Periodic{.exec_ns = 15 * ms, .period_ns = 20 * ms}});
  workload.tasks.push_back(
      {.unit = 1,
       .real_time = 50,
       .cpus = {0},
       .behaviour = Periodic{.exec_ns = 30 * ms, .period_ns = 10 * second, .phase_ns = 43 * ms}});
  const Record record = run_policy({.machine = {.cpus = 2}, .workload = workload, .span_ns = second}, {});
  EXPECT_GT(record.idle_beside_waiting_ns, 20 * ms);
}

// Shards are CPUs by their number: where siblings are n and n + 32, none is with its own.
TEST(KnownFault, SiblingsAreInDifferentShards) {
  System system({.machine = {.cpus = 64, .cache_cpus = 64, .threads = 2}}, {});
  system.daemon().attach();
  EXPECT_EQ(system.daemon().shards(), 4u);
  const Shape& shape = system.kernel().shape();
  for (CpuId cpu = 0; cpu < 32; ++cpu) {
    EXPECT_TRUE(shape.siblings(cpu).test(cpu + 32));
    EXPECT_NE(system.daemon().shard_of(cpu), system.daemon().shard_of(cpu + 32));
  }
}

// The CPU with the highest number that runs best effort makes room, be it in another cache.
TEST(KnownFault, AVictimIsFoundByItsNumber) {
  Workload workload{.name = "caches",
                    .units = {{.name = "long", .budget_ns = second, .max_exec_ns = 3600 * second},
                              {.name = "urgent", .budget_ns = 5 * ms},
                              {.name = "batch"}},
                    .tasks = {}};
  workload.tasks.push_back({.unit = 0, .cpus = {0}, .behaviour = Hog{}});
  for (int i = 0; i < 15; ++i) workload.tasks.push_back({.unit = 2, .behaviour = Hog{}});
  workload.tasks.push_back(
      {.unit = 1, .behaviour = Periodic{.exec_ns = ms, .period_ns = 20 * ms, .phase_ns = 50 * ms}});
  System system({.machine = {.cpus = 8, .cache_cpus = 4}, .workload = workload}, {});
  const Task& urgent = system.kernel().tasks().back();
  ASSERT_EQ(urgent.cpu(), 0u);
  system.daemon().attach();
  system.kernel().run(51 * ms);
  EXPECT_EQ(urgent.cpu(), 7u);
  EXPECT_FALSE(system.kernel().shape().cache(0).test(7));
}

// Two urgent tasks wake at once while two CPUs run best effort: both ask the same one, which takes one of
// them. The other waits beside best effort for half of its budget, until an alarm makes the first one give
// way, or the tick of the other CPU finds it.
TEST(KnownFault, TwoThatWakeAtOnceAskTheSameCpu) {
  const std::uint64_t hour = 3600 * second;
  Workload workload{.name = "pair",
                    .units = {{.name = "long", .budget_ns = second, .max_exec_ns = hour},
                              {.name = "urgent", .budget_ns = 2 * ms},
                              {.name = "batch"}},
                    .tasks = {}};
  for (const std::uint32_t cpu : {0U, 1U})
    workload.tasks.push_back({.unit = 0, .cpus = {cpu}, .behaviour = Hog{}});
  for (int i = 0; i < 6; ++i) workload.tasks.push_back({.unit = 2, .behaviour = Hog{}});
  for (int i = 0; i < 2; ++i)
    workload.tasks.push_back(
        {.unit = 1,
         .behaviour = Periodic{.exec_ns = 8 * ms, .period_ns = second, .phase_ns = 51 * ms + 100 * us}});
  const Experiment experiment{.machine = {.cpus = 4}, .workload = workload, .span_ns = 500 * ms};
  EXPECT_GT(quantile_ns(run_policy(experiment, {}).units[1].waits_ns, 1), 900 * us);
  EXPECT_LT(quantile_ns(run_edf(experiment, {}).units[1].waits_ns, 1), 10 * us);
}

// The key of a running job whose response is bounded stands still once it has executed what was expected of
// it; who asks its CPU thinks that it moves on. So one that waits with a later key asks as often as it may,
// and each time for nothing.
TEST(KnownFault, AResponseJobBeyondItsExpectationIsAskedInVain) {
  for (const bool bounds_response : {true, false}) {
    Workload workload = samples::scripts({{20 * ms, {{10 * ms, 60 * ms}}}, {30 * ms, {{11 * ms, ms}}}});
    workload.units[0].bounds_response = bounds_response;
    const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 100 * ms}, {});
    if (bounds_response)
      EXPECT_GT(kicks(record), 300u);
    else
      EXPECT_LT(kicks(record), 10u);
  }
}

// Tasks with budgets wait in one cache behind a long job, and the CPU of the other cache runs best effort: it
// takes the one that asked for it, and sees the rest neither at its ticks nor at its next choice.
TEST(KnownFault, BestEffortLetsOneOfAnotherCacheInAndNoMore) {
  const std::uint64_t hour = 3600 * second;
  Workload workload{.name = "two caches",
                    .units = {{.name = "long", .budget_ns = second, .max_exec_ns = hour},
                              {.name = "urgent", .budget_ns = 2 * ms},
                              {.name = "batch"}},
                    .tasks = {}};
  workload.tasks.push_back({.unit = 0, .cpus = {0}, .behaviour = Hog{}});
  workload.tasks.push_back({.unit = 2, .cpus = {1}, .behaviour = Hog{}});
  for (int i = 0; i < 3; ++i)
    workload.tasks.push_back({.unit = 1, .behaviour = samples::script({{50 * ms, 500 * us}})});
  System system({.machine = {.cpus = 2, .cache_cpus = 1}, .workload = workload}, {});
  for (TaskId id = 2; id < 5; ++id) system.kernel().set_cpu(system.kernel().tasks()[id], 0);
  system.daemon().attach();
  const Record record = system.run(200 * ms);
  std::vector<std::uint64_t> waits_ns = record.units[1].waits_ns;
  std::ranges::sort(waits_ns);
  ASSERT_EQ(waits_ns.size(), 3u);
  EXPECT_LT(waits_ns.front(), 100 * us);
  EXPECT_GT(waits_ns.back(), 1 * ms);
}

}  // namespace
}  // namespace slo::sim
