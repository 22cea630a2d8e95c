// SPDX-License-Identifier: GPL-2.0-only
#include "slo.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

SloSettings with_budget(const Budget& budget) {
  SloSettings settings;
  settings.budget = Setting<Budget>{.value = budget, .origin = {.file = "/etc/a.conf", .line = 2}};
  return settings;
}

TEST(Budget, AcceptsItsWholeRangeAndNothingBeyond) {
  EXPECT_EQ(Budget::parse("100us")->ns(), SLO_BUDGET_MIN_NS);
  EXPECT_EQ(Budget::parse("10s")->ns(), SLO_BUDGET_MAX_NS);
  EXPECT_EQ(Budget::parse("1s 500ms")->ns(), 1'500'000'000U);
  for (const char* text :
       {"99.999us", "10s 0.001us", "0s", "5", "banana", "", "auto", "Infinity", "infinity ", "1y"}) {
    EXPECT_FALSE(Budget::parse(text)) << text;
  }
}

TEST(Budget, SaysWhatIsAccepted) {
  EXPECT_EQ(Budget::parse("5").error(),
            "a time span with its unit from 100us to 10s such as 5ms or 1s 500ms, or infinity");
}

TEST(Budget, InfinityIsAValueOfItsOwn) {
  const auto budget = Budget::parse("infinity");
  ASSERT_TRUE(budget);
  EXPECT_TRUE(budget->is_infinite());
  EXPECT_EQ(budget->ns(), UINT64_MAX);
  EXPECT_EQ(budget->to_string(), "infinity");
  EXPECT_EQ(*budget, Budget::infinity());
}

TEST(Budget, IsWrittenAsASpan) {
  EXPECT_EQ(Budget::parse("0.005s")->to_string(), "5ms");
  EXPECT_EQ(Budget::parse("1500ms")->to_string(), "1s 500ms");
}

TEST(MaxExec, IsTwentyBudgetsButAtLeast100Milliseconds) {
  EXPECT_EQ(default_max_exec_ns(SLO_BUDGET_MIN_NS), 100 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(default_max_exec_ns(5 * SLO_NSEC_PER_MSEC), 100 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(default_max_exec_ns(6 * SLO_NSEC_PER_MSEC), 120 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(default_max_exec_ns(SLO_BUDGET_MAX_NS), 200 * SLO_NSEC_PER_SEC);
  EXPECT_EQ(default_max_exec_ns(UINT64_MAX), UINT64_MAX);
}

TEST(Cfg, CarriesBudgetSlotAndDefaults) {
  const slo_cfg cfg = to_cfg(with_budget(*Budget::parse("10ms")), 7);
  EXPECT_EQ(cfg.budget_ns, 10 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(cfg.max_exec_ns, 200 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(cfg.slot, 7U);
  EXPECT_EQ(cfg.importance, 100U);
  EXPECT_EQ(cfg.flags, 0U);
}

TEST(Cfg, OfAnInfiniteBudgetSaysThatThereIsNone) {
  const slo_cfg cfg = to_cfg(with_budget(Budget::infinity()), 7);
  EXPECT_EQ(cfg.flags, SLO_CFG_NO_BUDGET);
  EXPECT_EQ(cfg.budget_ns, 0U);
  EXPECT_EQ(cfg.slot, 7U);
}

}  // namespace
}  // namespace slo
