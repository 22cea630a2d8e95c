// SPDX-License-Identifier: GPL-2.0-only
// Who has no budget is served as the kernel's own scheduler would: shares against ideal weighted sharing,
// wakeups against the model of EEVDF.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "judges/ideal_shares.h"
#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::in_ms;
using samples::ms;
using samples::second;
using samples::us;

class OnCpus : public testing::TestWithParam<std::uint32_t> {
 protected:
  [[nodiscard]] static Machine machine() { return {.cpus = GetParam()}; }
};

// Services that work for a little every 20 ms, each in a group of its own, beside one of hogs.
Workload wakers_beside(std::uint32_t hogs, const std::vector<std::uint32_t>& weights, std::uint64_t exec_ns,
                       std::uint64_t phase_ns) {
  Workload workload{.name = "wakers", .units = {{.name = "hogs", .cpu_weight = 100}}, .tasks = {}};
  for (std::uint32_t i = 0; i < hogs; ++i) workload.tasks.push_back({.unit = 0, .behaviour = Hog{}});
  for (const std::uint32_t weight : weights) {
    const auto unit = static_cast<std::uint32_t>(workload.units.size());
    workload.units.push_back({.name = "waker" + std::to_string(unit), .cpu_weight = weight});
    workload.tasks.push_back(
        {.unit = unit,
         .behaviour =
             Periodic{.exec_ns = exec_ns, .period_ns = 20 * ms, .phase_ns = phase_ns + unit * 1700 * us}});
  }
  return workload;
}

// The p99 of the response of each waker. The period is a multiple of the tick, so the phase decides what it
// finds: all of them together.
std::vector<std::uint64_t> p99s_ns(Record (*run)(const Experiment& experiment), const Machine& machine,
                                   std::uint32_t hogs, const std::vector<std::uint32_t>& weights,
                                   std::uint64_t exec_ns) {
  std::vector<std::vector<std::uint64_t>> responses_ns(weights.size());
  for (std::uint64_t phase_ns = 0; phase_ns < 4 * ms; phase_ns += 500 * us) {
    const Record record = run({.machine = machine,
                               .workload = wakers_beside(hogs, weights, exec_ns, 5 * ms + phase_ns),
                               .span_ns = 10 * second});
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const auto& own = record.units[i + 1].responses_ns;
      responses_ns[i].insert(responses_ns[i].end(), own.begin() + 50, own.end());
    }
  }
  std::vector<std::uint64_t> p99s;
  p99s.reserve(responses_ns.size());
  for (const auto& own : responses_ns) p99s.push_back(quantile_ns(own, 0.99));
  return p99s;
}

Record run_ours(const Experiment& experiment) {
  return run_policy(experiment, {});
}

class Waker : public OnCpus {};

TEST_P(Waker, IsServedAsByTheKernel) {
  for (const std::uint32_t hogs : {1, 4, 16}) {
    const std::uint64_t ours_ns = p99s_ns(run_ours, machine(), hogs * GetParam(), {100}, 300 * us).front();
    const std::uint64_t kernel_ns = p99s_ns(run_fair, machine(), hogs * GetParam(), {100}, 300 * us).front();
    std::cout << GetParam() << " CPUs, " << hogs << " hogs each: " << in_ms(ours_ns) << " ms, EEVDF "
              << in_ms(kernel_ns) << " ms\n";
    EXPECT_LE(ours_ns, kernel_ns + kernel_ns / 2) << hogs << " hogs";
  }
}

INSTANTIATE_TEST_SUITE_P(, Waker, testing::Values(1, 2, 4, 16));

class Wakers : public OnCpus {};

TEST_P(Wakers, OfAnyWeightAreServedAsByTheKernel) {
  const std::vector<std::uint32_t> weights = {10, 20, 50, 80, 100, 100, 150, 300, 1000, 3000};
  const auto ours_ns = p99s_ns(run_ours, machine(), 4 * GetParam(), weights, 300 * us);
  const auto kernel_ns = p99s_ns(run_fair, machine(), 4 * GetParam(), weights, 300 * us);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    std::cout << GetParam() << " CPUs, weight " << weights[i] << ": " << in_ms(ours_ns[i]) << " ms, EEVDF "
              << in_ms(kernel_ns[i]) << " ms\n";
    EXPECT_LE(ours_ns[i], 2 * kernel_ns[i]) << "weight " << weights[i];
  }
}

INSTANTIATE_TEST_SUITE_P(, Wakers, testing::Values(1, 2, 4));

struct Crowd {
  const char* name;
  std::vector<Unit> units;
  std::vector<TaskSpec> tasks;
};

void PrintTo(const Crowd& crowd, std::ostream* out) {
  *out << crowd.name;
}

std::vector<TaskSpec> hogs_of(const std::vector<std::uint32_t>& counts) {
  std::vector<TaskSpec> tasks;
  for (std::uint32_t unit = 0; unit < counts.size(); ++unit)
    for (std::uint32_t i = 0; i < counts[unit]; ++i) tasks.push_back({.unit = unit, .behaviour = Hog{}});
  return tasks;
}

