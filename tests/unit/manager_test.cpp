// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <span>

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

constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;

class ManagerTest : public testing::Test {
 protected:
  void budget(const std::string& unit, const std::string& value) { files_.budgets["/etc/" + unit] = value; }

  // One running unit with a budget: enough to attach for.
  void start() {
    budget("a.service", "5ms");
    manager().units_listed({fact("a.service", 11)});
  }

  Manager& manager() {
    if (!manager_) {
      Surroundings around{.kernel = kernel_,
                          .source = source_,
                          .audience = listener_,
                          .read_unit_files = files_.reader(),
                          .read_config = [this] { return reading_; },
                          .check_requirements =
                              [this] {
                                ++checks_;
                                return found_;
                              },
                          .keep_latch = [this](const Latch& latch) -> Result<void> {
                            attaches_when_kept_ = kernel_.attaches;
                            if (latch_error_) return std::unexpected(*latch_error_);
                            latch_ = latch;
                            return {};
                          },
                          .now =
                              [this] {
                                ++now_.boot_ns;  // time never stands still
                                return now_;
                              },
                          .loading =
                              [this](bool begins) {
                                EXPECT_NE(loading_, begins);
                                loading_ = begins;
                                if (begins) ++loads_;
                              }};
      manager_.emplace(std::move(around), reading_, latch_);
    }
    return *manager_;
  }

  // kill -9, and the next daemon starts.
  void start_again() {
    manager_.reset();
    kernel_.detach();
    start();
  }

  void pass(std::uint64_t seconds) {
    now_.boot_ns += seconds * sec;
    now_.monotonic_ns += seconds * sec;
    manager().tick();
  }

  void end(const SchedulerExit& exit) {
    kernel_.exit = exit;
    manager().tick();
  }

  // Lets the kernel count jobs for a unit.
  void count(const std::string& unit, slo_u64 jobs) {
    kernel_.counted[manager().units().at(unit).slot].jobs += jobs;
  }

  [[nodiscard]] std::uint64_t jobs(std::string_view unit) { return manager().stats(unit).value().jobs; }

  fakes::Files files_;
  fakes::Kernel kernel_;
  fakes::Source source_;
  fakes::Listener listener_;
  ConfigReading reading_;
  Requirements found_;
  Latch latch_;
  std::optional<Error> latch_error_;
  Instant now_{.boot_ns = 5000 * sec, .monotonic_ns = 1000 * sec};
  int checks_ = 0;
  bool loading_ = false;
  int loads_ = 0;
  int attaches_when_kept_ = -1;

 private:
  std::optional<Manager> manager_;
};

TEST_F(ManagerTest, NothingIsLoadedBeforeTheFirstList) {
  manager().tick();
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_EQ(manager().state_reason(), "starting");
  EXPECT_FALSE(manager().attach());
  EXPECT_EQ(kernel_.attaches + kernel_.observes, 0);
}

TEST_F(ManagerTest, WithoutABudgetItIsIdleAndTheFirstOneAttaches) {
  budget("b.service", "infinity");
  manager().units_listed({fact("b.service", 12), fact("c.service", 13)});
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_THAT(manager().state_reason(), HasSubstr("no unit has a budget"));
  EXPECT_FALSE(manager().attach()) << "nothing to attach for";
  EXPECT_EQ(kernel_.driver(), Driver::none);

  budget("a.service", "5ms");
  manager().unit_changed(fact("a.service", 11));
  EXPECT_EQ(manager().state(), State::enforcing);
  manager().unit_gone("a.service");
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_EQ(kernel_.driver(), Driver::none);
}

TEST_F(ManagerTest, TheKernelKnowsAllBudgetsBeforeASchedulerRuns) {
  budget("a.service", "5ms");
  budget("b.service", "infinity");
  kernel_.attach_error = Error{.tried = "load"};
  manager().units_listed({fact("a.service", 11), fact("b.service", 12), fact("c.service", 13)});
  EXPECT_THAT(kernel_.cfgs, SizeIs(2));
  EXPECT_EQ(kernel_.cfgs.at(11).budget_ns, 5'000'000U);
  EXPECT_EQ(kernel_.cfgs.at(12).flags & SLO_CFG_NO_BUDGET, SLO_CFG_NO_BUDGET);
}

