// SPDX-License-Identifier: GPL-2.0-only
// What waits for a limit is in nobody's way, and what others need does not wait for one.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "bpf/policy/limit.h"
#include "bpf/policy/policy.h"
#include "judges/limit_judge.h"
#include "judges/parking_judge.h"
#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::in_ms;
using samples::ms;
using samples::second;
using samples::us;

constexpr std::uint64_t period_ns = 100 * ms;

Limit percent(std::uint64_t percent) {
  return {.quota_ns = period_ns / 100 * percent, .period_ns = period_ns};
}

std::uint32_t add_unit(Workload& workload, const Unit& unit, std::uint32_t hogs) {
  const auto index = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back(unit);
  for (std::uint32_t i = 0; i < hogs; ++i) workload.tasks.push_back({.unit = index, .behaviour = Hog{}});
  return index;
}

double percent_of(const Record& record, std::uint32_t unit) {
  return 100 * static_cast<double>(record.units[unit].exec_ns) / static_cast<double>(record.span_ns);
}

TEST(Parked, TasksLeaveTheirShareToOthersByWeight) {
  Workload workload{.name = "weights", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "limited", .cpu_weight = 100, .limit = percent(10)}, 2);
  add_unit(workload, {.name = "limited too", .cpu_weight = 100, .limit = percent(10)}, 2);
  add_unit(workload, {.name = "light", .cpu_weight = 100}, 2);
  add_unit(workload, {.name = "heavy", .cpu_weight = 300}, 2);
  const Record record = run_policy({.workload = workload, .span_ns = 30 * second}, {});
  EXPECT_NEAR(percent_of(record, 0), 10, 1);
  EXPECT_NEAR(percent_of(record, 1), 10, 1);
  EXPECT_NEAR(percent_of(record, 2), 20, 2);
  EXPECT_NEAR(percent_of(record, 3), 60, 2);
}

// What is below one slice has half of the CPU, whatever it is divided into.
TEST(Parked, TasksWeighNothing) {
  Workload workload{.name = "slices", .units = {}, .tasks = {}};
  const std::uint32_t slice = add_unit(workload, {.name = "slice", .cpu_weight = 100}, 0);
  add_unit(workload, {.name = "limited", .cpu_weight = 100, .slice = slice, .limit = percent(5)}, 4);
  add_unit(workload, {.name = "free", .cpu_weight = 100, .slice = slice}, 1);
  add_unit(workload, {.name = "other", .cpu_weight = 100}, 1);
  const Record record = run_policy({.workload = workload, .span_ns = 30 * second}, {});
  EXPECT_NEAR(percent_of(record, 1), 5, 1);
  EXPECT_NEAR(percent_of(record, 2), 45, 2);
  EXPECT_NEAR(percent_of(record, 3), 50, 2);
}

// Those of a task are looked at every 100 ms, and not each time that the one above is filled.
TEST(Parked, TaskComesOutAsSoonAsALimitAboveIsFilled) {
  Workload workload{.name = "levels", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "slice", .limit = {.quota_ns = 4 * ms, .period_ns = 40 * ms}}, 0);
  add_unit(workload, {.name = "below", .slice = 0, .limit = {.quota_ns = 900 * ms, .period_ns = second}}, 1);
  System system({.workload = workload}, {});
  Kernel& kernel = system.kernel();
  const Task& task = kernel.tasks()[0];
  system.daemon().attach();
  kernel.run(second);
  std::uint64_t in_vain_ns = 0;
  for (int i = 0; i < 100'000; ++i) {
    kernel.run(kernel.now_ns() + 10 * us);
    if (is_parked(task) && sim_limit_left_ns(task.storage.get(), kernel.now_ns() + boot_ns) > 0)
      in_vain_ns += 10 * us;
  }
  EXPECT_LE(in_vain_ns, 25 * 10 * us) << "one step in each of 25 periods";
}

TEST(Limited, UnitWithABudgetMissesNothingWithinItsLimit) {
  for (std::uint64_t phase_ns = 0; phase_ns < period_ns; phase_ns += 9 * ms) {
    Workload workload{.name = "budget",
                      .units = {{.name = "service", .budget_ns = 10 * ms, .limit = percent(20)}},
                      .tasks = {}};
    workload.tasks.push_back(
        {.unit = 0, .behaviour = Periodic{.exec_ns = 15 * ms, .period_ns = period_ns, .phase_ns = phase_ns}});
    add_hogs(workload, 4);
    const Record record = run_policy({.workload = workload, .span_ns = 10 * second}, {});
    EXPECT_GE(record.units[0].jobs, 98u);
    EXPECT_EQ(record.units[0].misses, 0u) << phase_ns / ms;
  }
}

