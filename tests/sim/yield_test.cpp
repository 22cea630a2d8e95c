// SPDX-License-Identifier: GPL-2.0-only
// sched_yield() means what it means to the kernel: others run.
#include <gtest/gtest.h>

#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::us;

// The first task yields every 100 us of its 4 ms, the second wants to run for a while beside it.
Record beside_one_that_yields(std::uint64_t budget_ns, std::uint64_t other_budget_ns) {
  System system(
      {.machine = {},
       .workload = samples::scripts({{budget_ns, {{10 * ms, 4 * ms}}}, {other_budget_ns, {{10 * ms, ms}}}})},
      {});
  system.daemon().attach();
  Kernel& kernel = system.kernel();
  for (std::uint64_t at_ns = 10 * ms + 100 * us; at_ns < 14 * ms; at_ns += 100 * us)
    kernel.plan(at_ns, [&kernel] {
      if (kernel.tasks()[0].is_current) kernel.yield(kernel.tasks()[0]);
    });
  return system.run(50 * ms);
}

TEST(Yield, OfTheEarliestKeyLetsTheNextOneRun) {
  EXPECT_LE(beside_one_that_yields(5 * ms, 50 * ms).units[1].waits_ns.front(), ms);
}

TEST(Yield, OfATaskWithABudgetLetsBestEffortRun) {
  EXPECT_LE(beside_one_that_yields(5 * ms, 0).units[1].waits_ns.front(), 4 * ms);
}

TEST(Yield, OfBestEffortLetsTheNextOneRun) {
  EXPECT_LE(beside_one_that_yields(0, 0).units[1].waits_ns.front(), ms);
}

}  // namespace
}  // namespace slo::sim
