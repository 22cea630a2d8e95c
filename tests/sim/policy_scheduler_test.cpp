// SPDX-License-Identifier: GPL-2.0-only
#include "policy_scheduler.h"

#include <gtest/gtest.h>

#include <numeric>

#include "samples.h"
#include "sets.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;

Experiment three_units_on(std::uint32_t cpus, std::uint64_t seed, std::uint64_t span_ns) {
  return {.machine = {.cpus = cpus}, .workload = three_units(cpus, seed), .span_ns = span_ns, .seed = seed};
}

std::uint64_t misses(const Record& record) {
  return std::accumulate(record.units.begin(), record.units.end(), std::uint64_t{0},
                         [](std::uint64_t so_far, const UnitRecord& unit) { return so_far + unit.misses; });
}

TEST(SimPolicy, TheThreeUnitsMissNothingBesideFourHogs) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const Record record = run_policy(three_units_on(1, seed, 10 * second), {});
    EXPECT_GE(record.units[0].jobs, 1990u);
    EXPECT_GE(record.units[1].jobs, 990u);
    EXPECT_GE(record.units[2].jobs, 190u);
    EXPECT_EQ(misses(record), 0u) << "seed " << seed;
  }
}

TEST(SimPolicy, TheThreeUnitsMissWithoutKicks) {
  Policy policy;
  policy.preemption = Preemption::tick;
  const Record record = run_policy(three_units_on(1, 1, 10 * second), policy);
  EXPECT_GT(record.units[0].misses, record.units[0].jobs / 10);
}

TEST(SimPolicy, HogsGetTheirFloor) {
  // A unit that would take everything, as its jobs are never long enough to be demoted.
  Workload workload;
  workload.units.push_back({.name = "greedy", .budget_ns = 2 * ms});
  for (int i = 0; i < 2; ++i)
    workload.tasks.push_back({.unit = 0, .behaviour = BackToBack{.exec_ns = 3 * ms, .pause_ns = 1 * us}});
  add_hogs(workload, 4);
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, {});
  // A turn of 1 ms every 20 ms, each up to a tick late: what it is late is not made up for.
  EXPECT_GE(best_effort_share(workload, record), 0.98 / 25);
  EXPECT_LE(best_effort_share(workload, record), 0.06);
  EXPECT_LE(record.best_effort_gap_ns, 100 * ms + 1 * ms);

  Policy without_floor;
  without_floor.has_floor = false;
  const Record bare =
      run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, without_floor);
  EXPECT_LT(best_effort_share(workload, bare), 0.001);
}

TEST(SimPolicy, HogsShareByWeight) {
  Workload workload;
  workload.units = {{.name = "heavy"}};
  workload.tasks.push_back({.unit = 0, .weight = 300, .behaviour = Hog{}});
  add_hogs(workload, 3);
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, {});
  for (TaskId light = 1; light < 4; ++light) {
    const auto exec_ns = static_cast<double>(record.task_exec_ns[light]);
    EXPECT_NEAR(static_cast<double>(record.task_exec_ns[0]) / exec_ns, 3.0, 0.1);
  }
}

TEST(SimPolicy, AJobBeyondWhatTheGuaranteeCoversIsBestEffort) {
  // With a budget on a hog it is demoted and shares with the other one.
  Workload workload;
  workload.units = {{.name = "mistaken", .budget_ns = 2 * ms}};
  workload.tasks.push_back({.unit = 0, .behaviour = Hog{}});
  add_hogs(workload, 1);
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, {});
  EXPECT_NEAR(best_effort_share(workload, record), 0.5, 0.02);

  Policy without_demotion;
  without_demotion.has_demotion = false;
  const Record plain =
      run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, without_demotion);
  EXPECT_LT(best_effort_share(workload, plain), 0.06) << "the floor alone";
}

TEST(SimPolicy, TheSameSeedGivesTheSameRun) {
  const auto experiment = three_units_on(4, 7, 2 * second);
  const Record a = run_policy(experiment, {});
  const Record b = run_policy(experiment, {});
  EXPECT_EQ(a.task_exec_ns, b.task_exec_ns);
  EXPECT_EQ(kicks(a), kicks(b));
  for (std::size_t i = 0; i < a.units.size(); ++i) EXPECT_EQ(a.units[i].waits_ns, b.units[i].waits_ns);
  const Record other = run_policy(three_units_on(4, 8, 2 * second), {});
  EXPECT_NE(a.units[0].waits_ns, other.units[0].waits_ns);
}

TEST(SimPolicy, NoCpuIdlesWhileATaskWaits) {
  Workload workload = three_units(2, 3, 0);
  workload.units.push_back({.name = "bursts"});
  for (int i = 0; i < 3; ++i)
    workload.tasks.push_back(
        {.unit = static_cast<std::uint32_t>(workload.units.size() - 1),
         .behaviour = Bursts{.exec_ns = 2 * ms, .period_ns = 3 * ms, .on_ns = 30 * ms, .off_ns = 20 * ms}});
  const Record record = run_policy({.machine = {.cpus = 2}, .workload = workload, .span_ns = 5 * second}, {});
  EXPECT_EQ(record.idle_beside_waiting_ns, 0u);
  EXPECT_GT(share(record, Doing::nothing), 0.0);
}

TEST(SimPolicy, AllTimeOfAllCpusIsAccountedFor) {
  const Record record = run_policy(three_units_on(4, 1, 2 * second), {});
  for (const CpuRecord& cpu : record.cpus)
    EXPECT_EQ(std::accumulate(cpu.time_ns.begin(), cpu.time_ns.end(), std::uint64_t{0}), 2 * second);
  EXPECT_LT(share(record, Doing::nothing), 0.001) << "hogs leave nothing";
}

TEST(SimPolicy, ShardsHelpEachOther) {
  // All SLO tasks begin on the first shard's CPUs, as many as both have.
  Workload workload;
  workload.units = {{.name = "crowd", .budget_ns = 5 * ms}};
  for (int i = 0; i < 4; ++i)
    workload.tasks.push_back(
        {.unit = 0, .behaviour = Periodic{.exec_ns = 8 * ms, .period_ns = 20 * ms, .phase_ns = 1 * ms}});
  add_hogs(workload, 8);
  const Machine machine{.cpus = 4, .shard_cpus = 2};
  const Record record = run_policy({.machine = machine, .workload = workload, .span_ns = 5 * second}, {});
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_EQ(record.idle_beside_waiting_ns, 0u);
}

TEST(SimPolicy, AResponseBudgetIsJudgedByTheResponse) {
  Workload workload;
  workload.units = {{.name = "served", .budget_ns = 5 * ms, .bounds_response = true},
                    {.name = "hopeless", .budget_ns = 1 * ms, .bounds_response = true}};
  workload.tasks.push_back({.unit = 0, .behaviour = Periodic{.exec_ns = 3 * ms, .period_ns = 20 * ms}});
  workload.tasks.push_back(
      {.unit = 1, .behaviour = Periodic{.exec_ns = 2 * ms, .period_ns = 20 * ms, .phase_ns = 10 * ms}});
  add_hogs(workload, 4);
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 5 * second}, {});
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_EQ(record.units[1].misses, record.units[1].jobs);
  EXPECT_EQ(record.units[1].misses_by_cause[SLO_CAUSE_OVERRUN], record.units[1].misses);
}

}  // namespace
}  // namespace slo::sim
