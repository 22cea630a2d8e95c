// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/policy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

namespace {

constexpr slo_u64 us = SLO_NSEC_PER_USEC;
constexpr slo_u64 ms = SLO_NSEC_PER_MSEC;
constexpr slo_u64 slice_ns = 20 * ms;
constexpr slo_u32 floor_permille = 50;
constexpr slo_u64 credit_max_ns = 5 * ms;  // covers a gap of 100 ms

// As in cpu.weight.
constexpr slo_u32 cpu_weight(slo_u32 weight) {
  return weight << SLO_WEIGHT_SHIFT;
}

TEST(Policy, AKeyIsTheLatestStartThatKeepsTheBudget) {
  // Woke at 100, budget 5, ran 2 and so waited 3 of them by 105: it must run again by 107.
  EXPECT_EQ(slo_key_ns(100 * ms, 5 * ms, 2 * ms), 107 * ms);
}

TEST(Policy, KeysLeaveRoomForTheMarginAndASwitch) {
  EXPECT_EQ(slo_start_within_ns(10 * ms), 10 * ms - 200 * us);
  EXPECT_EQ(slo_start_within_ns(SLO_BUDGET_MIN_NS), SLO_BUDGET_MIN_NS / 8 * 7);
}

TEST(Policy, AResponseKeyIsTheLatestStartThatEndsWithinTheBudget) {
  // Woke at 100, budget 8, jobs take 3: it must start by 105, and having run 1 of the 3 it must go on by 106.
  EXPECT_EQ(slo_response_key_ns(100 * ms, 8 * ms, 0, 3 * ms), 105 * ms);
  EXPECT_EQ(slo_response_key_ns(100 * ms, 8 * ms, 1 * ms, 3 * ms), 106 * ms);
}

TEST(Policy, AResponseKeyIsNeverBeforeTheWakeupNorAfterTheBudget) {
  EXPECT_EQ(slo_response_key_ns(100 * ms, 8 * ms, 0, 9 * ms), 100 * ms);
  EXPECT_EQ(slo_response_key_ns(100 * ms, 8 * ms, 5 * ms, 3 * ms), 108 * ms);
  EXPECT_EQ(slo_response_key_ns(100 * ms, 8 * ms, 0, 0), 108 * ms);
}

TEST(Policy, BothMetricsGiveKeysThatCompare) {
  // Neither has executed yet, both must start by 105.
  EXPECT_EQ(slo_key_ns(100 * ms, 5 * ms, 0), slo_response_key_ns(100 * ms, 8 * ms, 0, 3 * ms));
}

TEST(Policy, TheExpectedExecutionFollowsTheJobs) {
  slo_u64 expected = slo_expect_exec_ns(0, 4 * ms);
  EXPECT_EQ(expected, 4 * ms) << "the first job is all that is known";
  for (int i = 0; i < 50; ++i) expected = slo_expect_exec_ns(expected, 2 * ms);
  EXPECT_NEAR(static_cast<double>(expected), 2e6, 1e4);
}

TEST(Policy, KeysAreOrderedAcrossTheWrapOfTheClock) {
  const slo_u64 late = UINT64_MAX - 5;
  EXPECT_TRUE(slo_before(late, late + 10));
  EXPECT_FALSE(slo_before(late + 10, late));
  EXPECT_FALSE(slo_before(late, late));
}

TEST(Policy, AJobIsTardyOneMoreBudgetAfterItsLatestStart) {
  EXPECT_FALSE(slo_is_tardy(100 * ms, 10 * ms, 110 * ms));
  EXPECT_TRUE(slo_is_tardy(100 * ms, 10 * ms, 110 * ms + 1));
  EXPECT_TRUE(slo_is_tardy(UINT64_MAX - 5 * ms, 10 * ms, 6 * ms)) << "across the wrap of the clock";
}

TEST(Policy, ARenewedKeyIsThatOfAJobThatWakesNow) {
  const slo_u64 now = 1'000 * ms;
  const slo_u64 wait_from = slo_renewed_from_ns(7 * ms, now, 0);
  EXPECT_EQ(slo_key_ns(wait_from, 10 * ms, 7 * ms), now + 10 * ms);
  EXPECT_EQ(slo_key_ns(wait_from, 10 * ms, 8 * ms), now + 11 * ms) << "and moves on with what it executes";
  const slo_u64 response_from = slo_renewed_from_ns(7 * ms, now, SLO_CFG_RESPONSE);
  EXPECT_EQ(slo_response_key_ns(response_from, 10 * ms, 7 * ms, 9 * ms), now + 8 * ms);
}

TEST(PolicyProperty, NobodyIsTardyRightAfterARenewal) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1'000'000; ++i) {
    const slo_u64 now = random();  // near the wrap, too
    const slo_u64 exec = random() % (10 * SLO_NSEC_PER_SEC);
    const slo_u64 budget = SLO_BUDGET_MIN_NS + random() % (SLO_BUDGET_MAX_NS - SLO_BUDGET_MIN_NS);
    const slo_u64 wait_key = slo_key_ns(slo_renewed_from_ns(exec, now, 0), budget, exec);
    const slo_u64 response_key = slo_response_key_ns(slo_renewed_from_ns(exec, now, SLO_CFG_RESPONSE), budget,
                                                     exec, random() % (10 * SLO_NSEC_PER_SEC));
    ASSERT_FALSE(slo_is_tardy(wait_key, budget, now));
    ASSERT_FALSE(slo_is_tardy(response_key, budget, now));
    ASSERT_FALSE(slo_is_tardy(response_key, budget, now + budget)) << "nor before one more budget is over";
  }
}