const Crowd crowds[] = {
    {"W300to100", {{.name = "a", .cpu_weight = 300}, {.name = "b", .cpu_weight = 100}}, hogs_of({1, 1})},
    {"W1000to100", {{.name = "a", .cpu_weight = 1000}, {.name = "b", .cpu_weight = 100}}, hogs_of({1, 1})},
    {"W100toIdle", {{.name = "a", .cpu_weight = 100}, {.name = "b", .is_cpu_idle = true}}, hogs_of({1, 1})},
    {"ManyToOne", {{.name = "a", .cpu_weight = 100}, {.name = "b", .cpu_weight = 100}}, hogs_of({16, 1})},
    {"ManyLightToFew",
     {{.name = "a", .cpu_weight = 100}, {.name = "b", .cpu_weight = 300}},
     hogs_of({40, 3})},
    {"ManyIdle", {{.name = "a", .cpu_weight = 100}, {.name = "b", .is_cpu_idle = true}}, hogs_of({2, 64})},
    {"ThreeLevels",
     {{.name = "a", .cpu_weight = 200},
      {.name = "b", .cpu_weight = 100},
      {.name = "aa", .cpu_weight = 100, .slice = 0},
      {.name = "ab", .cpu_weight = 300, .slice = 0},
      {.name = "aba", .cpu_weight = 100, .slice = 3},
      {.name = "abb", .cpu_weight = 200, .slice = 3}},
     hogs_of({0, 2, 3, 0, 2, 1})},
};

class Shares : public testing::TestWithParam<std::tuple<Crowd, std::uint32_t>> {};

// The groups' parts of all CPU time, in percent.
std::vector<double> parts(const Workload& workload, const std::vector<double>& task_times) {
  std::vector<double> parts(workload.units.size());
  double all = 0;
  for (std::size_t i = 0; i < workload.tasks.size(); ++i) all += task_times[i];
  for (std::size_t i = 0; i < workload.tasks.size(); ++i)
    parts[workload.tasks[i].unit] += 100 * task_times[i] / all;
  return parts;
}

// What each task executed once it was known who is there: a run is the begin of a longer one.
std::vector<double> times_after_begin(Record (*run)(const Experiment& experiment), const Workload& workload,
                                      std::uint32_t cpus) {
  Experiment experiment{.machine = {.cpus = cpus}, .workload = workload, .span_ns = 5 * second};
  const auto begin_ns = run(experiment).task_exec_ns;
  experiment.span_ns = 45 * second;
  const auto all_ns = run(experiment).task_exec_ns;
  std::vector<double> times;
  for (std::size_t i = 0; i < all_ns.size(); ++i)
    times.push_back(static_cast<double>(all_ns[i] - begin_ns[i]));
  return times;
}

TEST_P(Shares, AreIdeal) {
  const auto& [crowd, cpus] = GetParam();
  Workload workload{.name = crowd.name, .units = crowd.units, .tasks = {}};
  for (std::uint32_t i = 0; i < cpus; ++i)
    workload.tasks.insert(workload.tasks.end(), crowd.tasks.begin(), crowd.tasks.end());
  const auto ours = parts(workload, times_after_begin(run_ours, workload, cpus));
  const auto kernel = parts(workload, times_after_begin(run_fair, workload, cpus));
  const auto ideal = parts(workload, ideal_shares(workload, cpus));
  for (std::size_t unit = 0; unit < ours.size(); ++unit) {
    std::cout << crowd.name << ' ' << cpus << " CPUs, " << workload.units[unit].name << ": " << ours[unit]
              << "%, EEVDF " << kernel[unit] << ", ideal " << ideal[unit] << '\n';
    EXPECT_NEAR(ours[unit], ideal[unit], 1) << workload.units[unit].name;
  }
}

INSTANTIATE_TEST_SUITE_P(, Shares, testing::Combine(testing::ValuesIn(crowds), testing::Values(1, 2, 4, 16)),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) + "On" +
                                  std::to_string(std::get<1>(one.param));
                         });

// Tasks with budgets come between all the time: who loses its CPU to one pays for all it ran.
TEST(SharesBesideBudgets, AreIdeal) {
  Workload workload{.name = "beside budgets",
                    .units = {{.name = "a", .cpu_weight = 300},
                              {.name = "b", .cpu_weight = 100},
                              {.name = "urgent", .budget_ns = 2 * ms}},
                    .tasks = hogs_of({1, 1})};
  workload.tasks.push_back({.unit = 2, .behaviour = Periodic{.exec_ns = 100 * us, .period_ns = 17 * ms}});
  const auto times = times_after_begin(run_ours, workload, 1);
  const double share = 100 * times[0] / (times[0] + times[1]);
  std::cout << "300 beside 100 beside a unit with a budget: " << share << "%\n";
  EXPECT_NEAR(share, 75, 1);
}

}  // namespace
}  // namespace slo::sim
