// SPDX-License-Identifier: GPL-2.0-only
#include "load/shedding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace slo {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;

struct Load {
  std::string unit;
  std::uint32_t importance = 100;
  double demand = 0;  // CPUs
  double share = 0;
  double jobs_per_second = 100;
  bool helpless = false;  // loses jobs whatever the others do
};

// A machine of one CPU as a fluid: who has its guarantee is served first, and what is too much for the CPU
// makes everybody who is served together lose as large a part of the jobs.
class OverloadTest : public testing::Test {
 protected:
  // Everything that changed in this time, as "unit-" for shed and "unit+" for back.
  std::vector<std::string> run(double seconds) {
    std::vector<std::string> changed;
    for (auto left = static_cast<int>(seconds * 10); left > 0; --left) {
      now_ns_ += Overload::step_ns;
      serve();
      for (const auto& change : overload_.step(now_ns_, samples(), capacity_))
        changed.push_back(change.unit + (change.shed ? "-" : "+"));
    }
    return changed;
  }

  std::vector<Load> loads_;
  double capacity_ = 0.95;
  Overload overload_;

 private:
  void serve() {
    double left = capacity_;
    for (const bool shed : {false, true}) {
      double wanted = 0;
      for (const auto& load : loads_)
        if (overload_.shed().contains(load.unit) == shed) wanted += load.demand;
      const double served = wanted > 0 ? std::min(1.0, std::max(left, 0.0) / wanted) : 1.0;
      for (const auto& load : loads_) {
        if (overload_.shed().contains(load.unit) != shed) continue;
        Served& total = served_[load.unit];
        total.jobs += load.jobs_per_second / 10;
        total.lost += load.jobs_per_second / 10 * (load.helpless ? 0.5 : 1 - served);
        total.exec_ns += load.demand * served * Overload::step_ns;
      }
      left -= wanted * served;
    }
  }

  std::vector<LoadSample> samples() {
    std::vector<LoadSample> samples;
    for (const auto& load : loads_) {
      const Served& total = served_[load.unit];
      samples.push_back({.unit = load.unit,
                         .importance = load.importance,
                         .error_budget = 0.001,
                         .share = load.share,
                         .jobs = static_cast<std::uint64_t>(total.jobs),
                         .lost_jobs = static_cast<std::uint64_t>(total.lost),
                         .key_exec_ns = static_cast<std::uint64_t>(total.exec_ns)});
    }
    return samples;
  }

  struct Served {
    double jobs = 0, lost = 0, exec_ns = 0;
  };
  std::map<std::string, Served> served_;
  std::uint64_t now_ns_ = 100 * second_ns;
};

using Changes = std::vector<std::string>;

TEST_F(OverloadTest, WhatFitsIsLeftAlone) {
  loads_ = {{.unit = "a", .demand = 0.5}, {.unit = "b", .demand = 0.44}};
  EXPECT_EQ(run(60), Changes{});
}

TEST_F(OverloadTest, TheLessImportantOneIsShedAndStaysSoWhileItLasts) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 100, .demand = 0.6}};
  EXPECT_EQ(run(60), Changes{"b-"});
}

TEST_F(OverloadTest, NobodyIsShedForWhatIsOver) {
  loads_ = {{.unit = "a", .demand = 0.05, .helpless = true}, {.unit = "b", .demand = 0.05}};
  ASSERT_EQ(run(0.5), Changes{}) << "the CPU is not busy";
  loads_ = {{.unit = "a", .demand = 0.45}, {.unit = "b", .demand = 0.45}};
  EXPECT_EQ(run(2), Changes{});
}

TEST_F(OverloadTest, ItIsCalmWhileNobodyLosesJobsAndNobodyIsShed) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.4},
            {.unit = "b", .importance = 100, .demand = 0.4}};
  run(2);
  EXPECT_EQ(overload_.look_after_ns(), Overload::calm_step_ns);
  loads_[1].demand = 0.7;
  run(0.1);
  EXPECT_EQ(overload_.look_after_ns(), Overload::step_ns);
  run(2);
  ASSERT_TRUE(overload_.shed().contains("b"));
  EXPECT_EQ(overload_.look_after_ns(), Overload::step_ns) << "somebody is to have his guarantee back";
}

TEST_F(OverloadTest, AfterASilenceItIsShedWithinHalfASecond) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.01},
            {.unit = "b", .importance = 100, .demand = 0.01}};
  ASSERT_EQ(run(10), Changes{});
  for (auto& load : loads_) load.demand = 0.6;
  EXPECT_EQ(run(0.5), Changes{"b-"});
}

TEST_F(OverloadTest, ItIsBackWithinFiveSecondsWhenTheLoadOfEitherFalls) {
  for (const std::size_t which : {0, 1}) {
    overload_ = {};
    loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
              {.unit = "b", .importance = 100, .demand = 0.6}};
    ASSERT_EQ(run(10), Changes{"b-"});
    loads_[which].demand = 0.2;
    EXPECT_EQ(run(5), Changes{"b+"});
  }
}

