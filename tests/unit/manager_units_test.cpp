// SPDX-License-Identifier: GPL-2.0-only
// What the manager does for each unit: its budget in the kernel, its figures, misses, settings and mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/unit/fakes.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

TEST_F(ManagerTest, TheKernelKnowsAllBudgetsBeforeASchedulerRuns) {
  budget("a.service", "5ms");
  budget("b.service", "infinity");
  kernel_.attach_error = Error{.tried = "load"};
  manager().units_listed({fact("a.service", 11), fact("b.service", 12), fact("c.service", 13)});
  EXPECT_THAT(kernel_.cfgs, SizeIs(2));
  EXPECT_EQ(kernel_.cfgs.at(11).budget_ns, 5'000'000U);
  EXPECT_EQ(kernel_.cfgs.at(12).flags & SLO_CFG_NO_BUDGET, SLO_CFG_NO_BUDGET);
}

TEST_F(ManagerTest, FollowsUnitsAsTheyStartRestartAndStop) {
  start();
  EXPECT_TRUE(kernel_.cfgs.contains(11));
  manager().unit_changed(fact("a.service", 12));
  EXPECT_FALSE(kernel_.cfgs.contains(11));
  EXPECT_TRUE(kernel_.cfgs.contains(12));
  manager().unit_changed(fact("a.service", 0));
  EXPECT_THAT(kernel_.cfgs, IsEmpty());
  EXPECT_TRUE(manager().knows("a.service"));
  EXPECT_EQ(listener_.unit_changes, 3);
}

TEST_F(ManagerTest, AUnitWithoutSettingsIsNothingToTell) {
  start();
  const auto told = [this] {
    return std::tuple(kernel_.applies, kernel_.path_changes, listener_.unit_changes, files_.reads.size());
  };
  manager().unit_changed(fact("plain.service", 0));
  const auto before = told();
  manager().unit_changed(fact("plain.service", 12));
  manager().unit_changed(fact("plain.service", 0));
  EXPECT_EQ(told(), before);
}

TEST_F(ManagerTest, SaysWhichUnitsHaveChanged) {
  budget("web.slice", "7ms");
  files_.further["/etc/b.service"].objective =
      Setting<Objective>{.value = *Objective::parse("95%"), .origin = {}};
  start();
  manager().unit_changed(fact("b.service", 12, "/web.slice"));
  EXPECT_THAT(listener_.changed_units, ElementsAre("b.service"));
  const UnitFact above{
      .name = "web.slice", .control_group = "/web.slice", .cgroup_id = 13, .files = {"/etc/web.slice"}};
  manager().unit_changed(above);
  EXPECT_THAT(listener_.changed_units, ElementsAre("b.service", "web.slice")) << "which inherits its budget";
  manager().unit_gone("b.service");
  EXPECT_THAT(listener_.changed_units, ElementsAre("b.service"));
}

TEST_F(ManagerTest, OneCgroupThatFailsDoesNotKeepTheOthersFromTheirBudget) {
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  kernel_.refuse[11] = ENOMEM;
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(listener_.pending, ElementsAre(AllOf(HasSubstr("1 setting is pending"), HasSubstr("cgroup 11"),
                                                   HasSubstr("Cannot allocate memory"))));
  EXPECT_TRUE(kernel_.cfgs.contains(12));
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_EQ(manager().pending(), 1U);

  kernel_.refuse.clear();
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_TRUE(kernel_.cfgs.contains(11)) << "a reload makes good what failed";
  EXPECT_EQ(manager().pending(), 0U);
}

TEST_F(ManagerTest, ACgroupThatVanishedInTheMeantimeIsNoFailure) {
  kernel_.refuse[11] = ENOENT;
  start();
  manager().unit_changed(fact("a.service", 0));
  EXPECT_THAT(listener_.pending, IsEmpty());
}

TEST_F(ManagerTest, AMissedJobIsToldWithTheNameOfItsUnit) {
  start();
  deadline_event event{};
  event.timestamp_ns = now_.monotonic_ns;
  event.deadline_miss_ns = 7;
  event.budget_ns = 5'000'000;
  event.slot = manager().units().at("a.service").slot;
  event.unit = manager().units().at("a.service").number;
  event.cause = SLO_CAUSE_PREEMPTED;
  manager().take_event(std::as_bytes(std::span(&event, 1)));
  manager().tell_misses();
  ASSERT_THAT(listener_.misses, SizeIs(1));
  EXPECT_EQ(listener_.misses[0].unit, "a.service");
  EXPECT_EQ(listener_.misses[0].miss_ns, 7U);

  manager().take_event(std::as_bytes(std::span(&event, 1)));
  manager().tell_misses();
  EXPECT_THAT(listener_.misses, SizeIs(1)) << "one per unit and second";
  pass(2);
  EXPECT_THAT(listener_.misses, SizeIs(2)) << "and the rest later";

  event.slot = SLO_NO_SLOT;
  manager().take_event(std::as_bytes(std::span(&event, 1)));
  pass(2);
  EXPECT_THAT(listener_.misses, SizeIs(2)) << "nobody's";
}

