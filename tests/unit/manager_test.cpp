// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"

namespace slo {
namespace {

using fakes::fact;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

SchedulerExit exit_of(std::uint32_t kind, std::string reason = "", std::string message = "",
                      std::uint64_t code = 0) {
  return {.kind = kind,
          .exit_code = code,
          .reason = std::move(reason),
          .message = std::move(message),
          .dump = "dump"};
}

class ManagerTest : public testing::Test {
 protected:
  void budget(const std::string& unit, const std::string& value) { files_.budgets["/etc/" + unit] = value; }

  void attach() {
    const auto attached = manager_.attach();
    ASSERT_TRUE(attached) << attached.error().message();
  }

  // Lets the scheduler count jobs for a unit.
  void count(const std::string& unit, slo_u64 jobs, slo_u64 wait_max_ns = 0) {
    slo_stats& stats = kernel_.counted[manager_.units().at(unit).slot];
    stats.jobs += jobs;
    stats.wait_max_ns = std::max(stats.wait_max_ns, wait_max_ns);
  }

  [[nodiscard]] std::uint64_t jobs(std::string_view unit) const { return manager_.stats(unit).value().jobs; }

  fakes::Files files_;
  fakes::Kernel kernel_;
  fakes::Source source_;
  fakes::Listener listener_;
  std::vector<std::string> missing_;
  Manager manager_{kernel_, source_, listener_, files_.reader(), [this] { return missing_; }};
};

TEST_F(ManagerTest, StartsIdleAndUnattached) {
  EXPECT_EQ(manager_.state(), State::idle);
  EXPECT_EQ(manager_.state_reason(), "not attached yet");
  EXPECT_EQ(kernel_.attaches, 0);
}

TEST_F(ManagerTest, TheKernelIsToldAllBudgetsBeforeASchedulerRuns) {
  budget("a.service", "5ms");
  budget("b.service", "infinity");
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12), fact("c.service", 13)});
  EXPECT_THAT(kernel_.cfgs, SizeIs(2));
  EXPECT_EQ(kernel_.cfgs.at(11).budget_ns, 5'000'000U);
  EXPECT_EQ(kernel_.cfgs.at(12).flags, SLO_CFG_NO_BUDGET);
  attach();
  EXPECT_THAT(listener_.states, ElementsAre(Pair(State::enforcing, "1 unit with a budget")));
}

TEST_F(ManagerTest, AttachingTwiceAttachesOnce) {
  attach();
  attach();
  EXPECT_EQ(kernel_.attaches, 1);
  EXPECT_THAT(listener_.states, SizeIs(1));
}

TEST_F(ManagerTest, MissingRequirementsAreNamedAndNothingIsTried) {
  missing_ = {"the kernel has no sched_ext", "the capability CAP_BPF is missing"};
  const auto attached = manager_.attach();
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().message(),
            "cannot attach the scheduler; the kernel has no sched_ext; the capability CAP_BPF is missing");
  EXPECT_EQ(kernel_.attaches, 0);
  EXPECT_EQ(manager_.state(), State::failed);
  EXPECT_EQ(manager_.state_reason(), attached.error().message());
}

TEST_F(ManagerTest, AFailedAttachSaysWhyAndMayBeTriedAgain) {
  kernel_.attach_error =
      Error{.tried = "load the scheduler", .subject = "", .errno_value = EINVAL, .advice = "see the journal"};
  EXPECT_FALSE(manager_.attach());
  EXPECT_THAT(listener_.states, ElementsAre(Pair(State::failed, HasSubstr("cannot load the scheduler"))));
  kernel_.attach_error.reset();
  attach();
  EXPECT_EQ(manager_.state(), State::enforcing);
}

TEST_F(ManagerTest, TheReasonFollowsTheNumberOfUnits) {
  attach();
  EXPECT_EQ(manager_.state_reason(), "no unit has a budget");
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  manager_.unit_changed(fact("a.service", 11));
  EXPECT_EQ(manager_.state_reason(), "1 unit with a budget");
  manager_.unit_changed(fact("b.service", 0));
  EXPECT_EQ(manager_.state_reason(), "2 units with a budget");
  manager_.unit_gone("a.service");
  manager_.unit_gone("b.service");
  EXPECT_EQ(manager_.state_reason(), "no unit has a budget");
  EXPECT_THAT(listener_.states, SizeIs(5));
  manager_.unit_changed(fact("c.service", 13));
  EXPECT_THAT(listener_.states, SizeIs(5)) << "nothing changed that the reason speaks of";
}