TEST_F(ManagerTest, AttachingTwiceAttachesOnce) {
  start();
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(kernel_.attaches, 1);
  EXPECT_THAT(listener_.states, ElementsAre(Pair(State::enforcing, "1 unit with a budget")));
}

TEST_F(ManagerTest, WhatIsMissingIsTheReasonAndTheAnswerToAttach) {
  found_.enforcing = {"the kernel has no sched_ext"};
  start();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_EQ(manager().state_reason(), "the kernel has no sched_ext");
  EXPECT_TRUE(manager().cannot_enforce());
  const auto attached = manager().attach();
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().message(), "cannot attach the scheduler; the kernel has no sched_ext");
  EXPECT_EQ(kernel_.attaches, 0);
  EXPECT_EQ(kernel_.driver(), Driver::observer);
}

TEST_F(ManagerTest, AFailedAttachIsSaidAndTriedAgainUntilItIsGivenUp) {
  kernel_.attach_error = Error{.tried = "load the scheduler", .errno_value = EINVAL};
  start();
  EXPECT_EQ(manager().state(), State::recovering);
  EXPECT_THAT(manager().state_reason(), HasSubstr("cannot load the scheduler"));
  EXPECT_EQ(kernel_.driver(), Driver::observer);
  EXPECT_THAT(listener_.failures, SizeIs(1));
  pass(1);
  pass(2);
  pass(3600);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_EQ(kernel_.attaches, 3);
  EXPECT_FALSE(manager().attach());
  kernel_.attach_error.reset();
  EXPECT_TRUE(manager().attach());
}