TEST_F(ManagerTest, AUnitWithoutASlotIsToldButItsFiguresAreThoseOfTheUnitAbove) {
  reading_.config.tunables.capacity = 1;
  budget("web.slice", "5ms");
  budget("a.service", "2ms");
  const UnitFact web{
      .name = "web.slice", .control_group = "/web.slice", .cgroup_id = 1, .files = {"/etc/web.slice"}};
  manager().units_listed(
      {web, fact("a.service", 2, "/web.slice"), fact("b.service", 3, "/web.slice/a.service")});
  count("web.slice", 5);
  EXPECT_EQ(kernel_.cfgs.at(2).budget_ns, 2'000'000U);
  EXPECT_EQ(kernel_.cfgs.at(2).slot, kernel_.cfgs.at(1).slot);
  EXPECT_EQ(manager().capacity(), 1U);
  EXPECT_EQ(manager().folded(), 1U);
  for (const char* name : {"a.service", "b.service"}) {
    const auto stats = manager().stats(name);
    ASSERT_TRUE(stats) << name;
    EXPECT_EQ(stats->unit, "a.service");
    EXPECT_EQ(stats->budget_ns, 2'000'000U);
    EXPECT_EQ(stats->counted_with, "web.slice");
    EXPECT_EQ(stats->jobs, 0U);
  }
  EXPECT_EQ(jobs("web.slice"), 5U);
  EXPECT_FALSE(manager().stats("web.slice")->counted_with);

  deadline_event event{};
  event.timestamp_ns = now_.monotonic_ns;
  event.deadline_miss_ns = 7;
  event.budget_ns = 2'000'000;
  event.slot = kernel_.cfgs.at(2).slot;
  event.unit = kernel_.cfgs.at(2).unit;
  event.cause = SLO_CAUSE_PREEMPTED;
  manager().take_event(std::as_bytes(std::span(&event, 1)));
  manager().tell_misses();
  ASSERT_THAT(listener_.misses, SizeIs(1));
  EXPECT_EQ(listener_.misses[0].unit, "web.slice");
  EXPECT_EQ(listener_.misses[0].job_unit, "a.service");

  manager().unit_gone("web.slice");
  EXPECT_EQ(manager().folded(), 0U);
  EXPECT_EQ(jobs("a.service"), 0U) << "what the slice counted is not its";
  count("a.service", 3);
  EXPECT_EQ(jobs("a.service"), 3U);
  pass(2);
  manager().take_event(std::as_bytes(std::span(&event, 1)));
  pass(2);
  ASSERT_THAT(listener_.misses, SizeIs(2));
  EXPECT_EQ(listener_.misses[1].unit, "a.service");
}

TEST_F(ManagerTest, AMissOfAUnitThatHasGoneIsNotThatOfTheNextOneInItsSlot) {
  reading_.config.tunables.capacity = 1;
  start();
  deadline_event event{};
  event.deadline_miss_ns = 7;
  event.slot = kernel_.cfgs.at(11).slot;
  event.unit = kernel_.cfgs.at(11).unit;
  event.cause = SLO_CAUSE_PREEMPTED;
  budget("b.service", "5ms");
  manager().unit_gone("a.service");
  manager().unit_changed(fact("b.service", 12));
  ASSERT_EQ(kernel_.cfgs.at(12).slot, event.slot);
  manager().take_event(std::as_bytes(std::span(&event, 1)));
  pass(2);
  EXPECT_THAT(listener_.misses, IsEmpty());
}

TEST_F(ManagerTest, StatsOfAUnitThatInheritsAreThoseOfItsHolder) {
  budget("web.slice", "5ms");
  const UnitFact web{
      .name = "web.slice", .control_group = "/web.slice", .cgroup_id = 1, .files = {"/etc/web.slice"}};
  manager().units_listed({web, fact("a.service", 2, "/web.slice"), fact("b.service", 3)});
  count("web.slice", 5);
  const auto stats = manager().stats("a.service");
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->unit, "web.slice");
  EXPECT_EQ(stats->budget_ns, 5'000'000U);
  EXPECT_EQ(stats->jobs, 5U);
  EXPECT_FALSE(manager().stats("b.service"));
  EXPECT_FALSE(manager().stats("nobody.service"));
  EXPECT_EQ(manager().effective("a.service")->name, "web.slice");
}

TEST_F(ManagerTest, ASlotDoesNotInheritTheCountersOfItsLastUnit) {
  start();
  count("a.service", 9);
  EXPECT_EQ(jobs("a.service"), 9U);
  const auto slot = manager().units().at("a.service").slot;
  manager().unit_gone("a.service");
  EXPECT_FALSE(kernel_.counted.contains(slot));
}

TEST_F(ManagerTest, SettingsOfAUnitAreThoseThatHold) {
  start();
  manager().unit_changed(fact("c.service", 13));
  const auto find = [](const std::vector<NamedSetting>& rows, std::string_view key) {
    const auto at = std::ranges::find(rows, key, &NamedSetting::key);
    return at == rows.end() ? std::string("none") : at->value + " " + at->origin.file;
  };
  EXPECT_EQ(find(manager().settings("a.service"), "SloBudget"), "5ms /etc/a.service");
  EXPECT_EQ(find(manager().settings("a.service"), "SloMetric"), "wait ");
  EXPECT_EQ(find(manager().settings("c.service"), "SloBudget"), "none");
  EXPECT_EQ(find(manager().settings("c.service"), "SloMetric"), "wait ");
}

TEST_F(ManagerTest, ConfigurationProblemsAreToldOnceAndErrorsCounted) {
  budget("a.service", "banana");
  budget("b.service", "5");
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(listener_.problems, ElementsAre(HasSubstr("/etc/a.service:2: SloBudget=banana ignored"),
                                              HasSubstr("/etc/b.service:2: SloBudget=5 ignored")));
  EXPECT_EQ(manager().config_errors(), 2U);
  budget("a.service", "5ms");
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_EQ(manager().config_errors(), 1U);
}

}  // namespace
}  // namespace slo
