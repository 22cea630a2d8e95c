// SPDX-License-Identifier: GPL-2.0-only
#include "demand.h"

#include <gtest/gtest.h>

#include <numeric>

#include "random_set.h"
#include "samples.h"
#include "sets.h"

namespace slo::sim {
namespace {

using samples::ms;

TEST(Demand, TwoTasksThatAreDueAtOnceMustFitTogether) {
  const std::vector<Need> tight = {{2 * ms, 10 * ms, 3 * ms}, {2 * ms, 10 * ms, 3 * ms}};
  EXPECT_FALSE(fits_at_any_phase(tight, {}))
      << "4 ms of work in 3 ms, though 40% of the CPU is all they need";
  const std::vector<Need> enough = {{2 * ms, 10 * ms, 4 * ms}, {2 * ms, 10 * ms, 4 * ms}};
  EXPECT_TRUE(fits_at_any_phase(enough, {}));
}

TEST(Demand, CostsCount) {
  const std::vector<Need> needs = {{2 * ms, 10 * ms, 4 * ms}, {2 * ms, 10 * ms, 4 * ms}};
  EXPECT_FALSE(fits_at_any_phase(needs, {.per_job_ns = 1}));
  EXPECT_FALSE(fits_at_any_phase(needs, {.tick_ns = 4 * ms, .per_tick_ns = 1}));
  EXPECT_FALSE(fits_at_any_phase(needs, {.turn_ns = 1, .turn_gap_ns = 20 * ms}));
}

TEST(Demand, ALaterJobOfAnotherTaskCounts) {
  // At 12: one job of the long task and two of the short one are due, 6 + 2 * 3.
  const std::vector<Need> full = {{3 * ms, 6 * ms, 6 * ms}, {6 * ms, 100 * ms, 12 * ms}};
  EXPECT_TRUE(fits_at_any_phase(full, {}));
  const std::vector<Need> over = {{3 * ms, 6 * ms, 6 * ms}, {6 * ms + 1, 100 * ms, 12 * ms}};
  EXPECT_FALSE(fits_at_any_phase(over, {}));
}

TEST(Demand, MoreThanThereIsNeverFits) {
  const std::vector<Need> needs = {{6 * ms, 10 * ms, 10 * ms}, {5 * ms, 10 * ms, 10 * ms}};
  EXPECT_FALSE(fits_at_any_phase(needs, {}));
}

TEST(Demand, PhasesCanMakeRoom) {
  const std::vector<Need> needs = {{2 * ms, 10 * ms, 3 * ms, 0}, {2 * ms, 10 * ms, 3 * ms, 5 * ms}};
  EXPECT_FALSE(fits_at_any_phase(needs, {}));
  EXPECT_TRUE(fits_at_phases(needs, {}, 100 * ms));
  const std::vector<Need> together = {{2 * ms, 10 * ms, 3 * ms, 5 * ms}, {2 * ms, 10 * ms, 3 * ms, 5 * ms}};
  EXPECT_FALSE(fits_at_phases(together, {}, 100 * ms));
}

TEST(Demand, TheThreeUnitsFitOnlyStaggered) {
  const Workload workload = three_units(1, 0);
  const auto needs = needs_of(workload);
  const auto overheads = overheads_of({}, workload, {});
  ASSERT_EQ(needs.size(), 5u) << "hogs need nothing";
  EXPECT_FALSE(fits_at_any_phase(needs, overheads));
  EXPECT_FALSE(fits_at_any_phase(needs, {})) << "whatever it costs";
  EXPECT_TRUE(fits_at_phases(needs, {}, 400 * ms));
}

TEST(Demand, TurnsOfTheFloorAreATwentiethOfTheTime) {
  const auto overheads = overheads_of(samples::free_machine(), three_units(1, 0), {});
  EXPECT_EQ(overheads.turn_ns, 1 * ms);
  EXPECT_EQ(overheads.turn_gap_ns, 20 * ms);
  EXPECT_EQ(taken_ns(overheads, 0), 1 * ms);
  EXPECT_EQ(taken_ns(overheads, 20 * ms), 2 * ms);
  EXPECT_EQ(overheads_of(samples::free_machine(), three_units(1, 0, 0), {}).turn_ns, 0u)
      << "nobody to have it";
}

TEST(Demand, SharesAddUp) {
  Random random(3);
  for (const std::uint32_t count : {1, 2, 5, 20}) {
    const auto shares = uunifast(random, count, 0.8);
    ASSERT_EQ(shares.size(), count);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 0.8, 1e-9);
    for (const double share : shares) EXPECT_GE(share, 0.0);
  }
}

TEST(Demand, RandomSetsFitOnEachCpuAndNeedWhatWasAskedFor) {
  Random random(5);
  const Machine machine{.cpus = 2};
  const auto workload = random_set(random, machine, {}, {.tasks_per_cpu = 4, .utilisation = 0.6});
  ASSERT_TRUE(workload);
  const auto needs = needs_of(*workload);
  ASSERT_EQ(needs.size(), 8u);
  double utilisation = 0;
  for (const Need& need : needs) {
    utilisation += static_cast<double>(need.exec_ns) / static_cast<double>(need.period_ns);
    EXPECT_LE(need.deadline_ns, need.period_ns);
    EXPECT_GE(need.deadline_ns - need.exec_ns, 1 * ms);
    EXPECT_LE(need.deadline_ns - need.exec_ns, 100 * ms);
  }
  EXPECT_NEAR(utilisation, 1.2, 0.001);
  EXPECT_TRUE(fits_at_any_phase(std::span(needs).first(4), overheads_of(machine, *workload, {})));
  EXPECT_TRUE(fits_at_any_phase(std::span(needs).last(4), overheads_of(machine, *workload, {})));
}

TEST(Demand, NoSetIsMadeWhereNoneCanFit) {
  Random random(5);
  EXPECT_FALSE(random_set(random, {}, {}, {.utilisation = 1.2}));
}

}  // namespace
}  // namespace slo::sim
