// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

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
  policy.kicks_wait_for_tick = true;
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

  Policy least_floor;
  least_floor.tunables.best_effort_floor_permille = 10;
  const Record bare = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, least_floor);
  EXPECT_LT(best_effort_share(workload, bare), 0.015);
}

// What ran before the scheduler was attached gives way as any other, and nobody waits for the end of its
// slice.
TEST(SimPolicy, WhatRunsWhileItIsAttachedGivesWay) {
  System system({.machine = {}, .workload = samples::urgent_beside_hog()}, {});
  system.kernel().run(second + 700 * us);
  system.daemon().attach();
  const Record record = system.run(second + 400 * ms);
  const std::vector<std::uint64_t>& waits_ns = record.units[0].waits_ns;
  EXPECT_LT(waits_ns[100], 10 * us);
  EXPECT_LT(*std::max_element(waits_ns.begin() + 100, waits_ns.end()), 4 * ms + 100 * us);
}

TEST(SimPolicy, HogsShareByNice) {
  Workload workload;
  workload.units = {{.name = "heavy"}};
  workload.tasks.push_back({.unit = 0, .nice = -5, .behaviour = Hog{}});
  add_hogs(workload, 3);
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, {});
  for (TaskId light = 1; light < 4; ++light) {
    const auto exec_ns = static_cast<double>(record.task_exec_ns[light]);
    EXPECT_NEAR(static_cast<double>(record.task_exec_ns[0]) / exec_ns, 3.05, 0.1);
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
  Workload workload = three_units(1, 3, 0);
  workload.units.push_back({.name = "bursts"});
  for (int i = 0; i < 3; ++i)
    workload.tasks.push_back(
        {.unit = static_cast<std::uint32_t>(workload.units.size() - 1),
         .behaviour = Bursts{.exec_ns = 2 * ms, .period_ns = 3 * ms, .on_ns = 15 * ms, .off_ns = 35 * ms}});
  const Record record = run_policy({.machine = {.cpus = 2}, .workload = workload, .span_ns = 5 * second}, {});
  EXPECT_LE(record.idle_beside_waiting_ns, 10 * us);
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
  const Machine machine{.cpus = 4, .cache_cpus = 2};
  const Record record = run_policy({.machine = machine, .workload = workload, .span_ns = 5 * second}, {});
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_LE(record.idle_beside_waiting_ns, 10 * us);
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

// One that hardly ever sleeps.
Workload kernel_thread_beside_hog() {
  Workload workload{.name = "kernel thread", .units = {{.name = "kthread"}}, .tasks = {}};
  workload.tasks.push_back({.unit = 0, .behaviour = BackToBack{.exec_ns = 5 * ms, .pause_ns = 10 * us}});
  add_hogs(workload, 1);
  return workload;
}

// What it has of a CPU, with another nice value each second.
std::uint64_t kernel_thread_exec_ns(const std::vector<int>& nice_values, bool is_bound = true) {
  System system({.machine = {}, .workload = kernel_thread_beside_hog()}, {});
  Kernel& kernel = system.kernel();
  Task& thread = kernel.tasks()[0];
  thread.kernel.flags |= PF_KTHREAD | PF_NO_SETAFFINITY;
  if (is_bound) thread.thread.flags = 1U << KTHREAD_IS_PER_CPU;
  std::uint64_t at_ns = 0;
  for (const int nice : nice_values) {
    kernel.plan(at_ns, [&kernel, &thread, nice] { kernel.set_nice(thread, nice); });
    at_ns += second;
  }
  system.daemon().attach();
  return system.run(at_ns).task_exec_ns[0];
}

TEST(SimPolicy, AKernelThreadHasABudgetUnlessItsNiceValueIsAboveZero) {
  for (const int nice : {-20, 0}) EXPECT_GT(kernel_thread_exec_ns({nice}), 900 * ms) << nice;
  for (const int nice : {1, 19}) EXPECT_LT(kernel_thread_exec_ns({nice}), 550 * ms) << nice;
}

// Workers of workqueues get theirs when they have run already.
TEST(SimPolicy, AKernelThreadIsJudgedByItsPresentNiceValue) {
  const std::uint64_t first_ns = kernel_thread_exec_ns({0});
  const std::uint64_t second_ns = kernel_thread_exec_ns({0, 19});
  const std::uint64_t third_ns = kernel_thread_exec_ns({0, 19, 0});
  EXPECT_LT(second_ns - first_ns, 550 * ms);
  EXPECT_GT(third_ns - second_ns, 900 * ms);
}

// A backup through dm-crypt, for one.
TEST(SimPolicy, KernelThreadsThatAreNotBoundToACpuShareAReserve) {
  // What it runs by key counts when it is best effort, which it mostly is.
  EXPECT_LT(kernel_thread_exec_ns({0, 0, 0, 0}, false), 4 * 550 * ms);
}

// It runs before it is bound, as all do.
TEST(SimPolicy, AKernelThreadThatIsBoundLaterHasItsBudgetFromThenOn) {
  System system({.machine = {}, .workload = kernel_thread_beside_hog()}, {});
  Kernel& kernel = system.kernel();
  Task& thread = kernel.tasks()[0];
  thread.kernel.flags |= PF_KTHREAD;
  std::uint64_t before_ns = 0;
  kernel.plan(second, [&] {
    before_ns = thread.exec_ns;
    thread.kernel.flags |= PF_NO_SETAFFINITY;
    thread.thread.flags = 1U << KTHREAD_IS_PER_CPU;
  });
  system.daemon().attach();
  EXPECT_GT(system.run(2 * second).task_exec_ns[0] - before_ns, 900 * ms);
  EXPECT_LT(before_ns, 650 * ms);
}

TEST(SimPolicy, ANiceKernelThreadComesAfterAUnitWithABudget) {
  Workload workload{.name = "kernel thread",
                    .units = {{.name = "unit", .budget_ns = 50 * ms}, {.name = "kthread"}, {.name = "batch"}},
                    .tasks = {}};
  workload.tasks.push_back({.unit = 0, .behaviour = Periodic{.exec_ns = 20 * ms, .period_ns = 100 * ms}});
  workload.tasks.push_back(
      {.unit = 1, .nice = 19, .behaviour = BackToBack{.exec_ns = 5 * ms, .pause_ns = 10 * us}});
  workload.tasks.push_back({.unit = 2, .behaviour = Hog{}});
  System system({.machine = {}, .workload = workload}, {});
  system.kernel().tasks()[1].kernel.flags |= PF_KTHREAD;
  system.daemon().attach();
  const Record record = system.run(5 * second);
  EXPECT_EQ(record.units[0].misses, 0u);
  EXPECT_LT(record.task_exec_ns[1], record.task_exec_ns[2]);
}

double miss_ratio(const Record& record, std::size_t unit) {
  return static_cast<double>(record.units[unit].misses) / static_cast<double>(record.units[unit].jobs);
}
double late_ratio(const Record& record, std::size_t unit) {
  return static_cast<double>(record.units[unit].late) / static_cast<double>(record.units[unit].requests);
}

std::size_t unit_of(const Workload& workload, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(workload.units, name, &Unit::name) -
                                  workload.units.begin());
}

