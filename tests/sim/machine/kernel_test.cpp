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
