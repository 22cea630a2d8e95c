// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/policy/policy.h"

namespace {

constexpr slo_u64 ms = SLO_NSEC_PER_MSEC;
constexpr slo_u64 normal = SLO_WEIGHT_NORMAL;

TEST(Group, AKernelsSharesAreTheWeightThatWasSet) {
  const auto scaled = [](slo_u64 shares) { return shares << 10U; };
  EXPECT_EQ(slo_group_weight(scaled(1024)), normal);
  EXPECT_EQ(slo_group_weight(scaled(3072)), 3 * normal);
  EXPECT_EQ(slo_group_weight(scaled(3)), 3 * normal / 1024) << "cpu.idle";
  EXPECT_EQ(slo_group_weight(0), 1);
  EXPECT_EQ(slo_group_weight(scaled(102400)), SLO_WEIGHT_MAX);
  EXPECT_EQ(slo_group_weight(UINT64_MAX >> 10U), SLO_WEIGHT_MAX);
}

TEST(Group, AveragesAreTakenOncePerPeriod) {
  EXPECT_FALSE(slo_group_is_due(1000, 1000));
  EXPECT_FALSE(slo_group_is_due(1000, 1000 + SLO_GROUP_PERIOD_NS - 1));
  EXPECT_TRUE(slo_group_is_due(1000, 1000 + SLO_GROUP_PERIOD_NS));
  EXPECT_FALSE(slo_group_is_due(1000, 900)) << "another CPU's clock was ahead";
}

TEST(Group, NobodyWasRunnableForLongerThanTimeWentBy) {
  EXPECT_EQ(slo_group_runnable_ns(3 * ms, 5 * ms), 3 * ms);
  EXPECT_EQ(slo_group_runnable_ns(7 * ms, 5 * ms), 5 * ms);
  EXPECT_EQ(slo_group_runnable_ns(UINT64_MAX, UINT64_MAX), SLO_GROUP_RUNNABLE_MAX_NS);
}

TEST(Group, AnAverageForgets) {
  const slo_u64 period = slo_u64{1} << 26U;  // 67 ms
  const slo_u64 memory = SLO_GROUP_MEMORY_NS;
  EXPECT_EQ(slo_group_average(0, slo_group_sum(300, period), period), 300) << "the first one is all there is";
  EXPECT_EQ(slo_group_average(300, slo_group_sum(100, memory), memory), 200);
  EXPECT_EQ(slo_group_average(300, 0, 100 * memory), 0);
  EXPECT_EQ(slo_group_average(300, 5, 0), 300) << "no time went by";
}

TEST(Group, ASumOfMuchWeightDoesNotOverflow) {
  EXPECT_EQ(slo_group_sum(SLO_WEIGHT_MAX, SLO_GROUP_RUNNABLE_MAX_NS) / SLO_WEIGHT_MAX,
            SLO_GROUP_RUNNABLE_MAX_NS >> 10U);
}

TEST(Group, AShareIsThePartOfTheWeight) {
  EXPECT_EQ(slo_group_share(SLO_SHARE_ALL, 100, 400), SLO_SHARE_ALL / 4);
  EXPECT_EQ(slo_group_share(SLO_SHARE_ALL, 100, 0), SLO_SHARE_ALL) << "nobody else is known";
  EXPECT_EQ(slo_group_share(SLO_SHARE_ALL, 100, 70), SLO_SHARE_ALL)
      << "it was not runnable all the time itself";
}

TEST(Group, WithoutGroupsATaskWeighsWhatItsNiceValueSays) {
  EXPECT_EQ(slo_weight_of_share(slo_group_share(SLO_SHARE_ALL, 100, 900), 900), 100 - 1) << "rounded down";
  EXPECT_EQ(slo_weight_of_share(slo_group_share(SLO_SHARE_ALL, 3, 100'000), 100'000), 3 - 1);
  EXPECT_EQ(slo_weight_of_share(SLO_SHARE_ALL, 100), 100);
}

TEST(Group, AWeightIsWithinItsBounds) {
  EXPECT_EQ(slo_weight_of_share(0, 100), 1);
  EXPECT_EQ(slo_weight_of_share(SLO_SHARE_ALL, UINT64_MAX), SLO_WEIGHT_MAX);
}

// The tree of the kernel's groups; the first one is the root.
struct Node {
  int parent;
  slo_u64 weight;
  slo_group group = {};
};

struct Task {
  int node;
  slo_u64 nice_weight = normal;
  slo_u64 runs_ns = 0;  // then it sleeps; 0: it never does
  slo_u64 sleeps_ns = 0;
  slo_u64 vtime_ns = 0;
  slo_u64 exec_ns = 0;
  slo_u64 told_ns = 0;
  slo_u64 asleep_ns = 0;  // since it was told
  slo_u64 awake_at_ns = 0;
  slo_u64 left_ns = 0;  // of its present job
  slo_u32 weight = normal;
};

// One CPU and one queue by virtual time, told of groups as group.bpf.h does.
class Machine {
 public:
  Machine(std::vector<Node> nodes, std::vector<Task> tasks)
      : nodes_(std::move(nodes)), tasks_(std::move(tasks)) {
    for (Task& task : tasks_) task.left_ns = task.runs_ns;
  }

  // Percent of the CPU that each task had after the first second.
  std::vector<int> shares(slo_u64 seconds) {
    run_until(SLO_NSEC_PER_SEC);
    for (Task& task : tasks_) task.exec_ns = 0;
    run_until((1 + seconds) * SLO_NSEC_PER_SEC);
    std::vector<int> percent;
    for (const Task& task : tasks_)
      percent.push_back(static_cast<int>((100 * task.exec_ns + seconds * SLO_NSEC_PER_SEC / 2) /
                                         (seconds * SLO_NSEC_PER_SEC)));
    return percent;
  }

 private:
  void run_until(slo_u64 end_ns) {
    while (now_ns_ < end_ns) {
      Task* next = nullptr;
      for (Task& task : tasks_) {
        if (task.awake_at_ns > now_ns_) continue;
        task.vtime_ns = slo_vtime_place_ns(task.vtime_ns, vtime_now_ns_, slo_vtime_credit_max_ns(task.weight),
                                           slice_ns, 4 * ms, task.weight);
        if (next == nullptr || slo_before(task.vtime_ns, next->vtime_ns)) next = &task;
      }
      if (next == nullptr)
        now_ns_ += ms;
      else
        run(*next);
    }
  }

  void run(Task& task) {
    if (slo_before(vtime_now_ns_, task.vtime_ns)) vtime_now_ns_ = task.vtime_ns;
    slo_u64 slice = slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 0, task.weight);
    if (task.runs_ns != 0) slice = std::min(slice, task.left_ns);
    now_ns_ += slice;
    task.exec_ns += slice;
    task.vtime_ns += slo_vtime_charge_ns(slice, task.weight);
    if (slo_group_is_due(task.told_ns, now_ns_)) {
      const slo_u64 elapsed_ns = now_ns_ - task.told_ns;
      task.weight = weigh(task, slo_group_runnable_ns(elapsed_ns - task.asleep_ns, elapsed_ns));
      task.told_ns = now_ns_;
      task.asleep_ns = 0;
    }
    if (task.runs_ns == 0) return;
    task.left_ns -= slice;
    if (task.left_ns != 0) return;
    task.left_ns = task.runs_ns;
    task.awake_at_ns = now_ns_ + task.sleeps_ns;
    task.asleep_ns += task.sleeps_ns;
  }

  slo_u64 take_average(slo_group& group) const {
    const slo_u64 elapsed_ns = now_ns_ - group.since_ns;
    if (!slo_group_is_due(group.since_ns, now_ns_)) return 0;
    group.weight = slo_group_average(group.weight, group.weight_us, elapsed_ns);
    const slo_u64 runnable_ns = slo_group_runnable_ns(group.runnable_ns, elapsed_ns);
    group = {.since_ns = now_ns_, .weight_us = 0, .runnable_ns = 0, .weight = group.weight};
    return runnable_ns;
  }

  static void tell(slo_group& group, slo_u64 weight, slo_u64 runnable_ns) {
    group.weight_us += slo_group_sum(weight, runnable_ns);
    group.runnable_ns += runnable_ns;
  }

  slo_u32 weigh(const Task& task, slo_u64 runnable_ns) {
    slo_u64 weight = task.nice_weight;
    slo_u64 share = SLO_SHARE_ALL;
    tell(all_, weight, runnable_ns);
    take_average(all_);
    for (int at = task.node; at >= 0; at = nodes_.at(at).parent) {
      Node& node = nodes_.at(at);
      tell(node.group, weight, runnable_ns);
      runnable_ns = take_average(node.group);
      share = slo_group_share(share, weight, node.group.weight);
      weight = node.weight;
    }
    return slo_weight_of_share(share, std::max(all_.weight, task.nice_weight));
  }

  static constexpr slo_u64 slice_ns = 20 * ms;

  std::vector<Node> nodes_;
  std::vector<Task> tasks_;
  slo_group all_ = {};
  slo_u64 now_ns_ = 0;
  slo_u64 vtime_now_ns_ = 0;
};

std::vector<Node> two_groups(slo_u64 weight_of_first) {
  return {{.parent = -1, .weight = normal},
          {.parent = 0, .weight = weight_of_first},
          {.parent = 0, .weight = normal}};
}

// Groups 3 and 4 are in group 2.
std::vector<Node> two_below_one_of_two(slo_u64 weight_of_first) {
  auto nodes = two_groups(normal);
  nodes.push_back({.parent = 2, .weight = weight_of_first});
  nodes.push_back({.parent = 2, .weight = normal});
  return nodes;
}

std::vector<Task> hogs(int count, int node, slo_u64 nice_weight = normal) {
  return std::vector<Task>(static_cast<std::size_t>(count), Task{.node = node, .nice_weight = nice_weight});
}

std::vector<Task> operator+(std::vector<Task> some, const std::vector<Task>& others) {
  some.insert(some.end(), others.begin(), others.end());
  return some;
}

int sum(const std::vector<int>& shares, std::size_t begin, std::size_t end) {
  int all = 0;
  for (std::size_t at = begin; at < end; ++at) all += shares.at(at);
  return all;
}

TEST(Group, TasksOfOneGroupShareByTheirNiceValues) {
  const auto shares =
      Machine({{.parent = -1, .weight = normal}}, hogs(2, 0) + hogs(1, 0, 2 * normal)).shares(20);
  EXPECT_NEAR(shares.at(0), 25, 1);
  EXPECT_NEAR(shares.at(2), 50, 1);
}

TEST(Group, OneTaskHasAsMuchAsEightOfAnotherGroup) {
  const auto two = two_groups(normal);
  EXPECT_NEAR(Machine(two, hogs(1, 1) + hogs(8, 2)).shares(20).at(0), 50, 3);
  EXPECT_NEAR(Machine(two, hogs(1, 1) + hogs(100, 2)).shares(60).at(0), 50, 5);
}

TEST(Group, AGroupHasWhatItsWeightSays) {
  const auto two = two_groups(3 * normal);
  const auto shares = Machine(two, hogs(2, 1) + hogs(6, 2)).shares(20);
  EXPECT_NEAR(sum(shares, 0, 2), 75, 3);
  EXPECT_NEAR(sum(shares, 2, 8), 25, 3);
}

TEST(Group, AGroupSharesWhatTheOneAboveHas) {
  const auto nested = two_below_one_of_two(3 * normal);
  const auto shares = Machine(nested, hogs(1, 1) + hogs(2, 3) + hogs(4, 4)).shares(30);
  EXPECT_NEAR(shares.at(0), 50, 3);
  EXPECT_NEAR(sum(shares, 1, 3), 37, 4);
  EXPECT_NEAR(sum(shares, 3, 7), 13, 3);
}

// Else a service that does little would take from its neighbours in the same slice.
TEST(Group, WhoHardlyRunsCostsItsGroupNothing) {
  const auto nested = two_below_one_of_two(normal);
  const std::vector<Task> rare = {{.node = 4, .runs_ns = 1 * ms, .sleeps_ns = 100 * ms}};
  const auto shares = Machine(nested, hogs(2, 1) + hogs(2, 3) + rare).shares(30);
  EXPECT_NEAR(sum(shares, 0, 2), 50, 4);
  EXPECT_NEAR(sum(shares, 2, 4), 50, 4);
}

TEST(Group, WhoComesFromAnotherGroupIsServedAtOnce) {
  const auto two = two_groups(normal);
  const std::vector<Task> login = {{.node = 1, .runs_ns = 20 * ms, .sleeps_ns = 60 * ms}};
  const auto shares = Machine(two, login + hogs(8, 2)).shares(20);
  EXPECT_GE(shares.at(0), 19) << "a quarter would be all of it; without groups it would be a ninth";
}

}  // namespace
