// SPDX-License-Identifier: GPL-2.0-only
#include "timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;

TEST(Timeline, TellsEachRunAndEachWait) {
  const Workload workload = samples::scripts({{ms, {{10 * ms, 5 * ms}}}, {ms, {{12 * ms, 1 * ms}}}});
  System system({.machine = samples::free_machine(), .workload = workload}, {});
  Timeline timeline(system.kernel(), workload);
  system.daemon().attach();
  static_cast<void>(system.run(100 * ms));
  const nlohmann::json json = timeline.finish();
  double ran_us = 0;
  double waited_us = 0;
  for (const auto& event : json["traceEvents"]) {
    if (event["ph"] != "X") continue;
    (event["pid"] == 1 ? ran_us : waited_us) += event["dur"].get<double>();
  }
  EXPECT_DOUBLE_EQ(ran_us, 6000);
  EXPECT_GT(waited_us, 0);
  EXPECT_TRUE(std::ranges::any_of(json["traceEvents"], [](const auto& event) {
    return event["ph"] == "M" && event["args"]["name"] == "unit0/0";
  }));
}

}  // namespace
}  // namespace slo::sim