TEST_F(ManagerTest, TheReasonFollowsTheNumberOfBudgets) {
  start();
  budget("b.service", "5ms");
  manager().unit_changed(fact("b.service", 0));
  EXPECT_EQ(manager().state_reason(), "2 units with a budget");
  const auto states = listener_.states.size();
  manager().unit_changed(fact("c.service", 13));
  EXPECT_THAT(listener_.states, SizeIs(states)) << "nothing changed that the reason speaks of";
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

TEST_F(ManagerTest, OneCgroupThatFailsDoesNotKeepTheOthersFromTheirBudget) {
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  kernel_.refuse[11] = ENOMEM;
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(listener_.failures,
              ElementsAre(AllOf(HasSubstr("cgroup 11"), HasSubstr("Cannot allocate memory"))));
  EXPECT_TRUE(kernel_.cfgs.contains(12));
  EXPECT_EQ(manager().state(), State::enforcing);

  kernel_.refuse.clear();
  manager().units_listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_TRUE(kernel_.cfgs.contains(11)) << "a reload makes good what failed";
}

TEST_F(ManagerTest, ACgroupThatVanishedInTheMeantimeIsNoFailure) {
  kernel_.refuse[11] = ENOENT;
  start();
  manager().unit_changed(fact("a.service", 0));
  EXPECT_THAT(listener_.failures, IsEmpty());
}

TEST_F(ManagerTest, DetachingObservesAndOutlivesTheDaemon) {
  start();
  count("a.service", 100);
  manager().detach();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
  EXPECT_FALSE(manager().cannot_enforce());
  EXPECT_EQ(kernel_.driver(), Driver::observer);
  EXPECT_EQ(jobs("a.service"), 100U);

  start_again();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(latch_, Latch{});
}

TEST_F(ManagerTest, AnOrderToDetachIsObeyedEvenWhereTheProbesDoNotLoad) {
  start();
  kernel_.observe_error = Error{.tried = "load the probes"};
  manager().detach();
  EXPECT_EQ(kernel_.driver(), Driver::none);
  EXPECT_EQ(manager().state(), State::failed);
  EXPECT_THAT(manager().state_reason(),
              AllOf(HasSubstr("detached by an operator"), HasSubstr("load the probes")));
}

TEST_F(ManagerTest, TheEndOfTheSchedulerIsToldOnceAndItComesBack) {
  start();
  kernel_.exit = exit_of(1026, "runnable task stall", "a[123] failed to run for 30.1s");
  manager().unit_changed(fact("b.service", 12));
  EXPECT_THAT(listener_.exits, SizeIs(1));
  EXPECT_EQ(listener_.exits[0].dump, "dump");
  EXPECT_EQ(manager().state(), State::recovering);
  EXPECT_THAT(
      manager().state_reason(),
      HasSubstr("the kernel ended the scheduler: runnable task stall (a[123] failed to run for 30.1s)"));
  EXPECT_EQ(manager().failures(), 1U);
  manager().tick();
  EXPECT_THAT(listener_.exits, SizeIs(1)) << "told once";
  pass(1);
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerTest, ASchedulerThatIsGoneWithoutARecordIsNoticed) {
  start();
  kernel_.detach();
  manager().tick();
  EXPECT_EQ(manager().state(), State::recovering);
  EXPECT_THAT(manager().state_reason(), HasSubstr("left no exit record"));
}

TEST_F(ManagerTest, ACpuThatComesOrGoesCostsNoPause) {
  start();
  end(exit_of(66, "unregistered from the main kernel", "", (1ULL << 48U) | (1ULL << 32U)));
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_EQ(kernel_.attaches, 2);
  EXPECT_EQ(manager().failures(), 0U);
}

TEST_F(ManagerTest, SysrqHoldsAcrossARestart) {
  start();
  end(exit_of(67, "disabled by sysrq-S"));
  EXPECT_EQ(manager().state(), State::observing);
  start_again();
  pass(3600);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_THAT(manager().state_reason(), HasSubstr("sysrq-S"));
}

TEST_F(ManagerTest, ATrialIsWrittenDownBeforeItBegins) {
  start();
  manager().detach();
  ASSERT_EQ(kernel_.attaches, 1);
  EXPECT_TRUE(manager().attach(600 * sec));
  EXPECT_EQ(kernel_.attaches, 2);
  EXPECT_EQ(attaches_when_kept_, 1) << "kept before it was carried out";
  EXPECT_EQ(latch_, Latch{.trial = true});
  pass(600);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_FALSE(manager().confirm());
}

TEST_F(ManagerTest, AConfirmedTrialStays) {
  start();
  EXPECT_FALSE(manager().confirm()) << "there is none";
  EXPECT_TRUE(manager().attach(600 * sec));
  EXPECT_TRUE(manager().confirm());
  EXPECT_EQ(latch_, Latch{});
  pass(3600);
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerTest, ATrialThatCannotBeWrittenDownDoesNotBegin) {
  start();
  manager().detach();
  latch_error_ = Error{.tried = "write", .errno_value = ENOSPC};
  const auto attached = manager().attach(600 * sec);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().errno_value, ENOSPC);
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
}

TEST_F(ManagerTest, ATrialThatFailsLeavesEverythingAsItWas) {
  start();
  manager().detach();
  kernel_.attach_error = Error{.tried = "load the scheduler"};
  const auto attached = manager().attach(600 * sec);
  ASSERT_FALSE(attached);
  EXPECT_THAT(attached.error().message(), HasSubstr("cannot load the scheduler"));
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
  EXPECT_EQ(latch_, Latch{.detached = true});
}

TEST_F(ManagerTest, ADeadSchedulerIsSaidAndCountedOnce) {
  start();
  kernel_.kernel_counters.heartbeat_ns = now_.monotonic_ns;
  pass(10);
  EXPECT_TRUE(manager().scheduler_alive());
  pass(1);
  EXPECT_FALSE(manager().scheduler_alive());
  pass(1);
  EXPECT_THAT(listener_.failures, ElementsAre(HasSubstr("heartbeat")));
  EXPECT_EQ(manager().failures(), 1U);
  EXPECT_EQ(manager().state(), State::enforcing);
  kernel_.kernel_counters.heartbeat_ns = now_.monotonic_ns;
  manager().tick();
  EXPECT_TRUE(manager().scheduler_alive());
}

