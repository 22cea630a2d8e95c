// SPDX-License-Identifier: GPL-2.0-only
// Root's sessions have an answer soon, whatever else runs, and take no more than their reserve. Who wakes
// without a budget is served beside units that leave next to nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <vector>

#include "bpf/policy/policy.h"
#include "samples.h"
#include "sets.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::in_ms;
using samples::ms;
using samples::second;
using samples::us;

constexpr std::uint64_t answer_ns = 500 * ms;
constexpr std::uint32_t user = 1000;

// Once a second a command of root's, and what PID 1 and others with an implicit budget do for it: as much as
// `systemctl status` takes.
std::uint32_t add_operator(Workload& workload) {
  const auto unit = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back({.name = "session", .is_operator = true});
  workload.units.push_back({.name = "manager", .budget_ns = SLO_IMPLICIT_BUDGET_NS});
  workload.tasks.push_back(
      {.unit = unit, .behaviour = Periodic{.exec_ns = 23 * ms, .period_ns = second, .phase_ns = 500 * ms}});
  for (std::uint64_t i = 0; i < 10; ++i)
    workload.tasks.push_back(
        {.unit = unit + 1,
         .behaviour = Periodic{.exec_ns = 2 * ms, .period_ns = second, .phase_ns = 505 * ms + i * 35 * ms}});
  return unit;
}

// Takes all it can get, in jobs so short that none of them is late.
Workload greedy() {
  Workload workload{.name = "greedy", .units = {{.name = "greedy", .budget_ns = 50 * ms}}, .tasks = {}};
  for (int i = 0; i < 4; ++i)
    workload.tasks.push_back({.unit = 0, .behaviour = BackToBack{.exec_ns = 100 * us, .pause_ns = 10 * us}});
  add_hogs(workload, 2);
  return workload;
}

std::uint64_t misses(const Record& record) {
  std::uint64_t all = 0;
  for (const UnitRecord& unit : record.units) all += unit.misses;
  return all;
}

std::uint64_t longest_ns(const UnitRecord& unit) {
  return std::ranges::max(unit.responses_ns);
}

TEST(Operator, HasAnAnswerBesideThreeUnitsThatMissNothing) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Workload workload = three_units(1, seed, 4);
    const std::uint32_t session = add_operator(workload);
    const Record record = run_policy({.workload = workload, .span_ns = 9 * second}, {});
    EXPECT_EQ(misses(record), 0u) << seed;
    ASSERT_GE(record.units[session].responses_ns.size(), 8u);
    EXPECT_LE(longest_ns(record.units[session]), answer_ns) << seed;
  }
}

TEST(Operator, HasAnAnswerBesideAUnitThatTakesAllItCanGet) {
  Workload workload = greedy();
  const std::uint32_t session = add_operator(workload);
  const Record record = run_policy({.workload = workload, .span_ns = 9 * second}, {});
  EXPECT_EQ(misses(record), 0u);
  ASSERT_GE(record.units[session].responses_ns.size(), 8u);
  EXPECT_LE(longest_ns(record.units[session]), answer_ns);
  // Without the reserve nothing of this holds.
  Policy none;
  none.operator_permille = 0;
  const Record without = run_policy({.workload = workload, .span_ns = 9 * second}, none);
  EXPECT_LT(without.units[session].responses_ns.size(), 8u);
}

TEST(Operator, HasAnAnswerBesideACrowdOfAUser) {
  Workload workload = greedy();
  workload.units.push_back({.name = "crowd"});
  const auto crowd = static_cast<std::uint32_t>(workload.units.size() - 1);
  for (int i = 0; i < 1000; ++i) workload.tasks.push_back({.unit = crowd, .user = user, .behaviour = Hog{}});
  const std::uint32_t session = add_operator(workload);
  const Record record = run_policy({.workload = workload, .span_ns = 9 * second}, {});
  EXPECT_EQ(misses(record), 0u);
  ASSERT_GE(record.units[session].responses_ns.size(), 8u);
  EXPECT_LE(longest_ns(record.units[session]), answer_ns);
}

