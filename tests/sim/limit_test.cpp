// SPDX-License-Identifier: GPL-2.0-only
// CPUQuota= is kept: how much a limited group runs, and when.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "judges/limit_judge.h"
#include "judges/parking_judge.h"
#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;

constexpr std::uint32_t heavy = 10'000;  // CPUWeight=
// The first period is a part of one.
constexpr std::uint64_t warm_up_ns = 2 * second;

Limit percent(std::uint64_t percent, std::uint64_t period_ns = 100 * ms) {
  return {.quota_ns = period_ns / 100 * percent, .period_ns = period_ns};
}

// Adds a unit with so many tasks that never sleep; its index.
std::uint32_t add_unit(Workload& workload, const Unit& unit, std::uint32_t hogs) {
  const auto index = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back(unit);
  for (std::uint32_t i = 0; i < hogs; ++i) workload.tasks.push_back({.unit = index, .behaviour = Hog{}});
  return index;
}

// A machine with all judges of limits on it; none of them may have anything to say at the end.
class Limited {
 public:
  Limited(std::uint32_t cpus, const Workload& workload)
      : system_({.machine = {.cpus = cpus}, .workload = workload}, {}),
        limits_(system_.kernel(), system_.ext()),
        parking_(system_.kernel(), system_.ext()) {
    system_.daemon().attach();
  }
  ~Limited() {
    EXPECT_EQ(system_.ext().exit().message, "");
    for (const Judge* judge :
         std::initializer_list<const Judge*>{&limits_, &parking_, &system_.queue_judge()})
      for (const Complaint& complaint : judge->complaints())
        ADD_FAILURE() << complaint.kind << ": " << complaint.what;
  }
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;

  [[nodiscard]] System& system() { return system_; }
  [[nodiscard]] Kernel& kernel() { return system_.kernel(); }
  void set(std::uint32_t unit, const Limit& limit) { kernel().set_limit(system_.group(unit), limit); }
  // CPU time of a unit so far.
  [[nodiscard]] std::uint64_t exec_ns(std::uint32_t unit) {
    for (Cpu& cpu : kernel().cpus())
      if (cpu.current != nullptr) kernel().count_exec(cpu);
    std::uint64_t sum_ns = 0;
    for (const Task& task : kernel().tasks())
      if (task.unit == unit) sum_ns += task.exec_ns;
    return sum_ns;
  }
  // What units run from there to then, in hundredths of a CPU.
  [[nodiscard]] std::vector<double> shares(std::uint64_t from_ns, std::uint64_t to_ns) {
    kernel().run(from_ns);
    std::vector<std::uint64_t> before_ns;
    for (std::uint32_t unit = 0; unit < system_.units(); ++unit) before_ns.push_back(exec_ns(unit));
    kernel().run(to_ns);
    std::vector<double> shares;
    for (std::uint32_t unit = 0; unit < system_.units(); ++unit)
      shares.push_back(100 * static_cast<double>(exec_ns(unit) - before_ns[unit]) /
                       static_cast<double>(to_ns - from_ns));
    return shares;
  }

 private:
  System system_;
  LimitJudge limits_;
  ParkingJudge parking_;
};

struct Place {
  std::uint32_t cpus;
  std::uint64_t period_ns;
  bool beside_hogs;
};

class Quota : public testing::TestWithParam<Place> {
 protected:
  // The share of a unit that wants every CPU.
  [[nodiscard]] static double share_of(std::uint64_t allowed) {
    const auto [cpus, period_ns, beside_hogs] = GetParam();
    Workload workload{.name = "limited", .units = {}, .tasks = {}};
    add_unit(workload, {.name = "limited", .cpu_weight = heavy, .limit = percent(allowed, period_ns)}, cpus);
    if (beside_hogs) add_unit(workload, {.name = "hogs", .cpu_weight = 100}, 2 * cpus);
    return Limited(cpus, workload).shares(warm_up_ns, warm_up_ns + 10 * second)[0];
  }
};

TEST_P(Quota, IsKept) {
  EXPECT_NEAR(share_of(20), 20, 1);
  if (GetParam().cpus > 1) {
    EXPECT_NEAR(share_of(150), 150, 3);
  }
}

