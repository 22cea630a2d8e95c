// SPDX-License-Identifier: GPL-2.0-only
#include "settings/slo.h"

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

TEST(Metric, IsWaitOrResponse) {
  EXPECT_EQ(*Metric::parse("wait"), Metric::wait());
  EXPECT_EQ(*Metric::parse("response"), Metric::response());
  EXPECT_EQ(Metric::wait().to_string(), "wait");
  EXPECT_EQ(Metric::response().to_string(), "response");
  for (const char* text : {"", "Wait", "exec", "wait "}) {
    ASSERT_FALSE(Metric::parse(text)) << text;
    EXPECT_EQ(Metric::parse(text).error(), "wait or response");
  }
}

TEST(Objective, AcceptsItsWholeRangeExactly) {
  EXPECT_EQ(Objective::parse("50%")->ppm(), 500'000U);
  EXPECT_EQ(Objective::parse("99.9%")->ppm(), 999'000U);
  EXPECT_EQ(Objective::parse("99.999%")->ppm(), 999'990U);
  EXPECT_EQ(Objective::parse("87.6543%")->ppm(), 876'543U);
  EXPECT_EQ(Objective::parse("99.9000000%")->ppm(), 999'000U);
  EXPECT_EQ(*Objective::parse("99.9%"), Objective::standard());
  EXPECT_DOUBLE_EQ(Objective::standard().ratio(), 0.999);
  for (const char* text : {"49.9999%", "99.9991%", "100%", "99.9", "0.999", "99.9 %", "-99%", "+99%", "99,9%",
                           "99.%", ".9%", "%", "", "99.99995%", "99.9%%", "infinity", "4294967395%"}) {
    EXPECT_FALSE(Objective::parse(text)) << text;
  }
}

TEST(Objective, IsWrittenAsAShare) {
  for (const char* text : {"50%", "99.9%", "99.999%", "87.6543%"})
    EXPECT_EQ(Objective::parse(text)->to_string(), text);
  EXPECT_EQ(Objective::parse("99.50%")->to_string(), "99.5%");
  EXPECT_EQ(Objective::parse("5").error(), "a share with its percent sign from 50% to 99.999% such as 99.9%");
}

TEST(MaxExec, AcceptsOneMillisecondToOneHour) {
  EXPECT_EQ(MaxExec::parse("1ms")->ns(), SLO_NSEC_PER_MSEC);
  EXPECT_EQ(MaxExec::parse("1h")->ns(), 3600 * SLO_NSEC_PER_SEC);
  EXPECT_EQ(MaxExec::parse("0.25s")->to_string(), "250ms");
  for (const char* text : {"999us", "1h 1us", "infinity", "100", "", "0ms"})
    EXPECT_FALSE(MaxExec::parse(text)) << text;
  EXPECT_EQ(MaxExec::parse("5").error(), "a time span with its unit from 1ms to 1h such as 100ms");
}

TEST(MaxExec, IsTwentyBudgetsButAtLeast100Milliseconds) {
  const auto standard = [](const char* budget) {
    return MaxExec::standard(*Budget::parse(budget)).to_string();
  };
  EXPECT_EQ(standard("100us"), "100ms");
  EXPECT_EQ(standard("5ms"), "100ms");
  EXPECT_EQ(standard("6ms"), "120ms");
  EXPECT_EQ(standard("10s"), "3min 20s");
}

// The settings that a file with these lines would give; an empty value is not set.
SloSettings settings(std::string_view budget, std::string_view metric, std::string_view objective,
                     std::string_view max_exec, const std::string& file) {
  const Origin origin{.file = file, .line = 1};
  SloSettings made;
  if (!budget.empty()) made.budget = Setting<Budget>{.value = *Budget::parse(budget), .origin = origin};
  if (!metric.empty()) made.metric = Setting<Metric>{.value = *Metric::parse(metric), .origin = origin};
  if (!objective.empty())
    made.objective = Setting<Objective>{.value = *Objective::parse(objective), .origin = origin};
  if (!max_exec.empty())
    made.max_exec = Setting<MaxExec>{.value = *MaxExec::parse(max_exec), .origin = origin};
  return made;
}

TEST(Importance, IsAWholeNumberAsCPUWeight) {
  EXPECT_EQ(Importance::parse("1")->value(), 1U);
  EXPECT_EQ(Importance::parse("10000")->to_string(), "10000");
  for (const char* wrong : {"", "0", "10001", "-1", "1.5", "100%", "x", "99999999999"})
    EXPECT_FALSE(Importance::parse(wrong)) << wrong;
}

TEST(Reserve, IsAShareOfOneCPUAsCPUQuota) {
  EXPECT_EQ(Reserve::parse("50%")->permille(), 500U);
  EXPECT_EQ(Reserve::parse("250%")->permille(), 2500U);
  EXPECT_EQ(Reserve::parse("12.5%")->to_string(), "12.5%");
  EXPECT_EQ(Reserve::parse("102400%")->permille(), 1'024'000U);
  for (const char* wrong : {"", "50", "0%", "0.9%", "102401%", "99999999999%", "-5%", "12.55%", "infinity"})
    EXPECT_FALSE(Reserve::parse(wrong)) << wrong;
}

TEST(Settings, AreInheritedKeyByKeyWithTheirOrigin) {
  const auto child = settings("5ms", "", "99%", "", "child");
  const auto above = settings("9ms", "response", "", "", "parent");
  const auto merged = merge(merge(child, above), standard_settings());
  EXPECT_EQ(named(merged),
            (std::vector<NamedSetting>{{.key = "SloBudget", .value = "5ms", .origin = {"child", 1}},
                                       {.key = "SloMetric", .value = "response", .origin = {"parent", 1}},
                                       {.key = "SloObjective", .value = "99%", .origin = {"child", 1}},
                                       {.key = "SloImportance", .value = "100", .origin = {}}}));
}

TEST(Settings, AreEmptyOnlyWithoutAnyKey) {
  EXPECT_TRUE(SloSettings{}.empty());
  EXPECT_FALSE(settings("infinity", "", "", "", "f").empty());
  EXPECT_FALSE(settings("", "wait", "", "", "f").empty());
  EXPECT_FALSE(settings("", "", "99%", "", "f").empty());
  EXPECT_FALSE(settings("", "", "", "5ms", "f").empty());
  EXPECT_FALSE(settings("infinity", "wait", "", "", "f").has_budget());
}

TEST(Settings, AreCompletedByWhatFollowsFromTheBudget) {
  const auto by_budget = completed(settings("10ms", "", "", "", "f"));
  ASSERT_TRUE(by_budget.max_exec);
  EXPECT_EQ(by_budget.max_exec->value.to_string(), "200ms");
  EXPECT_EQ(by_budget.max_exec->origin, Origin{});
  EXPECT_EQ(completed(settings("10ms", "", "", "7ms", "f")).max_exec->value.to_string(), "7ms");
  EXPECT_FALSE(completed(settings("infinity", "", "", "", "f")).max_exec);
  EXPECT_FALSE(completed(settings("", "", "", "", "f")).max_exec);
}

TEST(Settings, OfAMachineWithoutFilesAreWaitAndThreeNines) {
  EXPECT_EQ(named(standard_settings()),
            (std::vector<NamedSetting>{{.key = "SloMetric", .value = "wait", .origin = {}},
                                       {.key = "SloObjective", .value = "99.9%", .origin = {}},
                                       {.key = "SloImportance", .value = "100", .origin = {}}}));
}

TEST(Cfg, CarriesBudgetSlotUnitAndDefaults) {
  const slo_cfg cfg = to_cfg(with_budget(*Budget::parse("10ms")), 7, 70);
  EXPECT_EQ(cfg.budget_ns, 10 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(cfg.max_exec_ns, 200 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(cfg.slot, 7U);
  EXPECT_EQ(cfg.unit, 70U);
  EXPECT_EQ(cfg.importance, 100U);
  EXPECT_EQ(cfg.flags, 0U);
}

TEST(Cfg, CarriesMetricAndMaxExec) {
  const slo_cfg cfg = to_cfg(settings("10ms", "response", "99%", "7ms", "f"), SLO_NO_SLOT, 70);
  EXPECT_EQ(cfg.flags, SLO_CFG_RESPONSE);
  EXPECT_EQ(cfg.max_exec_ns, 7 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(cfg.slot, SLO_NO_SLOT);
  EXPECT_EQ(to_cfg(settings("10ms", "wait", "", "", "f"), 0, 70).flags, 0U);
}

TEST(Cfg, OfAnInfiniteBudgetSaysThatThereIsNone) {
  const slo_cfg cfg = to_cfg(with_budget(Budget::infinity()), 7, 70);
  EXPECT_EQ(cfg.flags, SLO_CFG_NO_BUDGET);
  EXPECT_EQ(cfg.budget_ns, 0U);
  EXPECT_EQ(cfg.slot, 7U);
}

}  // namespace
}  // namespace slo