// What a task that never sleeps has in a session of root's beside a hog, in thousandths of the CPU.
double share_of_spinner(std::uint32_t uid, std::uint32_t cpus) {
  Workload workload{
      .name = "spinner", .units = {{.name = "session", .is_operator = true}, {.name = "batch"}}, .tasks = {}};
  for (std::uint32_t i = 0; i < cpus; ++i) {
    workload.tasks.push_back({.unit = 0, .user = uid, .behaviour = Hog{}});
    workload.tasks.push_back({.unit = 1, .behaviour = Hog{}});
  }
  const Record record =
      run_policy({.machine = {.cpus = cpus}, .workload = workload, .span_ns = 30 * second}, {});
  double exec_ns = 0;
  for (std::uint32_t i = 0; i < cpus; ++i) exec_ns += static_cast<double>(record.task_exec_ns[2 * i]);
  return 1000 * exec_ns / static_cast<double>(30 * second);
}

TEST(Operator, TakesNoMoreThanTheReserve) {
  for (const std::uint32_t cpus : {1, 2, 4}) {
    const double fair = 500 * cpus;
    const double share = share_of_spinner(0, cpus);
    std::cout << cpus << " CPUs: " << share << "\n";
    EXPECT_GT(share, fair + 15);
    // Half of what it takes would be its own anyway; and there is what was saved up before.
    EXPECT_LT(share, fair + 50 + 10);
    EXPECT_NEAR(share_of_spinner(user, cpus), fair, 10) << "nobody else's task gets into it";
  }
}

TEST(Operator, WhoIsNotRootAnyMoreIsOut) {
  Workload workload{
      .name = "su", .units = {{.name = "session", .is_operator = true}, {.name = "batch"}}, .tasks = {}};
  workload.tasks.push_back({.unit = 0, .behaviour = Hog{}});
  for (int i = 0; i < 9; ++i) workload.tasks.push_back({.unit = 1, .behaviour = Hog{}});
  System system({.workload = workload}, {});
  Kernel& kernel = system.kernel();
  std::uint64_t before_ns = 0;
  kernel.plan(second, [&] {
    before_ns = kernel.tasks()[0].exec_ns;
    kernel.set_user(kernel.tasks()[0], user);
  });
  system.daemon().attach();
  const Record record = system.run(11 * second);
  EXPECT_GT(before_ns, 180 * ms) << "its share, the reserve and what was saved up";
  EXPECT_NEAR(static_cast<double>(record.task_exec_ns[0] - before_ns), 1e9, 0.06e9);
}

// A service that works for 0.3 ms every 20 ms, at drifting phases.
std::uint64_t p99_of_waker_ns(Workload workload) {
  const auto unit = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back({.name = "waker"});
  workload.tasks.push_back(
      {.unit = unit,
       .behaviour = Periodic{.exec_ns = 300 * us, .period_ns = 20'100 * us, .phase_ns = 700 * us}});
  const Record record = run_policy({.workload = workload, .span_ns = 9 * second}, {});
  EXPECT_EQ(misses(record), 0u);
  const std::uint64_t p99_ns = quantile_ns(record.units[unit].responses_ns, 0.99);
  std::cout << workload.name << ": p99 " << in_ms(p99_ns) << " ms\n";
  return p99_ns;
}

TEST(LightWaker, IsServedBesideAUnitThatTakesAllItCanGet) {
  EXPECT_LE(p99_of_waker_ns(greedy()), 25 * ms);
}

TEST(LightWaker, IsServedBesideThreeUnits) {
  for (std::uint64_t seed = 1; seed < 8; ++seed) EXPECT_LE(p99_of_waker_ns(three_units(1, seed, 4)), 50 * ms);
}

}  // namespace
}  // namespace slo::sim