constexpr std::array<std::uint64_t, 3> levels = {60, 40, 25};

// What runs in each of three slices and all below it, with tasks in those of these indices.
std::array<double, 3> shares_of_levels(const Place& place, const std::vector<std::uint32_t>& busy) {
  Workload workload{.name = "nested", .units = {}, .tasks = {}};
  for (std::uint32_t level = 0; level < levels.size(); ++level) {
    const bool is_busy = std::ranges::find(busy, level) != busy.end();
    add_unit(workload,
             {.name = std::to_string(levels[level]),
              .cpu_weight = heavy,
              .slice = level != 0 ? level - 1 : no_unit,
              .limit = percent(levels[level], place.period_ns)},
             is_busy ? place.cpus : 0);
  }
  if (place.beside_hogs) add_unit(workload, {.name = "hogs", .cpu_weight = 100}, 2 * place.cpus);
  const std::vector<double> own = Limited(place.cpus, workload).shares(warm_up_ns, warm_up_ns + 10 * second);
  return {own[0] + own[1] + own[2], own[1] + own[2], own[2]};
}

TEST_P(Quota, IsKeptOnThreeLevels) {
  for (std::uint32_t level = 0; level < levels.size(); ++level)
    EXPECT_NEAR(shares_of_levels(GetParam(), {level})[level], static_cast<double>(levels[level]), 2);
  // Who of them comes first has what the others then lack.
  const std::array<double, 3> together = shares_of_levels(GetParam(), {0, 1, 2});
  EXPECT_NEAR(together[0], 60, 2);
  EXPECT_LE(together[1], 40 + 2);
  EXPECT_LE(together[2], 25 + 2);
}

std::vector<Place> places() {
  std::vector<Place> all;
  for (const std::uint32_t cpus : {1, 2, 4})
    for (const std::uint64_t period_ns : {10 * ms, 100 * ms, second})
      for (const bool beside_hogs : {false, true}) all.push_back({cpus, period_ns, beside_hogs});
  return all;
}

INSTANTIATE_TEST_SUITE_P(, Quota, testing::ValuesIn(places()), [](const auto& place) {
  return std::to_string(place.param.cpus) + "Cpus" + std::to_string(place.param.period_ns / ms) + "Ms" +
         (place.param.beside_hogs ? "BesideHogs" : "Alone");
});

class Limits : public testing::TestWithParam<std::uint32_t> {};

// Idle for a second, then more to do than the limit allows for a second, twice.
std::vector<double> runs_after_idleness(std::uint64_t burst_ns) {
  Limit limit = percent(20);
  limit.burst_ns = burst_ns;
  Workload workload{.name = "burst", .units = {{.name = "limited", .limit = limit}}, .tasks = {}};
  workload.tasks.push_back(
      {.unit = 0, .behaviour = samples::script({{0, ms}, {second, 300 * ms}, {4 * second, 300 * ms}})});
  Limited limited(1, workload);
  return {limited.shares(second, 2 * second)[0], limited.shares(4 * second, 5 * second)[0]};
}

TEST(Burst, IsSpentOnceAndFilledAgain) {
  const std::vector<double> with = runs_after_idleness(15 * ms);
  const std::vector<double> without = runs_after_idleness(0);
  for (const std::size_t nth : {0U, 1U}) {
    EXPECT_NEAR(without[nth], 22, 0.3) << "ten periods, and what the one under way had not used";
    EXPECT_NEAR(with[nth], without[nth] + 1.5, 0.3);
  }
}

TEST_P(Limits, HoldTwoPeriodsAfterAChange) {
  Workload workload{.name = "changes", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "limited", .cpu_weight = 100}, GetParam());
  Limited limited(GetParam(), workload);
  EXPECT_NEAR(limited.shares(0, second)[0], 100 * GetParam(), 1);
  struct Change {
    Limit limit;
    double share;
  };
  const auto all = 100.0 * GetParam();
  const std::vector<Change> changes = {
      {percent(20), 20}, {percent(50), 50}, {percent(10, 10 * ms), 10}, {percent(80, second), 80},
      {percent(5), 5},   {{}, all},         {percent(30), 30}};
  std::uint64_t at_ns = second;
  std::uint64_t old_period_ns = 0;
  for (const auto& [limit, share] : changes) {
    limited.set(0, limit);
    const std::uint64_t from_ns = at_ns + 2 * std::max(old_period_ns, limit.period_ns);
    at_ns = from_ns + 5 * second;
    EXPECT_NEAR(limited.shares(from_ns, at_ns)[0], share, 1) << limit.quota_ns;
    old_period_ns = limit.period_ns;
  }
}

