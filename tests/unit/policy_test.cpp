// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

constexpr slo_u64 us = SLO_NSEC_PER_USEC;
constexpr slo_u64 ms = SLO_NSEC_PER_MSEC;

TEST(Policy, AKeyIsTheLatestStartThatKeepsTheBudget) {
  // Woke at 100, budget 5, ran 2 and so waited 3 of them by 105: it must run again by 107.
  EXPECT_EQ(slo_key_ns(100 * ms, 5 * ms, 2 * ms), 107 * ms);
}

TEST(Policy, KeysAreOrderedAcrossTheWrapOfTheClock) {
  const slo_u64 late = UINT64_MAX - 5;
  EXPECT_TRUE(slo_before(late, late + 10));
  EXPECT_FALSE(slo_before(late + 10, late));
  EXPECT_FALSE(slo_before(late, late));
}

TEST(Policy, AJobBeyondWhatTheGuaranteeCoversIsBestEffort) {
  EXPECT_EQ(slo_class(5 * ms, 0, 100 * ms), SLO_CLASS_SLO);
  EXPECT_EQ(slo_class(5 * ms, 100 * ms - 1, 100 * ms), SLO_CLASS_SLO);
  EXPECT_EQ(slo_class(5 * ms, 100 * ms, 100 * ms), SLO_CLASS_BEST_EFFORT);
  EXPECT_EQ(slo_class(0, 0, 100 * ms), SLO_CLASS_BEST_EFFORT);
}

TEST(Policy, TheGuaranteeCoversTwentyBudgetsAndAtLeastAHundredMilliseconds) {
  EXPECT_EQ(slo_default_max_exec_ns(SLO_BUDGET_MIN_NS), 100 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(5 * ms), 100 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(50 * ms), 1000 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(SLO_BUDGET_MAX_NS), 200 * SLO_NSEC_PER_SEC);
}

TEST(Policy, SlicesOfSloTasksAreAQuarterOfTheBudgetWithinATickAndTheMaximum) {
  EXPECT_EQ(slo_slice_ns(2 * ms, 4 * ms), 4 * ms);
  EXPECT_EQ(slo_slice_ns(40 * ms, 4 * ms), 10 * ms);
  EXPECT_EQ(slo_slice_ns(10 * SLO_NSEC_PER_SEC, 4 * ms), SLO_SLICE_MAX_NS);
}

TEST(Policy, BestEffortSlicesAreOneTickWhileSloTasksWait) {
  EXPECT_EQ(slo_best_effort_slice_ns(4 * ms, 0), SLO_BEST_EFFORT_SLICE_NS);
  EXPECT_EQ(slo_best_effort_slice_ns(4 * ms, 1), 4 * ms);
}

TEST(Policy, VirtualTimeRunsSlowerForHeavierTasks) {
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, 100), 10 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, 1000), 1 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, 1), 1000 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, 0), 10 * ms);
}

TEST(Policy, ASleeperKeepsAtMostOneSliceOfCredit) {
  const slo_u64 now = 1000 * ms;
  EXPECT_EQ(slo_vtime_place_ns(0, now), now - SLO_BEST_EFFORT_SLICE_NS);
  EXPECT_EQ(slo_vtime_place_ns(now - 5 * ms, now), now - 5 * ms);
  EXPECT_EQ(slo_vtime_place_ns(now + 5 * ms, now), now + 5 * ms);
  EXPECT_EQ(slo_vtime_place_ns(3, 5), 3U);  // near zero, where the earliest instant wraps
}

TEST(Policy, AStreamOfShortLivedChildrenDoesNotStarveATaskThatIsAhead) {
  // A task of weight 3 (nice 19) ran one slice and is this far ahead; children come, run and exit without
  // end.
  slo_u64 vtime_now = 1000 * ms;
  const slo_u64 waiting = vtime_now + slo_vtime_charge_ns(SLO_BEST_EFFORT_SLICE_NS, 3);
  int children = 0;
  for (; children < 100000; ++children) {
    const slo_u64 child = slo_vtime_new_ns(vtime_now);
    if (slo_before(waiting, child)) break;  // the waiting task is first in the queue
    vtime_now = child;                      // the child runs
  }
  EXPECT_LE(children, 700);
}

TEST(Policy, AnSloTaskPreemptsBestEffortAndClearlyLaterKeysOnly) {
  const slo_u64 key = 50 * ms;
  EXPECT_TRUE(slo_preempts(key, SLO_CLASS_BEST_EFFORT, 0));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_NONE, key + 10 * ms));
  EXPECT_TRUE(slo_preempts(key, SLO_CLASS_SLO, key + 101 * us));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_SLO, key + 100 * us));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_SLO, key - 1));
}

TEST(Policy, CreditOfTheFloorStaysWithinItsBounds) {
  std::mt19937_64 random(11);
  slo_u64 credit = SLO_FLOOR_CREDIT_MAX_NS;
  for (int i = 0; i < 100000; ++i) {
    const slo_u64 ran = random() % (40 * ms);
    credit = random() % 2 != 0 ? slo_floor_spend(credit, ran) : slo_floor_earn(credit, ran);
    ASSERT_LE(credit, SLO_FLOOR_CREDIT_MAX_NS);
  }
}

TEST(Policy, BestEffortGetsItsFloorBesideSloTasksThatNeverStop) {
  slo_u64 credit = SLO_FLOOR_CREDIT_MAX_NS;
  slo_u64 slo_ns = 0;
  slo_u64 best_effort_ns = 0;
  while (slo_ns + best_effort_ns < 10 * SLO_NSEC_PER_SEC) {
    if (credit == 0) {
      best_effort_ns += SLO_FLOOR_TURN_NS;
      credit = slo_floor_earn(credit, SLO_FLOOR_TURN_NS);
    } else {
      slo_ns += 4 * ms;
      credit = slo_floor_spend(credit, 4 * ms);
    }
  }
  const double share = static_cast<double>(best_effort_ns) / static_cast<double>(slo_ns + best_effort_ns);
  EXPECT_NEAR(share, 0.05, 0.005);
}

TEST(Policy, BestEffortThatRunsAnywayNeedsNoTurns) {
  slo_u64 credit = SLO_FLOOR_CREDIT_MAX_NS;
  for (int i = 0; i < 1000; ++i) {  // 9 ms of SLO, 1 ms left over
    credit = slo_floor_spend(credit, 9 * ms);
    ASSERT_GT(credit, 0U);
    credit = slo_floor_earn(credit, 1 * ms);
  }
}

TEST(Policy, ATurnOfBestEffortIsNoLongerThanHalfTheSmallestBudget) {
  EXPECT_EQ(slo_floor_turn_ns(0), SLO_FLOOR_TURN_NS);
  EXPECT_EQ(slo_floor_turn_ns(50 * ms), SLO_FLOOR_TURN_NS);
  EXPECT_EQ(slo_floor_turn_ns(200 * us), 100 * us);
}

}  // namespace
