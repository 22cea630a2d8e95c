// SPDX-License-Identifier: GPL-2.0-only
#include "load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "accesses.h"

namespace slo::sim {
namespace {

using testing::IsEmpty;

class SimExaggerated : public testing::TestWithParam<std::uint32_t> {};

// A few seconds of what `sim_exaggerated` does for as long as one likes.
TEST_P(SimExaggerated, NoTaskIsLostNorMiscounted) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const ExaggeratedRun run = run_exaggerated({.seed = seed, .cpus = GetParam(), .events = 8'000});
    EXPECT_THAT(run.complaints, IsEmpty()) << "seed " << seed << testing::PrintToString(run.story);
    EXPECT_GT(run.counts.switches, run.counts.events) << "they did not go on together";
  }
}

INSTANTIATE_TEST_SUITE_P(, SimExaggerated, testing::Values(2, 4, 16),
                         [](const auto& cpus) { return std::to_string(cpus.param) + "Cpus"; });

TEST(SimExaggeration, TheSameSeedGivesTheSameRun) {
  const Exaggeration what{.seed = 3, .cpus = 4, .events = 3'000};
  const ExaggeratedRun a = run_exaggerated(what);
  const ExaggeratedRun b = run_exaggerated(what);
  EXPECT_EQ(a.counts.switches, b.counts.switches);
  EXPECT_EQ(a.callbacks, b.callbacks);
}

// A CPU that is woken for a task which is still on its way to the queue finds the count and no task. It was
// idle and is, so nobody asks it to look again, and it stays beside the task until something else happens.
TEST(KnownFault, AnIdleCpuLooksOnceForATaskOnItsWayToAQueue) {
  const ExaggeratedRun run =
      run_exaggerated({.seed = 5006, .cpus = 2, .events = 20'000, .has_changes = false});
  EXPECT_THAT(run.complaints, testing::ElementsAre(testing::HasSubstr("beside an idle CPU")));
}

TEST(SimExaggeration, AccessesOfCallbacksAreCounted) {
  Workload workload{.name = "hogs", .units = {}, .tasks = {}};
  add_hogs(workload, 3);
  System system({.machine = {.cpus = 2}, .workload = workload}, {});
  system.daemon().attach();
  const AccessCounts counts(system.kernel());
  system.kernel().run(1'000'000'000);
  EXPECT_GT(counts.of(Op::enqueue)[0], 20u) << "it reads";
  EXPECT_GT(counts.of(Op::enqueue)[2], 1u) << "it counts what waits";
  EXPECT_EQ(counts.of(Op::none)[0], 0u) << "nothing outside of callbacks";
}

}  // namespace
}  // namespace slo::sim