// Neither had the cpu controller before.
TEST_P(Limits, ReachWhatRunsAlreadyAndAllBelow) {
  Workload workload{.name = "late", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "slice"}, GetParam());
  add_unit(workload, {.name = "below", .slice = 0}, GetParam());
  Limited limited(GetParam(), workload);
  limited.kernel().run(second);
  limited.set(0, percent(20));
  const std::vector<double> shares = limited.shares(second + 200 * ms, 11 * second + 200 * ms);
  EXPECT_NEAR(shares[0] + shares[1], 20, 1);
}

// Each of them would run for a tick before it is seen.
TEST_P(Limits, ReachWhoWaitsForACpuAlready) {
  Workload workload{.name = "crowd", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "crowd", .cpu_weight = 100}, 200);
  add_unit(workload, {.name = "hogs", .cpu_weight = 100}, 2 * GetParam());
  Limited limited(GetParam(), workload);
  limited.kernel().run(second);
  limited.set(0, percent(2));
  EXPECT_NEAR(limited.shares(second + 200 * ms, 6 * second + 200 * ms)[0], 2, 0.5);
}

// For longer than anybody has to wait for a limit.
TEST_P(Limits, ReachWhoHasRunAloneForLong) {
  Workload workload{.name = "alone", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "limited"}, 1);
  Limited limited(GetParam(), workload);
  limited.kernel().run(15 * second);
  limited.set(0, percent(20));
  EXPECT_NEAR(limited.shares(15 * second + 200 * ms, 20 * second + 200 * ms)[0], 20, 1);
}

TEST_P(Limits, FollowATaskThatIsMoved) {
  Workload workload{.name = "moves", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "limited", .limit = percent(1)}, 1);
  add_unit(workload, {.name = "free", .cpu_weight = 100}, 0);
  Limited limited(GetParam(), workload);
  Task& task = limited.kernel().tasks()[0];
  for (int i = 0; i < 5; ++i) {
    const std::uint64_t at_ns = (2 * i + 1) * second;
    limited.kernel().run(at_ns);
    EXPECT_TRUE(is_parked(task));
    const std::uint64_t before_ns = limited.exec_ns(0);
    limited.kernel().move_to_group(task, limited.system().group(1));
    limited.kernel().run(at_ns + 500 * ms);
    EXPECT_GT(limited.exec_ns(0) - before_ns, 490 * ms);
    limited.kernel().move_to_group(task, limited.system().group(0));
  }
}

TEST_P(Limits, AreNotLostWithTheScheduler) {
  Workload workload{.name = "detached", .units = {}, .tasks = {}};
  add_unit(workload, {.name = "limited", .limit = percent(5)}, 50);
  Limited limited(GetParam(), workload);
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t at_ns = 4 * i * second;
    EXPECT_NEAR(limited.shares(at_ns + 200 * ms, at_ns + 2 * second)[0], 5, 1);
    limited.system().daemon().detach();
    EXPECT_NEAR(limited.shares(at_ns + 2 * second, at_ns + 3 * second)[0], 100 * GetParam(), 1)
        << "the kernel of the model keeps no limits";
    limited.system().daemon().attach();
    limited.kernel().run(at_ns + 4 * second);
  }
  limited.system().daemon().detach();
  for (const Task& task : limited.kernel().tasks()) EXPECT_EQ(task.ext.dsq, nullptr);
  limited.system().daemon().attach();
}

INSTANTIATE_TEST_SUITE_P(, Limits, testing::Values(1U, 2U, 4U), testing::PrintToStringParamName());

}  // namespace
}  // namespace slo::sim
