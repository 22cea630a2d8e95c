// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "tests/unit/fakes.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

using testing::Pair;

SchedulerExit exit_of(std::uint32_t kind, std::string reason = "", std::string message = "",
                      std::uint64_t code = 0) {
  return {.kind = kind,
          .exit_code = code,
          .reason = std::move(reason),
          .message = std::move(message),
          .dump = "dump"};
}

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

TEST_F(ManagerTest, AttachingTwiceAttachesOnce) {
  start();
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(kernel_.attaches, 1);
  EXPECT_THAT(listener_.states, ElementsAre(Pair(State::enforcing, "1 unit with a budget")));
}

TEST_F(ManagerTest, ItHurriesToAttachAndToNothingElse) {
  start();
  EXPECT_EQ(hurries_, 1);
  EXPECT_TRUE(manager().detach());
  pass(1);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_EQ(hurries_, 1) << "measuring can wait";
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(hurries_, 2);
  kernel_.attach_error = Error{.tried = "load the scheduler", .errno_value = EINVAL};
  end(exit_of(1026, "runnable task stall", ""));
  pass(1);
  EXPECT_GT(hurries_, 2);
  EXPECT_FALSE(hurrying_) << "also after an attempt that failed";
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

TEST_F(ManagerTest, DetachingObservesAndOutlivesTheDaemon) {
  start();
  count("a.service", 100);
  EXPECT_TRUE(manager().detach());
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
  EXPECT_EQ(kernel_.driver(), Driver::none) << "before anything else is loaded";
  manager().tick();
  EXPECT_EQ(kernel_.driver(), Driver::none) << "whoever gave the order asks what has become of it";
  pass(1);
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
  EXPECT_TRUE(manager().detach());
  pass(1);
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
  EXPECT_TRUE(manager().detach());
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
  EXPECT_TRUE(manager().detach());
  latch_error_ = Error{.tried = "write", .errno_value = ENOSPC};
  const auto attached = manager().attach(600 * sec);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().errno_value, ENOSPC);
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
}

TEST_F(ManagerTest, ATrialThatFailsLeavesEverythingAsItWas) {
  start();
  EXPECT_TRUE(manager().detach());
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
  EXPECT_TRUE(manager().detach());
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
  EXPECT_EQ(kernel_.detaches, 0) << "what ran goes on until the other is loaded";
  EXPECT_THAT(listener_.gaps_ns, ElementsAre(0));
}

TEST_F(ManagerTest, TunablesThatCannotBeLoadedLeaveThoseOfBefore) {
  start();
  reading_.config.tunables.min_run_ns += 1;
  kernel_.attach_error = Error{.tried = "load", .subject = "the scheduler"};
  manager().reload();
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_THAT(listener_.states.back().second, HasSubstr("with the settings of before"));
  EXPECT_FALSE(manager().healthy());
  const int attaches = kernel_.attaches;
  manager().tick();
  EXPECT_EQ(kernel_.attaches, attaches) << "tried again at the next reload";
  kernel_.attach_error.reset();
  manager().reload();
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_THAT(listener_.states.back().second, Not(HasSubstr("before")));
  EXPECT_TRUE(manager().healthy());
  EXPECT_THAT(listener_.gaps_ns, SizeIs(1));
}

TEST_F(ManagerTest, ARenewalThatEndsTheSchedulerIsAFailedAttach) {
  start();
  reading_.config.tunables.min_run_ns += 1;
  kernel_.attach_error = Error{.tried = "attach", .subject = "the scheduler"};
  kernel_.attach_drops = true;
  manager().reload();
  EXPECT_EQ(kernel_.driver(), Driver::observer);
  EXPECT_NE(manager().state(), State::enforcing);
  EXPECT_THAT(listener_.gaps_ns, IsEmpty());
}

TEST_F(ManagerTest, ProbesAreRenewedToo) {
  reading_.config.mode = Mode::observe;
  start();
  ASSERT_EQ(kernel_.observes, 1);
  reading_.config.tunables.event_burst += 1;
  manager().reload();
  EXPECT_EQ(kernel_.observes, 2);
  EXPECT_EQ(kernel_.detaches, 0);
  EXPECT_EQ(manager().state(), State::observing);
}

TEST_F(ManagerTest, EveryLoadIsAnnouncedAndItsEndToo) {
  start();
  EXPECT_TRUE(manager().detach());
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

TEST_F(ManagerTest, StatesHaveTheirNamesOnTheBus) {
  EXPECT_EQ(to_string(State::idle), "idle");
  EXPECT_EQ(to_string(State::enforcing), "enforcing");
  EXPECT_EQ(to_string(State::observing), "observing");
  EXPECT_EQ(to_string(State::recovering), "recovering");
  EXPECT_EQ(to_string(State::failed), "failed");
}

}  // namespace
}  // namespace slo