TEST(Policy, AJobBeyondWhatTheGuaranteeCoversIsBestEffort) {
  EXPECT_EQ(slo_class(5 * ms, 0, 100 * ms), SLO_CLASS_SLO);
  EXPECT_EQ(slo_class(5 * ms, 100 * ms - 1, 100 * ms), SLO_CLASS_SLO);
  EXPECT_EQ(slo_class(5 * ms, 100 * ms, 100 * ms), SLO_CLASS_BEST_EFFORT);
  EXPECT_EQ(slo_class(0, 0, 100 * ms), SLO_CLASS_BEST_EFFORT);
}

TEST(Policy, AJobThatWasKeptWaitingMayExecuteLonger) {
  EXPECT_EQ(slo_covered_exec_ns(100 * ms, 0), 100 * ms);
  EXPECT_EQ(slo_covered_exec_ns(100 * ms, 30 * ms), 130 * ms);
  EXPECT_EQ(slo_covered_exec_ns(100 * ms, 3000 * ms), 200 * ms) << "but not for ever";
  constexpr slo_u64 hour = 3600 * SLO_NSEC_PER_SEC;
  EXPECT_EQ(slo_covered_exec_ns(hour, UINT64_MAX), 2 * hour);
}

TEST(Policy, TheGuaranteeCoversTwentyBudgetsAndAtLeastAHundredMilliseconds) {
  EXPECT_EQ(slo_default_max_exec_ns(SLO_BUDGET_MIN_NS), 100 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(5 * ms), 100 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(50 * ms), 1000 * ms);
  EXPECT_EQ(slo_default_max_exec_ns(SLO_BUDGET_MAX_NS), 200 * SLO_NSEC_PER_SEC);
}

TEST(Policy, SlicesOfSloTasksAreAQuarterOfTheBudgetWithinATickAndTheMaximum) {
  EXPECT_EQ(slo_slice_ns(2 * ms, 4 * ms, slice_ns), 4 * ms);
  EXPECT_EQ(slo_slice_ns(40 * ms, 4 * ms, slice_ns), 10 * ms);
  EXPECT_EQ(slo_slice_ns(10 * SLO_NSEC_PER_SEC, 4 * ms, slice_ns), slice_ns);
}