TEST_F(OverloadTest, WhatCameBackTooEarlyIsShedAgainWithinThreeTenthsOfASecond) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 100, .demand = 0.6}};
  ASSERT_EQ(run(2), Changes{"b-"});
  loads_[1].demand = 0.2;
  Changes changes;
  for (int step = 0; step < 50 && changes.empty(); ++step) changes = run(0.1);
  ASSERT_EQ(changes, Changes{"b+"});
  loads_[1].demand = 0.6;
  EXPECT_EQ(run(0.3), Changes{"b-"});
}

TEST_F(OverloadTest, ItIsBackSoonAlsoAfterLoadThatCameAndWentManyTimes) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 100, .demand = 0.6}};
  for (int round = 0; round < 10; ++round) {
    loads_[1].demand = 0.6;
    ASSERT_EQ(run(6), Changes{"b-"}) << round;
    loads_[1].demand = 0.2;
    ASSERT_EQ(run(5), Changes{"b+"}) << round;
  }
}

TEST_F(OverloadTest, OfEqualsTheOneIsShedThatExceedsItsShare) {
  loads_ = {{.unit = "greedy", .demand = 1.5, .share = 0.47},
            {.unit = "honest", .demand = 0.3, .share = 0.47}};
  EXPECT_EQ(run(30), Changes{"greedy-"});
}

TEST_F(OverloadTest, AsManyAreShedAsItTakesTheLeastImportantFirst) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.7},
            {.unit = "b", .importance = 500, .demand = 0.4},
            {.unit = "c", .importance = 100, .demand = 0.4}};
  const auto changes = run(4);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0], "c-");
  EXPECT_EQ(changes[1], "b-");
}

TEST_F(OverloadTest, TheMostImportantUnitIsNeverShed) {
  loads_ = {{.unit = "alone", .demand = 2}};
  EXPECT_EQ(run(30), Changes{});
  loads_ = {{.unit = "a", .importance = 10, .demand = 2}, {.unit = "b", .importance = 5, .demand = 0.1}};
  run(30);
  EXPECT_FALSE(overload_.shed().contains("a"));
}

TEST_F(OverloadTest, WhoUsesNothingIsNotShed) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.7},
            {.unit = "b", .importance = 500, .demand = 0.5},
            {.unit = "idle", .importance = 1, .demand = 0.001}};
  EXPECT_EQ(run(5), Changes{"b-"});
}

TEST_F(OverloadTest, LossesWithoutALoadShedNobody) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.2, .helpless = true},
            {.unit = "b", .importance = 1, .demand = 0.3}};
  EXPECT_EQ(run(30), Changes{}) << "the CPUs are not busy: others are to blame";
}

TEST_F(OverloadTest, SheddingThatDoesNotHelpIsUndoneAndNotTriedForAWhile) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6, .helpless = true},
            {.unit = "b", .importance = 1, .demand = 0.3}};
  EXPECT_EQ(run(9), (Changes{"b-", "b+"}));
}

TEST_F(OverloadTest, WhatNeverHelpsIsTriedLessAndLessOften) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6, .helpless = true},
            {.unit = "b", .importance = 1, .demand = 0.3}};
  EXPECT_EQ(run(30).size(), 4U) << "at once and ten seconds later";
  EXPECT_LE(run(600).size(), 2U * 600 / 80 + 6);
}

TEST_F(OverloadTest, AFewUnluckyJobsShedNobody) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 1, .demand = 0.355}};
  EXPECT_EQ(run(30), Changes{}) << "half a percent too much: one job in two seconds is lost";
}

TEST_F(OverloadTest, UnitsThatGoAreForgotten) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 100, .demand = 0.6}};
  run(5);
  ASSERT_TRUE(overload_.shed().contains("b"));
  loads_.pop_back();
  run(1);
  EXPECT_TRUE(overload_.shed().empty());
}

TEST_F(OverloadTest, AUnitThatWasAwayBeginsAnew) {
  loads_ = {{.unit = "a", .importance = 1000, .demand = 0.6},
            {.unit = "b", .importance = 100, .demand = 0.6}};
  run(5);
  ASSERT_TRUE(overload_.shed().contains("b"));
  const Load away = loads_.back();
  loads_.pop_back();
  run(0.1);
  loads_.push_back(away);
  run(0.1);
  EXPECT_TRUE(overload_.shed().empty()) << "of what it did before it was away nothing is known";
  EXPECT_EQ(run(2), Changes{"b-"});
}

TEST_F(OverloadTest, WhateverHappensItEndsWithEverybodyBack) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 50; ++round) {
    loads_.clear();
    for (int i = 0; i < 8; ++i)
      loads_.push_back({.unit = std::string(1, static_cast<char>('a' + i)),
                        .importance = static_cast<std::uint32_t>(1 + i) +
                                      8 * static_cast<std::uint32_t>(random() % 100),  // no two alike
                        .demand = static_cast<double>(random() % 40) / 100,
                        .share = 0.1});
    for (int change = 0; change < 5; ++change) {
      run(2);
      loads_[random() % loads_.size()].demand = static_cast<double>(random() % 60) / 100;
    }
    const auto most = std::ranges::max_element(loads_, {}, &Load::importance);
    EXPECT_FALSE(overload_.shed().contains(most->unit));
    for (auto& load : loads_) load.demand = 0.05;
    run(10);
    EXPECT_TRUE(overload_.shed().empty());
  }
}

}  // namespace
}  // namespace slo