TEST_F(ManagerTest, AHeartbeatOfAnEarlierSchedulerProvesNothing) {
  start();
  kernel_.kernel_counters.heartbeat_ns = now_.monotonic_ns;
  manager().detach();
  pass(60);
  EXPECT_TRUE(manager().scheduler_alive()) << "nothing is attached";
  EXPECT_TRUE(manager().attach());
  manager().tick();
  EXPECT_TRUE(manager().scheduler_alive()) << "it has only just begun";
}

TEST_F(ManagerTest, AReloadTakesTheConfigurationAndAsksForAFreshList) {
  start();
  reading_.config.mode = Mode::observe;
  reading_.problems = {
      {.file = "/etc/scx-slo/scx-slo.conf", .line = 3, .key = "Mode", .value = "x", .detail = "y"}};
  manager().reload();
  EXPECT_EQ(source_.requests, 1);
  EXPECT_EQ(manager().mode(), Mode::observe);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_THAT(listener_.problems, SizeIs(1));
  EXPECT_EQ(manager().config_errors(), 1U);
  manager().reload();
  EXPECT_THAT(listener_.problems, SizeIs(1)) << "said once";
  reading_.config.mode = Mode::automatic;
  manager().reload();
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_EQ(kernel_.attaches, 2);
}

TEST_F(ManagerTest, TunablesNeedANewSchedulerAndTheCapacityANewDaemon) {
  start();
  manager().reload();
  EXPECT_EQ(kernel_.attaches, 1) << "nothing changed";
  reading_.config.tunables.min_run_ns += 1;
  reading_.config.tunables.capacity += 1;
  manager().reload();
  EXPECT_EQ(kernel_.attaches, 2);
  EXPECT_EQ(kernel_.tunables.value().min_run_ns, reading_.config.tunables.min_run_ns);
  EXPECT_EQ(kernel_.tunables->capacity, reading_.config.tunables.capacity - 1);
  EXPECT_THAT(listener_.failures, ElementsAre(HasSubstr("systemctl restart scx-slo")));
  EXPECT_THAT(listener_.exits, IsEmpty());
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerTest, AMissedJobIsToldWithTheNameOfItsUnit) {
  start();
  deadline_event event{};
  event.timestamp_ns = now_.monotonic_ns;
  event.deadline_miss_ns = 7;
  event.budget_ns = 5'000'000;
  event.slot = manager().units().at("a.service").slot;
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

TEST_F(ManagerTest, EveryLoadIsAnnouncedAndItsEndToo) {
  start();
  manager().detach();
  kernel_.attach_error = Error{.tried = "load"};
  EXPECT_FALSE(manager().attach());
  EXPECT_EQ(loads_, kernel_.attaches + kernel_.observes);
  EXPECT_FALSE(loading_);
}

TEST_F(ManagerTest, StoppingLeavesNothingInTheKernel) {
  start();
  manager().stop();
  EXPECT_EQ(kernel_.driver(), Driver::none);
  EXPECT_EQ(latch_, Latch{});
  EXPECT_EQ(manager().state_reason(), "scx-slo was stopped");
}

TEST_F(ManagerTest, TheMachineIsLookedAtBeforeAttachingOnly) {
  start();
  const int checks = checks_;
  EXPECT_GT(checks, 0);
  pass(60);
  EXPECT_EQ(checks_, checks);
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

TEST_F(ManagerTest, StatesHaveTheirNamesOnTheBus) {
  EXPECT_EQ(to_string(State::idle), "idle");
  EXPECT_EQ(to_string(State::enforcing), "enforcing");
  EXPECT_EQ(to_string(State::observing), "observing");
  EXPECT_EQ(to_string(State::recovering), "recovering");
  EXPECT_EQ(to_string(State::failed), "failed");
}

}  // namespace
}  // namespace slo