TEST(Policy, BestEffortSlicesAreOneTickWhileSloTasksWait) {
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 0, cpu_weight(100)), slice_ns);
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 1, 0, cpu_weight(100)), 4 * ms);
}

TEST(Policy, LittleWeightMeansShortTurnsOfAtLeastATick) {
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 0, cpu_weight(10000)), slice_ns);
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 0, cpu_weight(50)), slice_ns / 2);
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 0, cpu_weight(1)), 4 * ms);
}

TEST(Policy, VirtualTimeRunsSlowerForHeavierTasks) {
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, cpu_weight(100)), 10 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, cpu_weight(1000)), 1 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, cpu_weight(1)), 1000 * ms);
  EXPECT_EQ(slo_vtime_charge_ns(10 * ms, 0), 10 * ms);
}

TEST(Policy, TheMoreWaitTheShorterAreSlicesOfBestEffort) {
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 5, cpu_weight(100)), slice_ns);
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 10, cpu_weight(100)), slice_ns / 2);
  EXPECT_EQ(slo_best_effort_slice_ns(slice_ns, 4 * ms, 0, 1000, cpu_weight(100)), 4 * ms);
}

TEST(Policy, NobodyEarnsBySleeping) {
  const slo_u64 now = 1000 * ms;
  EXPECT_EQ(slo_vtime_credit_ns(now - 3 * ms, now, cpu_weight(100)), 3 * ms);
  EXPECT_EQ(slo_vtime_credit_ns(0, now, cpu_weight(100)), SLO_VTIME_CREDIT_NS);
  EXPECT_EQ(slo_vtime_credit_ns(0, now, cpu_weight(400)), SLO_VTIME_CREDIT_NS / 4);
  EXPECT_EQ(slo_vtime_credit_ns(0, now, cpu_weight(1)), SLO_VTIME_CREDIT_NS)
      << "little weight is no reason for more";
  EXPECT_EQ(slo_vtime_credit_ns(now + ms, now, cpu_weight(100)), 0U);
  EXPECT_EQ(slo_vtime_place_ns(0, now, 3 * ms, slice_ns, 4 * ms, cpu_weight(100)), now - 3 * ms);
  EXPECT_EQ(slo_vtime_place_ns(now - 2 * ms, now, 3 * ms, slice_ns, 4 * ms, cpu_weight(100)), now - 2 * ms);
  EXPECT_EQ(slo_vtime_place_ns(now + 5 * ms, now, 3 * ms, slice_ns, 4 * ms, cpu_weight(100)), now + 5 * ms);
  EXPECT_EQ(slo_vtime_place_ns(3, 5, 20 * ms, slice_ns, 4 * ms, cpu_weight(100)),
            3U);  // near zero, where the earliest instant wraps
}

TEST(Policy, WhoTurnsBestEffortHasNoCreditAndPaysForWhatItRanByKey) {
  const slo_u64 now = 1000 * ms;
  EXPECT_EQ(slo_vtime_after_key_ns(0, now, 0, cpu_weight(100)), now);
  EXPECT_EQ(slo_vtime_after_key_ns(now - 5 * ms, now, 3 * ms, cpu_weight(100)), now + 3 * ms);
  EXPECT_EQ(slo_vtime_after_key_ns(now + 5 * ms, now, 3 * ms, cpu_weight(100)), now + 8 * ms);
  EXPECT_EQ(slo_vtime_after_key_ns(now, now, 3 * ms, cpu_weight(300)), now + 1 * ms);
  EXPECT_EQ(slo_vtime_after_key_ns(3, 5, 0, cpu_weight(100)),
            5U);  // near zero, where virtual times may be below it
}

