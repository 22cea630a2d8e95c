// SPDX-License-Identifier: GPL-2.0-only
#include "rt_app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::us;
using testing::HasSubstr;

Result<Workload> read(const std::string& text, std::uint64_t budget_ns = 0) {
  Workload workload;
  if (auto added = add_rt_app_text(workload, {.name = "unit", .budget_ns = budget_ns}, "a.json", text);
      !added)
    return std::unexpected(added.error());
  return workload;
}

// Releases of what one thread runs, if each run ends `late_ns` after it was wanted.
std::vector<std::uint64_t> releases(const std::string& text, std::size_t count, std::uint64_t late_ns = 0) {
  Workload workload = read(text).value();
  Random random(1);
  std::vector<std::uint64_t> seen;
  std::uint64_t now_ns = 0;
  while (seen.size() < count) {
    const auto request = next_request(workload.tasks.at(0).behaviour, now_ns, random);
    if (!request) break;
    seen.push_back(request->release_ns);
    now_ns = request->release_ns + request->exec_ns + late_ns;
  }
  return seen;
}

TEST(RtApp, ASleepBeginsWhenTheRunHasEnded) {
  EXPECT_THAT(releases(R"({"tasks": {"a": {"run": 1000, "sleep": 4000}}})", 3, 2 * ms),
              testing::ElementsAre(0, 7 * ms, 14 * ms));
}

TEST(RtApp, ATimerKeepsItsPeriodUntilItIsLate) {
  const auto thread = [](const char* mode) {
    return std::string(R"({"tasks": {"a": {"run": 1000, "timer": {"ref": "unique", "period": 5000)") + mode +
           "}}}}";
  };
  // Its first period begins with its first use, at the end of the first run.
  EXPECT_THAT(releases(thread(""), 3, 2 * ms), testing::ElementsAre(0, 8 * ms, 13 * ms));
  EXPECT_THAT(releases(thread(""), 3, 6 * ms), testing::ElementsAre(0, 12 * ms, 19 * ms));
  EXPECT_THAT(releases(thread(R"(, "mode": "absolute")"), 3, 6 * ms),
              testing::ElementsAre(0, 12 * ms, 19 * ms));
}

TEST(RtApp, AnAbsoluteTimerCatchesUp) {
  // 9 ms of its first 5, then short runs: two periods are over already.
  const char* text = R"({"tasks": {"a": {"loop": 1, "phases": {
      "first": {"timer": {"ref": "unique", "period": 5000}, "run": 9000},
      "then": {"loop": 3, "timer": {"ref": "unique", "period": 5000, "mode": "absolute"}, "run": 100}}}}})";
  EXPECT_THAT(releases(text, 9), testing::ElementsAre(5 * ms, 14 * ms, 15 * ms, 20 * ms));
}

TEST(RtApp, PhasesAreRepeatedAndEnd) {
  const char* text = R"({"tasks": {"a": {"loop": 2, "delay": 500, "phases": {
      "twice": {"loop": 2, "run": 1000, "sleep": 1000}, "once": {"run": 3000, "run2": 1000, "sleep": 2000}}}}})";
  EXPECT_THAT(releases(text, 99), testing::ElementsAre(500 * us, 2500 * us, 4500 * us, 7500 * us, 10'500 * us,
                                                       12'500 * us, 14'500 * us, 17'500 * us));
}

TEST(RtApp, ThreadsHaveWhatTheFileSays) {
  const auto workload = read(R"({/* of a phone */
      "tasks": {"nice": {"instance": 3, "priority": -5, "cpus": [0, 2], "run": 1, "sleep": 1},
                "fifo": {"policy": "SCHED_FIFO", "run": 1, "sleep": 1}},
      "global": {"duration": 2, "default_policy": "SCHED_OTHER"}, "resources": {}})");
  ASSERT_TRUE(workload) << workload.error().message();
  ASSERT_EQ(workload->tasks.size(), 4u);
  EXPECT_EQ(workload->tasks[2].nice, -5);
  EXPECT_THAT(workload->tasks[2].cpus, testing::ElementsAre(0, 2));
  EXPECT_EQ(workload->tasks[3].real_time, 10u);
}

TEST(RtApp, WhatIsWrongIsSaidWithItsPlace) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"tasks": {"a": {"run": 1,}}})", "a.json; line 1, column 27: "},
      {R"({"tasks": {"a": {"run": "x"}}})", "a.json; /tasks/a/run: \"x\" is not an integer"},
      {R"({"tasks": {"a": {"run": 0}}})", "/tasks/a/run: 0 is not from 1 to"},
      {R"({"tasks": {"a": {"lock": "m", "run": 1}}})", "/tasks/a/lock: accepted are run, sleep and timer"},
      {R"({"tasks": {"a": {"runtime": 1}}})", "/tasks/a/runtime: accepted are"},
      {R"({"tasks": {"a": {"sleep": 1}}})", "/tasks/a: it would sleep for ever"},
      {R"({"tasks": {"a": {"phases": {"p": {"loop": -1, "sleep": 1}, "q": {"run": 1}}}}})", "sleep for ever"},
      {R"({"tasks": {"a": {"loop": 0, "run": 1}}})", "/tasks/a/loop: 0 is not a number of times"},
      {R"({"tasks": {"a": {"run": 1, "phases": {"p": {"run": 1}}}}})", "/tasks/a/run: beside phases"},
      {R"({"tasks": {"a": {"policy": "SCHED_DEADLINE", "run": 1}}})", "SCHED_DEADLINE is not SCHED_OTHER"},
      {R"({"tasks": {"a": {"instance": 2, "run": 1, "timer": {"ref": "t", "period": 1}}}})", "several use"},
      {R"({"tasks": {"a": {"run": 1, "timer": {"period": 1}}}})", "is not a timer: ref, period, mode"},
      {R"({"task": {}})", "/task: accepted are tasks, global and resources"},
      {R"({})", "there are no tasks"},
      {R"([])", "[] is not an object"},
  };
  for (const auto& [text, words] : wrong) {
    const auto workload = read(text);
    ASSERT_FALSE(workload) << text;
    EXPECT_THAT(workload.error().message(), HasSubstr(words)) << text;
  }
}

TEST(RtApp, ItsThreadsKeepTheBudgetOfTheirUnit) {
  auto workload =
      read(R"({"tasks": {"a": {"run": 1000, "timer": {"ref": "unique", "period": 10000}}}})", 2 * ms);
  ASSERT_TRUE(workload);
  add_hogs(*workload, 4);
  const Record record = run_policy({.workload = *workload, .span_ns = samples::second}, {});
  EXPECT_NEAR(static_cast<double>(record.units.at(0).jobs), 99, 2);
  EXPECT_EQ(record.units.at(0).misses, 0u);
}

}  // namespace
}  // namespace slo::sim
