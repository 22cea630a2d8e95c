// SPDX-License-Identifier: GPL-2.0-only
// What was measured in the booted machine (7.3.4, 250 Hz), side by side with the model: of the kernel's own
// scheduler, which ours must not be worse than for those that have no budget, and what of ours is still
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>

#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::in_ms;
using samples::ms;
using samples::second;
using samples::us;

// A service of four hogs, and one that works for 0.3 ms every 20 ms; each in a group of its own, as services
// are.
Workload waker_beside_hogs(std::uint64_t phase_ns) {
  Workload workload{.name = "waker",
                    .units = {{.name = "hogs", .cpu_weight = 100}, {.name = "waker", .cpu_weight = 100}},
                    .tasks = {}};
  for (int i = 0; i < 4; ++i) workload.tasks.push_back({.unit = 0, .behaviour = Hog{}});
  workload.tasks.push_back(
      {.unit = 1, .behaviour = Periodic{.exec_ns = 300 * us, .period_ns = 20 * ms, .phase_ns = phase_ns}});
  return workload;
}

struct Latency {
  double wait_ms;
  double response_ms;
};

// The period is a multiple of the tick, so the phase decides what the waker finds: all of them together.
Latency p99_of_waker(Record (*run)(const Experiment& experiment)) {
  std::vector<std::uint64_t> waits_ns;
  std::vector<std::uint64_t> responses_ns;
  for (std::uint64_t phase_ns = 0; phase_ns < 4 * ms; phase_ns += 500 * us) {
    const Record record =
        run({.machine = {}, .workload = waker_beside_hogs(5 * ms + phase_ns), .span_ns = 30 * second});
    const UnitRecord& waker = record.units[1];
    waits_ns.insert(waits_ns.end(), waker.waits_ns.begin(), waker.waits_ns.end());
    responses_ns.insert(responses_ns.end(), waker.responses_ns.begin(), waker.responses_ns.end());
  }
  return {.wait_ms = in_ms(quantile_ns(waits_ns, 0.99)),
          .response_ms = in_ms(quantile_ns(responses_ns, 0.99))};
}

Record run_ours(const Experiment& experiment) {
  return run_policy(experiment, {});
}

TEST(Known, AWakerBesideHogsIsServedAsByTheKernel) {
  const Latency ours = p99_of_waker(run_ours);
  const Latency kernel = p99_of_waker(run_fair);
  std::cout << "waker beside 4 hogs, p99 of the response: " << ours.response_ms
            << " ms; under the kernel's scheduler: " << kernel.response_ms << " ms (measured 0.99)\n";
  EXPECT_LE(ours.response_ms, 1.5 * kernel.response_ms);
  EXPECT_NEAR(kernel.response_ms, 0.99, 0.1 * 0.99);
}

struct Share {
  const char* name;
  Unit one;
  Unit other;
  int nice_of_other;
  double kernel;  // percent of the CPU that the first one has, as measured under the kernel's scheduler
};

void PrintTo(const Share& share, std::ostream* out) {
  *out << share.name;
}

class KnownShare : public testing::TestWithParam<Share> {};

TEST_P(KnownShare, IsTheKernels) {
  const Share& share = GetParam();
  Workload workload{.name = share.name, .units = {share.one, share.other}, .tasks = {}};
  workload.tasks = {{.unit = 0, .behaviour = Hog{}},
                    {.unit = 1, .nice = share.nice_of_other, .behaviour = Hog{}}};
  const Experiment experiment{.machine = {}, .workload = workload, .span_ns = 30 * second};
  const auto percent = [](const Record& record) {
    return 100.0 * static_cast<double>(record.task_exec_ns[0]) /
           static_cast<double>(record.task_exec_ns[0] + record.task_exec_ns[1]);
  };
  const double ours = percent(run_ours(experiment));
  const double kernel = percent(run_fair(experiment));
  std::cout << share.name << ": " << ours << "%, under the kernel's scheduler " << kernel << "% (measured "
            << share.kernel << ")\n";
  EXPECT_NEAR(ours, share.kernel, 2);
  EXPECT_NEAR(kernel, share.kernel, 1);
}

INSTANTIATE_TEST_SUITE_P(, KnownShare,
                         testing::Values(Share{"Weight300Beside100",
                                               {.name = "a", .cpu_weight = 300},
                                               {.name = "b", .cpu_weight = 100},
                                               0,
                                               74.9},
                                         Share{"Weight1000Beside100",
                                               {.name = "a", .cpu_weight = 1000},
                                               {.name = "b", .cpu_weight = 100},
                                               0,
                                               90.8},
                                         Share{"Weight100BesideIdle",
                                               {.name = "a", .cpu_weight = 100},
                                               {.name = "b", .is_cpu_idle = true},
                                               0,
                                               99.7},
                                         Share{"Nice0Beside10", {.name = "a"}, {.name = "b"}, 10, 90.2}),
                         [](const auto& share) { return std::string(share.param.name); });