TEST(Policy, AStreamOfShortLivedChildrenDoesNotStarveATaskThatIsAhead) {
  // A task of weight 3 (nice 19) ran one slice and is this far ahead; children come, run and exit without
  // end.
  slo_u64 vtime_now = 1000 * ms;
  const slo_u64 waiting = vtime_now + slo_vtime_charge_ns(slice_ns, cpu_weight(3));
  int children = 0;
  for (; children < 100000; ++children) {
    const slo_u64 child = slo_vtime_new_ns(vtime_now);
    if (slo_before(waiting, child)) break;  // the waiting task is first in the queue
    vtime_now = child;                      // the child runs
  }
  EXPECT_LE(children, 700);
}

TEST(Policy, NobodyIsFurtherAheadThanByATurnOfItsOwn) {
  const slo_u64 now = 1000 * ms;
  const slo_u64 tick = 4 * ms;
  EXPECT_EQ(slo_vtime_place_ns(now + slice_ns, now, 0, slice_ns, tick, cpu_weight(100)), now + slice_ns);
  EXPECT_EQ(slo_vtime_place_ns(now + 10 * slice_ns, now, 0, slice_ns, tick, cpu_weight(100)),
            now + slice_ns + tick);
  EXPECT_EQ(slo_vtime_place_ns(now + 100 * slice_ns, now, 0, slice_ns, tick, cpu_weight(10)),
            now + 10 * 2 * tick)
      << "of little weight it is short";
}

TEST(Policy, BestEffortGivesWayWhenItHasHadMoreAndItsRun) {
  const slo_u64 run = SLO_BEST_EFFORT_RUN_NS;
  const slo_u64 from = 100 * ms;
  EXPECT_EQ(slo_gives_way_in_ns(50 * ms, 50 * ms, cpu_weight(100), 0, from, from), run);
  EXPECT_EQ(slo_gives_way_in_ns(50 * ms, 50 * ms, cpu_weight(100), 0, from, from + run), 0U);
  EXPECT_EQ(slo_gives_way_in_ns(53 * ms, 50 * ms, cpu_weight(100), 0, from, from), 3 * ms);
  EXPECT_EQ(slo_gives_way_in_ns(53 * ms, 50 * ms, cpu_weight(200), 0, from, from + ms), 5 * ms);
  EXPECT_EQ(slo_gives_way_in_ns(53 * ms, 50 * ms, cpu_weight(1), 1, from, from), 0U)
      << "idle before one that is not";
}

TEST(Policy, AnSloTaskPreemptsBestEffortAndClearlyLaterKeysOnly) {
  const slo_u64 key = 50 * ms;
  EXPECT_TRUE(slo_preempts(key, SLO_CLASS_BEST_EFFORT, 0));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_NONE, key + 10 * ms));
  EXPECT_TRUE(slo_preempts(key, SLO_CLASS_SLO, key + 101 * us));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_SLO, key + 100 * us));
  EXPECT_FALSE(slo_preempts(key, SLO_CLASS_SLO, key - 1));
}

TEST(Policy, ARunningTaskIsOvertakenWhenItsKeyHasMovedPastTheWaitingOnes) {
  // It runs since 100 with key 105; one with key 112 waits. It may go on until its own key is 112.1.
  EXPECT_EQ(slo_overtaken_in_ns(112 * ms, 105 * ms, 100 * ms, 100 * ms), 7 * ms + 100 * us);
  EXPECT_EQ(slo_overtaken_in_ns(112 * ms, 105 * ms, 100 * ms, 106 * ms), 3 * ms) << "half-way to the key";
  EXPECT_EQ(slo_overtaken_in_ns(104 * ms, 105 * ms, 100 * ms, 104 * ms), 0U);
  EXPECT_TRUE(slo_preempts(112 * ms, SLO_CLASS_SLO, 105 * ms + 7 * ms + 100 * us + 1));
}

