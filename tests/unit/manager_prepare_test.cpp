// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

// No unit has a budget; what the first one would need is loaded ahead.
class ManagerPrepareTest : public ManagerTest {
 protected:
  void list() { manager().units_listed({fact("a.service", 11)}); }
  void first_budget() {
    budget("a.service", "5ms");
    list();
  }
  void last_budget_goes() {
    budget("a.service", "");
    list();
  }
};

TEST_F(ManagerPrepareTest, WithTheFirstTickAndNotBeforeWhoeverStartedItHasAnAnswer) {
  list();
  EXPECT_EQ(kernel_.prepares, 0);
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1);
  EXPECT_EQ(loads_, 1) << "the watchdog is told";
  EXPECT_EQ(hurries_, 0) << "nobody waits for it";
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_EQ(kernel_.driver(), Driver::none);
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1);
  first_budget();
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerPrepareTest, AgainAfterTheLastBudget) {
  list();
  pass(1);
  first_budget();
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1) << "nothing is loaded ahead while the scheduler runs";
  last_budget_goes();
  EXPECT_EQ(manager().state(), State::idle);
  pass(1);
  EXPECT_EQ(kernel_.prepares, 2);
}

TEST_F(ManagerPrepareTest, AgainWithOtherTunables) {
  list();
  pass(1);
  reading_.config.tunables.min_run_ns += 1;
  manager().reload();
  EXPECT_FALSE(kernel_.prepared());
  pass(1);
  EXPECT_TRUE(kernel_.prepared());
}

TEST_F(ManagerPrepareTest, NotWhereTheFirstBudgetWouldOnlyBeObserved) {
  reading_.config.mode = Mode::observe;
  list();
  pass(1);
  EXPECT_EQ(kernel_.prepares, 0);
  reading_.config.mode = Mode::automatic;
  manager().reload();
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1);
}

TEST_F(ManagerPrepareTest, NotWhileAnOperatorWantsItDetached) {
  list();
  EXPECT_TRUE(manager().detach());
  pass(2);
  EXPECT_EQ(kernel_.prepares, 0);
  EXPECT_FALSE(manager().attach()) << "nothing to attach for";
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1);
}

TEST_F(ManagerPrepareTest, WhatIsMissingIsLookedForNowAndThen) {
  found_.enforcing = {"the kernel has no sched_ext"};
  list();
  for (int second = 0; second < 30; ++second) pass(1);
  EXPECT_EQ(checks_, 1);
  EXPECT_EQ(kernel_.prepares, 0);
  found_ = {};
  pass(60);
  manager().reload();
  pass(1);
  EXPECT_EQ(kernel_.prepares, 1);
}

TEST_F(ManagerPrepareTest, AFailureIsToldOnceAndTheFirstBudgetIsNoWorse) {
  kernel_.prepare_error = Error{.tried = "load the scheduler", .errno_value = ENOMEM};
  list();
  for (int minute = 0; minute < 5; ++minute) pass(60);
  EXPECT_EQ(kernel_.prepares, 1);
  EXPECT_THAT(listener_.failures, SizeIs(1));
  EXPECT_EQ(manager().state(), State::idle);
  first_budget();
  EXPECT_EQ(manager().state(), State::enforcing);
}

}  // namespace
}  // namespace slo
