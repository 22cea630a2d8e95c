// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/limit.h"

#include <gtest/gtest.h>

namespace {

constexpr slo_u64 us = SLO_NSEC_PER_USEC;
constexpr slo_u64 ms = SLO_NSEC_PER_MSEC;

TEST(Limit, EachPeriodBringsItsQuotaAtOnce) {
  EXPECT_EQ(slo_limit_periods(10 * ms, 100 * ms, 109 * ms), 0);
  EXPECT_EQ(slo_limit_periods(10 * ms, 100 * ms, 110 * ms), 1);
  EXPECT_EQ(slo_limit_periods(10 * ms, 100 * ms, 359 * ms), 3);
  EXPECT_EQ(slo_limit_periods(10 * ms, 100 * ms, 9 * ms), 0) << "the clock of another CPU is behind";
  EXPECT_EQ(slo_limit_fill_ns(5 * ms, 20 * ms, 0, 1), 20 * ms) << "nothing is saved up without a burst";
  EXPECT_EQ(slo_limit_fill_ns(5 * ms, 20 * ms, 10 * ms, 1), 25 * ms);
  EXPECT_EQ(slo_limit_fill_ns(5 * ms, 20 * ms, 10 * ms, 9), 30 * ms);
}

TEST(Limit, ADebtIsPaidInFull) {
  const slo_s64 debt_ns = -1000 * static_cast<slo_s64>(ms);
  slo_s64 tokens_ns = debt_ns;
  for (int period = 1; period <= 50; ++period) {
    EXPECT_TRUE(slo_server_is_empty(tokens_ns));
    tokens_ns = slo_limit_fill_ns(tokens_ns, 20 * ms, 20 * ms, 1);
    EXPECT_EQ(tokens_ns, slo_limit_fill_ns(debt_ns, 20 * ms, 20 * ms, period)) << "at once or one by one";
  }
  EXPECT_EQ(tokens_ns, 0);
}

TEST(Limit, TheLargestOnesDoNotOverflow) {
  const auto most = static_cast<slo_s64>(2 * SLO_LIMIT_QUOTA_MAX_NS);
  EXPECT_EQ(slo_limit_fill_ns(0, SLO_LIMIT_QUOTA_MAX_NS, SLO_LIMIT_QUOTA_MAX_NS, ~0ULL), most);
  EXPECT_EQ(slo_limit_fill_ns(-most, SLO_LIMIT_QUOTA_MAX_NS, 0, 1), -most / 2);
}

TEST(Limit, IsFilledAgainInThePeriodThatPaysTheDebt) {
  for (const slo_s64 tokens_ns : {0LL, -1LL, -20'000'000LL, -19'999'999LL, -123'456'789LL}) {
    const slo_u64 periods = slo_limit_periods_to_go(tokens_ns, 20 * ms);
    EXPECT_FALSE(slo_server_is_empty(slo_limit_fill_ns(tokens_ns, 20 * ms, 0, periods))) << tokens_ns;
    EXPECT_TRUE(slo_server_is_empty(slo_limit_fill_ns(tokens_ns, 20 * ms, 0, periods - 1))) << tokens_ns;
  }
}

TEST(Limit, ARunIsAsLongAsAllCPUsTogetherMayHave) {
  EXPECT_EQ(slo_limit_run_ns(8 * ms, 1, 100 * us), 8 * ms);
  EXPECT_EQ(slo_limit_run_ns(8 * ms, 4, 100 * us), 2 * ms);
  EXPECT_EQ(slo_limit_run_ns(8 * ms, 256, 100 * us), 100 * us) << "but no shorter than runs can be";
  EXPECT_EQ(slo_limit_run_ns(-8 * static_cast<slo_s64>(ms), 4, 100 * us), 100 * us) << "a debt";
}

TEST(Limit, IsAmpleAsLongAsAllCPUsCannotUseItUpInATickAndTheOneBefore) {
  EXPECT_TRUE(slo_limit_is_ample(slo_limit_run_ns(32 * ms, 4, 100 * us), 4 * ms));
  EXPECT_FALSE(slo_limit_is_ample(slo_limit_run_ns(32 * ms - 4, 4, 100 * us), 4 * ms));
  EXPECT_FALSE(slo_limit_is_ample(slo_limit_run_ns(-1, 4, 100 * us), 4 * ms)) << "a debt";
}

TEST(Limit, NoMoreAreLetGoThanCanRunOnWhatIsLeft) {
  EXPECT_FALSE(slo_limit_is_crowded(0, 1, 100 * us)) << "the least brings one";
  EXPECT_FALSE(slo_limit_is_crowded(9, 1 * ms, 100 * us));
  EXPECT_TRUE(slo_limit_is_crowded(10, 1 * ms, 100 * us));
  EXPECT_FALSE(slo_limit_is_crowded(10, 1 * ms + 1, 100 * us)) << "what is left over is one's, too";
}

TEST(Limit, NobodyIsLetGoWhereNothingIsLeft) {
  EXPECT_TRUE(slo_limit_is_crowded(0, 0, 100 * us));
  EXPECT_TRUE(slo_limit_is_crowded(0, -1, 100 * us));
  EXPECT_TRUE(slo_limit_is_crowded(0, -static_cast<slo_s64>(2 * SLO_LIMIT_QUOTA_MAX_NS), 100 * us));
}

TEST(Limit, WhoIsReleasedComesInBehindThoseThatWake) {
  const slo_u64 clock_ns = SLO_NSEC_PER_SEC;
  EXPECT_EQ(slo_vtime_released_ns(0, clock_ns, SLO_WEIGHT_NORMAL, 0), clock_ns + SLO_VTIME_RELEASED_NS);
  EXPECT_EQ(slo_vtime_released_ns(0, clock_ns, 1, 0), clock_ns + SLO_VTIME_RELEASED_NS) << "of little weight";
  EXPECT_LT(slo_vtime_released_ns(0, clock_ns, 100 * SLO_WEIGHT_NORMAL, 0), clock_ns + 10 * us) << "of much";
  EXPECT_EQ(slo_vtime_released_ns(clock_ns + 9 * ms, clock_ns, SLO_WEIGHT_NORMAL, 0), clock_ns + 9 * ms)
      << "nothing that it has to pay back is forgotten";
  EXPECT_LT(slo_vtime_released_ns(clock_ns + 9 * ms, clock_ns, SLO_WEIGHT_NORMAL, 1), clock_ns)
      << "to end, or to be frozen";
}

}  // namespace