TEST(Policy, CreditOfTheFloorStaysWithinItsBounds) {
  std::mt19937_64 random(11);
  slo_u64 credit = credit_max_ns;
  for (int i = 0; i < 100000; ++i) {
    const slo_u64 ran = random() % (40 * ms);
    credit = random() % 2 != 0 ? slo_floor_spend(credit, ran, floor_permille)
                               : slo_floor_earn(credit, ran, floor_permille, credit_max_ns);
    ASSERT_LE(credit, credit_max_ns);
  }
}

TEST(Policy, BestEffortGetsItsFloorBesideSloTasksThatNeverStop) {
  slo_u64 credit = credit_max_ns;
  slo_u64 slo_ns = 0;
  slo_u64 best_effort_ns = 0;
  while (slo_ns + best_effort_ns < 10 * SLO_NSEC_PER_SEC) {
    if (credit == 0) {
      best_effort_ns += SLO_FLOOR_TURN_NS;
      credit = slo_floor_earn(credit, SLO_FLOOR_TURN_NS, floor_permille, credit_max_ns);
    } else {
      slo_ns += 4 * ms;
      credit = slo_floor_spend(credit, 4 * ms, floor_permille);
    }
  }
  const double share = static_cast<double>(best_effort_ns) / static_cast<double>(slo_ns + best_effort_ns);
  EXPECT_NEAR(share, 0.05, 0.005);
}

TEST(Policy, BestEffortThatRunsAnywayNeedsNoTurns) {
  slo_u64 credit = credit_max_ns;
  for (int i = 0; i < 1000; ++i) {  // 9 ms of SLO, 1 ms left over
    credit = slo_floor_spend(credit, 9 * ms, floor_permille);
    ASSERT_GT(credit, 0U);
    credit = slo_floor_earn(credit, 1 * ms, floor_permille, credit_max_ns);
  }
}

TEST(Policy, ATurnOfBestEffortIsNoLongerThanHalfTheSmallestBudget) {
  EXPECT_EQ(slo_floor_turn_ns(0), SLO_FLOOR_TURN_NS);
  EXPECT_EQ(slo_floor_turn_ns(50 * ms), SLO_FLOOR_TURN_NS);
  EXPECT_EQ(slo_floor_turn_ns(200 * us), 100 * us);
}

TEST(Policy, AWantedTurnWaitsForSlackAndADueOneDoesNot) {
  const slo_u64 now = 1000 * ms;
  const slo_u64 turn = 1 * ms;
  const slo_u64 low = credit_max_ns / 4;
  EXPECT_FALSE(slo_floor_takes_turn(low + 1, credit_max_ns, now, turn, now + 50 * ms)) << "not wanted yet";
  EXPECT_TRUE(slo_floor_takes_turn(low, credit_max_ns, now, turn, now + 2 * ms));
  EXPECT_FALSE(slo_floor_takes_turn(low, credit_max_ns, now, turn, now + 1 * ms)) << "no slack";
  EXPECT_TRUE(slo_floor_takes_turn(0, credit_max_ns, now, turn, now)) << "due";
}

TEST(Policy, TheMostCreditCoversOneGapOfSloExecutionLessATick) {
  const slo_u64 most_ns = slo_floor_credit_max_ns(100 * ms, 4 * ms, 50);
  EXPECT_EQ(slo_floor_spend(most_ns, 96 * ms, 50), 0U);
  EXPECT_GT(slo_floor_spend(most_ns, 95 * ms, 50), 0U);
}

TEST(Policy, AGapOfATickStillHasCredit) {
  EXPECT_EQ(slo_floor_credit_max_ns(10 * ms, 10 * ms, 50), 5 * ms * 50 / 1000);
}

TEST(Policy, AKickWaitsForTheMinimumRunAndForTheRateLimit) {
  EXPECT_EQ(slo_kick_at_ns(10 * ms, 100 * us, 0, 1 * ms), 10 * ms + 100 * us);
  EXPECT_EQ(slo_kick_at_ns(10 * ms, 100 * us, 10 * ms, 1 * ms), 11 * ms);
}

}  // namespace