class SimAbuse : public testing::TestWithParam<NamedSet> {};

TEST_P(SimAbuse, DoesNotHurtTheHonestNorHogs) {
  for (const std::uint32_t cpus : {1, 4}) {
    const Workload workload = GetParam().make(cpus, 1);
    const Record record =
        run_policy({.machine = {.cpus = cpus}, .workload = workload, .span_ns = 60 * second}, {});
    const std::size_t honest = unit_of(workload, "honest");
    EXPECT_LE(miss_ratio(record, honest), 0.01) << cpus << " CPUs";
    EXPECT_LE(late_ratio(record, honest), 0.01) << cpus << " CPUs";
    EXPECT_GE(best_effort_share(workload, record), 0.98 / 25);
    EXPECT_LE(record.best_effort_gap_ns, 110 * ms);
  }
}

INSTANTIATE_TEST_SUITE_P(, SimAbuse,
                         testing::Values(NamedSet{"Abuse", abuse},
                                         NamedSet{"AbuseReserves", abuse_with_reserves},
                                         NamedSet{"Greed", greed},
                                         NamedSet{"GreedReserves", greed_with_reserves}),
                         [](const auto& set) { return std::string(set.param.name); });

TEST(SimPolicy, AReserveCapsWhatIsServedByKey) {
  // Reserves alone: the greedy unit gets its half, then what best effort leaves it, a third of the rest.
  const Workload workload = greed_with_reserves(1, 1);
  Policy policy;
  policy.has_shedding = false;
  const Record record = run_policy({.machine = {}, .workload = workload, .span_ns = 10 * second}, policy);
  EXPECT_LE(late_ratio(record, unit_of(workload, "honest")), 0.05);
  EXPECT_GT(best_effort_share(workload, record), 0.08) << "20% are left, and shared";
  EXPECT_GT(record.units[unit_of(workload, "greedy")].exec_ns, 5 * second);
}