// How late jobs of a Sleeper begin, by its own clock.
class Lateness final : public Observer {
 public:
  explicit Lateness(TaskId task) : task_(task) {}
  void wakes(const Task& task, std::uint64_t /*now_ns*/) override { begins_ |= task.id == task_; }
  void runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t now_ns) override {
    if (task.id != task_ || !begins_) return;
    begins_ = false;
    const std::uint64_t due_ns = std::get<Sleeper>(task.behaviour).due_ns;
    late_ns_.push_back(now_ns > due_ns ? now_ns - due_ns : 0);
  }
  [[nodiscard]] double median_ms() const { return in_ms(quantile_ns(late_ns_, 0.5)); }

 private:
  TaskId task_;
  bool begins_ = false;
  std::vector<std::uint64_t> late_ns_;
};

// Two units ask for 130% of a CPU that they are pinned to, the other CPU is idle: nobody is shed, as the
// machine as a whole is not busy. Measured: the important one misses 859 of 884 jobs in 22 s, in the median
// 206 ms late; by the count of instructions 887 of 887, 245 ms.
TEST(Known, OverloadOfOneCpuShedsNobody) {
  Workload workload{.name = "pinned overload",
                    .units = {{.name = "gold", .budget_ns = 8 * ms, .importance = 1000, .cpu_weight = 100},
                              {.name = "lead", .budget_ns = 8 * ms, .importance = 10, .cpu_weight = 100}},
                    .tasks = {}};
  workload.tasks = {{.unit = 0, .cpus = {1}, .behaviour = Sleeper{.exec_ns = 12 * ms, .period_ns = 20 * ms}},
                    {.unit = 1, .cpus = {1}, .behaviour = Sleeper{.exec_ns = 14 * ms, .period_ns = 20 * ms}}};
  System system({.machine = {.cpus = 2}, .workload = workload}, {});
  Lateness lateness(0);
  system.kernel().watch(lateness);
  system.daemon().attach();
  const Record record = system.run(22 * second);
  const UnitRecord& gold = record.units[0];
  std::cout << "important unit: " << gold.misses << " of " << gold.jobs
            << " jobs missed (measured 859 of 884), " << lateness.median_ms()
            << " ms late in the median (206)\n";
  EXPECT_NEAR(static_cast<double>(gold.jobs), 884, 0.2 * 884);
  EXPECT_NEAR(static_cast<double>(gold.misses), 859, 0.2 * 859);
  EXPECT_NEAR(lateness.median_ms(), 206, 0.2 * 206);
  EXPECT_FALSE(system.daemon().is_shed(1));
}

// A short sleeper beside four hogs on two CPUs; measured under the kernel's scheduler: 0.7 ms late on
// average.
TEST(Known, AShortSleeperBesideHogsIsInTime) {
  Workload workload = waker_beside_hogs(5 * ms);
  workload.tasks.back().behaviour = Periodic{.exec_ns = 30 * us, .period_ns = 10 * ms, .phase_ns = 5 * ms};
  const Record record =
      run_policy({.machine = {.cpus = 2}, .workload = workload, .span_ns = 30 * second}, {});
  std::uint64_t sum_ns = 0;
  for (const std::uint64_t wait_ns : record.units[1].waits_ns) sum_ns += wait_ns;
  const double mean_ms = in_ms(sum_ns) / static_cast<double>(record.units[1].jobs);
  std::cout << "short sleeper: " << mean_ms << " ms late on average\n";
  EXPECT_LE(mean_ms, 0.7);
}

// Many urgent tasks that may run on two CPUs of four hide one that may run on the others.
double quiet_misses(bool with_crowd) {
  const std::uint64_t hour = 3600 * second;
  Workload workload{.name = "four CPUs",
                    .units = {{.name = "crowd", .budget_ns = 5 * ms, .max_exec_ns = hour},
                              {.name = "quiet", .budget_ns = 20 * ms},
                              {.name = "work-1", .budget_ns = second, .max_exec_ns = hour},
                              {.name = "work-2", .budget_ns = second, .max_exec_ns = hour}},
                    .tasks = {}};
  if (with_crowd)
    for (int i = 0; i < 24; ++i)
      workload.tasks.push_back(
          {.unit = 0, .cpus = {0, 1}, .behaviour = BackToBack{.exec_ns = 3 * ms, .pause_ns = 2 * ms}});
  workload.tasks.push_back(
      {.unit = 1, .cpus = {2, 3}, .behaviour = Sleeper{.exec_ns = 2 * ms, .period_ns = 50 * ms}});
  for (const std::uint32_t unit : {2U, 3U})
    workload.tasks.push_back(
        {.unit = unit, .cpus = {2, 3}, .behaviour = Sleeper{.exec_ns = 150 * ms, .period_ns = 200 * ms}});
  Policy policy;
  policy.has_shedding = false;
  const Record record =
      run_policy({.machine = {.cpus = 4}, .workload = workload, .span_ns = 20 * second}, policy);
  return static_cast<double>(record.units[1].misses) / static_cast<double>(record.units[1].jobs);
}

TEST(Known, ACrowdWithAnotherAffinityHidesWhatIsBehindIt) {
  const double alone = quiet_misses(false);
  const double beside = quiet_misses(true);
  std::cout << "quiet unit: " << 100 * alone << "% missed alone, " << 100 * beside << "% beside the crowd\n";
  EXPECT_LE(alone, 0.02);
  EXPECT_GE(beside, 0.2);
}

}  // namespace
}  // namespace slo::sim