TEST(Limited, UnitThatMissesByItIsNotShed) {
  Workload workload{.name = "throttled",
                    .units = {{.name = "limited", .budget_ns = 30 * ms, .limit = percent(20)},
                              {.name = "honest", .budget_ns = 20 * ms}},
                    .tasks = {}};
  workload.tasks.push_back({.unit = 0, .behaviour = Sleeper{.exec_ns = 12 * ms, .period_ns = 20 * ms}});
  workload.tasks.push_back({.unit = 1, .behaviour = Periodic{.exec_ns = 5 * ms, .period_ns = 50 * ms}});
  add_hogs(workload, 2);
  System system({.workload = workload}, {});
  system.daemon().attach();
  for (int i = 1; i <= 30; ++i) {
    system.kernel().run(i * second);
    EXPECT_FALSE(system.daemon().is_shed(0)) << i;
    EXPECT_FALSE(system.daemon().is_shed(1)) << i;
  }
  const slo_stats limited = system.daemon().stats(0);
  EXPECT_GT(limited.misses, 50u);
  EXPECT_EQ(limited.misses_by_cause[SLO_CAUSE_THROTTLED], limited.misses);
  EXPECT_EQ(system.daemon().stats(1).misses, 0u);
}

// The longest that a task waited for a CPU without a run.
class Waits final : public Observer {
 public:
  explicit Waits(Kernel& kernel) { kernel.watch(*this); }
  void wakes(const Task& task, std::uint64_t now_ns) override { from(task) = now_ns; }
  void stops(const Task& task, bool is_runnable, std::uint64_t now_ns) override {
    from(task) = is_runnable ? now_ns : 0;
  }
  void runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t now_ns) override {
    longest_ns_ = std::max(longest_ns_, now_ns - from(task));
  }
  [[nodiscard]] std::uint64_t longest_ns() const { return longest_ns_; }

 private:
  std::uint64_t& from(const Task& task) {
    if (from_ns_.size() <= task.id) from_ns_.resize(task.id + 1);
    return from_ns_[task.id];
  }
  std::vector<std::uint64_t> from_ns_;
  std::uint64_t longest_ns_ = 0;
};

constexpr std::uint32_t crowd_size = 200;

Workload crowd(std::uint32_t hogs) {
  Workload workload{.name = "crowd", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "crowd", .limit = percent(1)}, crowd_size);
  add_hogs(workload, hogs);
  return workload;
}

class Crowd : public testing::TestWithParam<std::uint32_t> {
 protected:
  [[nodiscard]] static Experiment experiment() {
    return {.machine = {.cpus = GetParam()}, .workload = crowd(2 * GetParam())};
  }
};

TEST_P(Crowd, HasATurnEveryTenSeconds) {
  System system(experiment(), {});
  LimitJudge limits(system.kernel(), system.ext());
  ParkingJudge parking(system.kernel(), system.ext());
  Waits waits(system.kernel());
  system.daemon().attach();
  const Record record = system.run(60 * second);
  EXPECT_EQ(system.ext().exit().message, "");
  for (const Judge* judge : std::initializer_list<const Judge*>{&limits, &parking, &system.queue_judge()})
    for (const Complaint& complaint : judge->complaints())
      ADD_FAILURE() << complaint.kind << ": " << complaint.what;
  std::cout << GetParam() << " CPUs: waits up to " << in_ms(waits.longest_ns()) << " ms\n";
  EXPECT_LE(waits.longest_ns(), 10 * second + crowd_size * 2 * ms) << "all of them at once, beside two hogs";
  EXPECT_LE(percent_of(record, 0), 1 + 0.5) << "a MinRun= of each beside, every ten seconds";
}

TEST_P(Crowd, IsKilledAndFrozenAtOnce) {
  System system(experiment(), {});
  Kernel& kernel = system.kernel();
  system.daemon().attach();
  for (std::uint32_t i = 0; i < crowd_size; ++i) {
    Task& task = kernel.tasks()[i];
    kernel.run(2 * second + i * 113 * ms);
    if (i % 2 == 0)
      kernel.kill(task);
    else
      kernel.freeze(task);
    kernel.run(kernel.now_ns() + 10 * ms);
    EXPECT_FALSE(is_parked(task)) << i;
    kernel.run(kernel.now_ns() + 90 * ms);
    EXPECT_EQ(task.state, i % 2 == 0 ? TaskState::dead : TaskState::asleep) << i;
  }
  for (std::uint32_t i = 1; i < crowd_size; i += 2) kernel.thaw(kernel.tasks()[i]);
  kernel.run(kernel.now_ns() + second);
  for (std::uint32_t i = 1; i < crowd_size; i += 2) EXPECT_EQ(kernel.tasks()[i].state, TaskState::runnable);
  EXPECT_EQ(system.ext().exit().message, "");
  EXPECT_TRUE(system.queue_judge().complaints().empty());
}

INSTANTIATE_TEST_SUITE_P(, Crowd, testing::Values(1U, 2U, 4U), testing::PrintToStringParamName());