TEST_F(ManagerTest, FollowsUnitsAsTheyStartRestartAndStop) {
  budget("a.service", "5ms");
  attach();
  manager_.unit_changed(fact("a.service", 11));
  EXPECT_TRUE(kernel_.cfgs.contains(11));
  manager_.unit_changed(fact("a.service", 12));
  EXPECT_FALSE(kernel_.cfgs.contains(11));
  EXPECT_TRUE(kernel_.cfgs.contains(12));
  manager_.unit_changed(fact("a.service", 0));
  EXPECT_THAT(kernel_.cfgs, IsEmpty());
  EXPECT_TRUE(manager_.knows("a.service"));
  EXPECT_EQ(listener_.unit_changes, 3);
}

TEST_F(ManagerTest, OneCgroupThatFailsDoesNotKeepTheOthersFromTheirBudget) {
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  kernel_.refuse[11] = ENOMEM;
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12)});
  attach();
  EXPECT_THAT(listener_.failures,
              ElementsAre(AllOf(HasSubstr("cgroup 11"), HasSubstr("Cannot allocate memory"))));
  EXPECT_TRUE(kernel_.cfgs.contains(12));
  EXPECT_EQ(manager_.state(), State::enforcing);

  kernel_.refuse.clear();
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_TRUE(kernel_.cfgs.contains(11)) << "a reload makes good what failed";
}

TEST_F(ManagerTest, ACgroupThatVanishedInTheMeantimeIsNoFailure) {
  budget("a.service", "5ms");
  attach();
  kernel_.refuse[11] = ENOENT;
  manager_.unit_changed(fact("a.service", 11));
  manager_.unit_changed(fact("a.service", 0));
  EXPECT_THAT(listener_.failures, IsEmpty());
}

TEST_F(ManagerTest, DetachingKeepsTheCountersAndSaysWhy) {
  budget("a.service", "5ms");
  manager_.units_listed({fact("a.service", 11)});
  attach();
  count("a.service", 100, 7000);
  EXPECT_EQ(jobs("a.service"), 100U);
  manager_.detach("detached by an operator");
  EXPECT_EQ(manager_.state(), State::idle);
  EXPECT_EQ(manager_.state_reason(), "detached by an operator");
  EXPECT_EQ(kernel_.driver(), Driver::none);
  EXPECT_EQ(jobs("a.service"), 100U);

  attach();
  EXPECT_EQ(jobs("a.service"), 100U);
  count("a.service", 11, 3000);
  EXPECT_EQ(jobs("a.service"), 111U);
  EXPECT_EQ(manager_.stats("a.service")->wait.max_ns, 7000U);
  manager_.detach("again");
  manager_.detach("once more");
  EXPECT_EQ(jobs("a.service"), 111U);
  EXPECT_EQ(manager_.state_reason(), "again");
  EXPECT_EQ(kernel_.detaches, 2);
}

TEST_F(ManagerTest, SettingsAreKeptUpToDateWhileDetached) {
  budget("a.service", "5ms");
  attach();
  manager_.detach("by order");
  manager_.unit_changed(fact("a.service", 11));
  EXPECT_TRUE(kernel_.cfgs.contains(11));
  EXPECT_EQ(manager_.state_reason(), "by order");
}

TEST_F(ManagerTest, TheEndOfTheSchedulerIsNoticedAndCountersAreKept) {
  budget("a.service", "5ms");
  manager_.units_listed({fact("a.service", 11)});
  attach();
  count("a.service", 50);
  manager_.check_scheduler();
  EXPECT_EQ(manager_.state(), State::enforcing);

  kernel_.exit = exit_of(1026, "runnable task stall", "a[123] failed to run for 30.1s");
  manager_.check_scheduler();
  EXPECT_THAT(listener_.exits, SizeIs(1));
  EXPECT_EQ(listener_.exits[0].dump, "dump");
  EXPECT_EQ(manager_.state(), State::failed);
  EXPECT_EQ(manager_.state_reason(),
            "the kernel ended the scheduler: runnable task stall (a[123] failed to run for 30.1s)");
  EXPECT_EQ(jobs("a.service"), 50U);

  manager_.check_scheduler();
  EXPECT_THAT(listener_.exits, SizeIs(1)) << "told once";
  attach();
  EXPECT_EQ(jobs("a.service"), 50U);
  EXPECT_TRUE(kernel_.cfgs.contains(11));
}

TEST_F(ManagerTest, AttachingAfterAnUnnoticedEndAttachesAnew) {
  attach();
  kernel_.exit = exit_of(64, "unregistered from user space");
  attach();
  EXPECT_EQ(kernel_.attaches, 2);
  EXPECT_THAT(listener_.exits, SizeIs(1));
  EXPECT_EQ(manager_.state(), State::enforcing);
}