TEST(SimPolicy, UnderOverloadTheImportantUnitIsSpared) {
  Policy without;
  without.has_shedding = false;
  for (const auto make : {overload, overload_of_single_threads}) {
    const Experiment experiment{.machine = {}, .workload = make(1, 1), .span_ns = 60 * second};
    const Record with_shedding = run_policy(experiment, {});
    const Record plain = run_policy(experiment, without);
    EXPECT_LE(late_ratio(with_shedding, 0), late_ratio(plain, 0) / 2) << experiment.workload.name;
    EXPECT_LE(late_ratio(with_shedding, 0), 0.02) << experiment.workload.name;
  }
}

// The lesser unit wants 20% of the CPU. For four seconds it wants 40% more, and the important one 60%: what
// has not been done by then is work of a second, and the lesser unit is late until it has caught up.
TEST(SimPolicy, AUnitThatWasShedIsBackWithinFiveSecondsOfTheEndOfTheOverload) {
  Workload workload{.name = "passing overload",
                    .units = {{.name = "important", .budget_ns = 10 * ms, .importance = 1000},
                              {.name = "lesser", .budget_ns = 10 * ms, .importance = 100}},
                    .tasks = {}};
  const auto add = [&workload](std::uint32_t unit, std::uint64_t phase_ns, Behaviour behaviour) {
    std::visit(
        [phase_ns](auto& one) {
          if constexpr (requires { one.phase_ns; }) one.phase_ns = phase_ns;
        },
        behaviour);
    workload.tasks.push_back({.unit = unit, .behaviour = behaviour});
  };
  for (std::uint32_t thread = 0; thread < 4; ++thread) {
    const std::uint64_t phase_ns = thread * 5 * ms;
    add(0, phase_ns,
        Bursts{.exec_ns = 3 * ms, .period_ns = 20 * ms, .on_ns = 4 * second, .off_ns = 60 * second});
    add(1, phase_ns + 3300 * us,
        Bursts{.exec_ns = 2 * ms, .period_ns = 20 * ms, .on_ns = 4 * second, .off_ns = 60 * second});
    if (thread % 2 == 0) add(1, phase_ns + 1700 * us, Periodic{.exec_ns = 2 * ms, .period_ns = 20 * ms});
  }
  add_hogs(workload, 2);
  const Record short_run = run_policy({.machine = {}, .workload = workload, .span_ns = 9 * second}, {});
  const Record long_run = run_policy({.machine = {}, .workload = workload, .span_ns = 20 * second}, {});
  EXPECT_GT(short_run.units[1].late, 100u) << "it was shed";
  EXPECT_EQ(long_run.units[1].late, short_run.units[1].late);
}

}  // namespace
}  // namespace slo::sim