TEST(Limited, TaskOnTheReadSideOfRcuRunsOnAndPaysLater) {
  Workload workload{.name = "reader", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "reader", .limit = percent(20)}, 1);
  add_hogs(workload, 1);
  System system({.workload = workload}, {});
  Kernel& kernel = system.kernel();
  Task& task = kernel.tasks()[0];
  system.daemon().attach();
  kernel.run(second);
  while (!task.is_current) kernel.run(kernel.now_ns() + 100 * us);
  kernel.lock_rcu(task);
  const std::uint64_t from_ns = kernel.now_ns();
  const std::uint64_t before_ns = task.exec_ns;
  kernel.run(from_ns + 200 * ms);
  while (!task.is_current) kernel.run(kernel.now_ns() + 100 * us);
  EXPECT_GT(task.exec_ns - before_ns, 70 * ms) << "about its half";
  kernel.unlock_rcu(task);
  const Record record = system.run(10 * second);
  EXPECT_NEAR(percent_of(record, 0), 20, 1);
  EXPECT_EQ(system.ext().exit().message, "");
}

// A hog inside the kernel from the instant on at which its limit is used up.
class InTheKernel : public testing::Test {
 protected:
  InTheKernel() {
    add_unit(workload_, {.name = "limited", .limit = percent(20)}, 1);
    add_hogs(workload_, 1);
    system_.emplace(Experiment{.workload = workload_}, Policy{});
    system_->daemon().attach();
    kernel().run(second);
    while (!task().is_current || sim_limit_left_ns(task().storage.get(), kernel().now_ns() + boot_ns) <= 0)
      pass(100 * us);
    kernel().fault(task(), true);
    while (sim_limit_left_ns(task().storage.get(), kernel().now_ns() + boot_ns) > 0) pass(100 * us);
    before_ns_ = task().exec_ns;
  }
  [[nodiscard]] System& system() { return *system_; }
  [[nodiscard]] Kernel& kernel() { return system_->kernel(); }
  [[nodiscard]] Task& task() { return kernel().tasks()[0]; }
  // Since then.
  [[nodiscard]] double ran_ms() { return in_ms(task().exec_ns - before_ns_); }
  void pass(std::uint64_t span_ns) { kernel().run(kernel().now_ns() + span_ns); }

 private:
  Workload workload_{.name = "in the kernel", .units = {}, .tasks = {}};
  std::optional<System> system_;
  std::uint64_t before_ns_ = 0;
};

TEST_F(InTheKernel, TaskComesOutBeforeItWaits) {
  while (ran_ms() < 3) pass(100 * us);
  EXPECT_FALSE(is_parked(task()));
  while (!task().is_current) pass(100 * us);
  kernel().fault(task(), false);
  pass(ms);
  EXPECT_TRUE(is_parked(task()));
}

TEST_F(InTheKernel, TaskThatStaysWaitsThereAndPaysLater) {
  pass(120 * ms);
  EXPECT_TRUE(is_parked(task()));
  EXPECT_NEAR(ran_ms(), in_ms(SLO_LIMIT_KERNEL_NS), 0.3);
  EXPECT_NEAR(percent_of(system().run(10 * second), 0), 20, 1);
  EXPECT_EQ(system().ext().exit().message, "");
}

// Services that work for a little every 20 ms, beside hogs, with or without a crowd whose limits are tight.
std::vector<std::uint64_t> p99s_of_wakers(bool with_crowd) {
  Workload workload{.name = "wakers", .units = {}, .tasks = {}};
  for (std::uint64_t i = 0; i < 3; ++i) {
    const std::uint32_t unit = add_unit(workload, {.name = "waker", .cpu_weight = 100}, 0);
    workload.tasks.push_back(
        {.unit = unit,
         .behaviour =
             Periodic{.exec_ns = 300 * us, .period_ns = 20'100 * us + i * 37 * us, .phase_ns = i * 3 * ms}});
  }
  add_unit(workload, {.name = "hogs", .cpu_weight = 100}, 4);
  if (with_crowd) {
    add_unit(workload, {.name = "crowd", .limit = percent(1)}, 200);
    for (int i = 0; i < 3; ++i) add_unit(workload, {.name = "tight", .limit = percent(1)}, 2);
  }
  const Record record = run_policy({.workload = workload, .span_ns = 60 * second}, {});
  std::vector<std::uint64_t> p99s_ns;
  for (std::uint32_t unit = 0; unit < 3; ++unit)
    p99s_ns.push_back(quantile_ns(record.units[unit].responses_ns, 0.99));
  return p99s_ns;
}

TEST(Parked, TasksDoNotKeepOthersWaiting) {
  const std::vector<std::uint64_t> alone_ns = p99s_of_wakers(false);
  const std::vector<std::uint64_t> beside_ns = p99s_of_wakers(true);
  for (std::size_t i = 0; i < alone_ns.size(); ++i) {
    std::cout << "p99 " << in_ms(alone_ns[i]) << " ms, beside limited groups " << in_ms(beside_ns[i])
              << " ms\n";
    EXPECT_LE(beside_ns[i], alone_ns[i] + SLO_BEST_EFFORT_RUN_NS) << "the turn of one of them at most";
  }
}

}  // namespace
}  // namespace slo::sim