TEST_F(ManagerTest, ASchedulerThatIsGoneWithoutARecordIsNoticed) {
  attach();
  kernel_.detach();
  manager_.check_scheduler();
  EXPECT_EQ(manager_.state(), State::failed);
  EXPECT_THAT(manager_.state_reason(), HasSubstr("left no exit record"));
}

TEST_F(ManagerTest, EachKindOfEndIsSaidInPlainWords) {
  const std::pair<SchedulerExit, const char*> ends[] = {
      {exit_of(64, "unregistered from user space"),
       "something outside scx-slo detached the scheduler: unregistered from user space"},
      {exit_of(65, "unregistered from BPF", "bye"),
       "the scheduler asked to be ended: unregistered from BPF (bye)"},
      {exit_of(66, "unregistered from the main kernel"),
       "the kernel asked the scheduler to end: unregistered from the main kernel"},
      {exit_of(66, "unregistered from the main kernel", "cpu 1 going offline", (1ULL << 48U) | (1ULL << 32U)),
       "a CPU came or went, which ended the scheduler: unregistered from the main kernel (cpu 1 going "
       "offline)"},
      {exit_of(67, "disabled by sysrq-S"),
       "an operator ended the scheduler with sysrq-S; it stays down until told to attach"},
      {exit_of(1024), "the kernel ended the scheduler"},
      {exit_of(1025, "", "bad dsq\n"), "the kernel ended the scheduler: bad dsq\\x0a"},
      {exit_of(9, "?"), "the scheduler ended (exit kind 9): ?"},
  };
  for (const auto& [end, words] : ends) {
    attach();
    kernel_.exit = end;
    manager_.check_scheduler();
    EXPECT_EQ(manager_.state_reason(), words);
  }
}

TEST_F(ManagerTest, StatsOfAUnitThatInheritsAreThoseOfItsHolder) {
  budget("web.slice", "5ms");
  const UnitFact web{
      .name = "web.slice", .control_group = "/web.slice", .cgroup_id = 1, .files = {"/etc/web.slice"}};
  manager_.units_listed({web, fact("a.service", 2, "/web.slice"), fact("b.service", 3)});
  attach();
  count("web.slice", 5);
  const auto stats = manager_.stats("a.service");
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->unit, "web.slice");
  EXPECT_EQ(stats->budget_ns, 5'000'000U);
  EXPECT_EQ(stats->jobs, 5U);
  EXPECT_FALSE(manager_.stats("b.service"));
  EXPECT_FALSE(manager_.stats("nobody.service"));
  EXPECT_EQ(manager_.effective("a.service")->name, "web.slice");
}

TEST_F(ManagerTest, ASlotDoesNotInheritTheCountersOfItsLastUnit) {
  budget("a.service", "5ms");
  manager_.units_listed({fact("a.service", 11)});
  attach();
  count("a.service", 9);
  manager_.detach("by order");
  attach();
  count("a.service", 9);
  const auto slot = manager_.units().at("a.service").slot;
  manager_.unit_gone("a.service");
  EXPECT_FALSE(kernel_.counted.contains(slot));
  std::vector<UnitFact> all;
  for (unsigned i = 0; i < SLO_CAPACITY; ++i) {
    all.push_back(fact("u" + std::to_string(i) + ".service", 100 + i));
    budget(all.back().name, "5ms");
  }
  manager_.units_listed(all);
  EXPECT_THAT(manager_.units(), SizeIs(SLO_CAPACITY)) << "every slot is taken, the freed one too";
  for (const auto& unit : all) EXPECT_EQ(jobs(unit.name), 0U);
}

TEST_F(ManagerTest, ConfigurationProblemsAreToldOnceAndErrorsCounted) {
  budget("a.service", "banana");
  budget("b.service", "5");
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12)});
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(listener_.problems, ElementsAre(HasSubstr("/etc/a.service:2: SloBudget=banana ignored"),
                                              HasSubstr("/etc/b.service:2: SloBudget=5 ignored")));
  EXPECT_EQ(manager_.config_errors(), 2U);
  budget("a.service", "5ms");
  manager_.units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_EQ(manager_.config_errors(), 1U);
}

TEST_F(ManagerTest, ReloadAsksForAFreshList) {
  manager_.reload();
  EXPECT_EQ(source_.requests, 1);
}

TEST_F(ManagerTest, StatesHaveTheirNamesOnTheBus) {
  EXPECT_EQ(to_string(State::idle), "idle");
  EXPECT_EQ(to_string(State::enforcing), "enforcing");
  EXPECT_EQ(to_string(State::observing), "observing");
  EXPECT_EQ(to_string(State::recovering), "recovering");
  EXPECT_EQ(to_string(State::failed), "failed");
}

}  // namespace
}  // namespace slo
