// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "demand.h"
#include "samples.h"
#include "sets.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using testing::ElementsAre;

Record run_scripts(std::uint32_t cpus, std::vector<std::pair<std::uint64_t, std::vector<Request>>> tasks) {
  return run_edf({.machine = samples::free_machine(cpus),
                  .workload = samples::scripts(std::move(tasks)),
                  .span_ns = 100 * ms},
                 {});
}

std::uint64_t misses(const Record& record) {
  std::uint64_t sum = 0;
  for (const UnitRecord& unit : record.units) sum += unit.misses;
  return sum;
}

TEST(SimEdf, TheEarliestDeadlineRuns) {
  // Due at 14, 6 and 15: the first runs from 0 to 1 and 3 to 6, the second from 1 to 3, the third from 6
  // to 7.
  const Record record =
      run_scripts(1, {{10 * ms, {{0, 4 * ms}}}, {3 * ms, {{1 * ms, 2 * ms}}}, {12 * ms, {{2 * ms, 1 * ms}}}});
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(2 * ms));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[2].waits_ns, ElementsAre(4 * ms));
}

TEST(SimEdf, TheLatestDeadlineOfAllCpusMakesRoom) {
  // Due at 15 and 30, then at 4: that wakes where the first one runs, but takes the other CPU.
  const Record record =
      run_scripts(2, {{5 * ms, {{0, 10 * ms}}}, {20 * ms, {{0, 10 * ms}}}, {1 * ms, {{1 * ms, 2 * ms}}}});
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(2 * ms));
  EXPECT_THAT(record.units[2].waits_ns, ElementsAre(0));
}

TEST(SimEdf, BestEffortRunsWhenNothingElseWantsTo) {
  const Record record = run_scripts(1, {{5 * ms, {{2 * ms, 3 * ms}}}, {0, {{0, 4 * ms}}}});
  EXPECT_THAT(record.units[0].waits_ns, ElementsAre(0));
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(3 * ms));
}

TEST(SimEdf, ATaskThatGoesOnWithItsNextRequestMakesRoomForAnEarlierOne) {
  // The first is due at 6, its second request at 35; the other at 12.
  const Record record =
      run_scripts(1, {{1 * ms, {{0, 5 * ms}, {4 * ms, 30 * ms}}}, {10 * ms, {{2 * ms, 1 * ms}}}});
  EXPECT_THAT(record.units[1].waits_ns, ElementsAre(3 * ms));
}

TEST(SimEdf, TheThreeUnitsMissNothing) {
  for (const std::uint64_t seed : {0, 1, 2}) {
    const Record record =
        run_edf({.workload = three_units(1, seed), .span_ns = 5 * second, .seed = seed}, {});
    EXPECT_EQ(misses(record), 0u) << "seed " << seed;
    EXPECT_GT(best_effort_share(three_units(1, seed), record), 0.05);
    EXPECT_LE(record.idle_beside_waiting_ns, 10'000u);
  }
}

// The demand criterion is exact where nothing costs anything, so that the two hold each other to account.
TEST(SimEdf, AnythingIsMissedExactlyWhereTheDemandDoesNotFit) {
  Random random(1);
  int fitting = 0;
  constexpr int sets = 300;
  for (int i = 0; i < sets; ++i) {
    Workload workload;
    for (std::uint32_t unit = 0; unit < 4; ++unit) {
      const std::uint64_t period_ns = (below(random, 2) != 0 ? 20 : 30) * ms;
      const std::uint64_t exec_ns = (1 + below(random, 7)) * ms;
      const std::uint64_t budget_ns = (1 + below(random, 12)) * ms;
      workload.units.push_back({.name = "unit", .budget_ns = budget_ns});
      workload.tasks.push_back(
          {.unit = unit, .behaviour = Periodic{.exec_ns = exec_ns, .period_ns = period_ns}});
    }
    const bool fits = fits_at_any_phase(needs_of(workload), {});
    const Record record =
        run_edf({.machine = samples::free_machine(), .workload = workload, .span_ns = 240 * ms}, {});
    EXPECT_EQ(misses(record) == 0, fits) << "set " << i;
    fitting += fits ? 1 : 0;
  }
  EXPECT_GT(fitting, sets / 10);
  EXPECT_LT(fitting, sets - sets / 10);
}

}  // namespace
}  // namespace slo::sim
