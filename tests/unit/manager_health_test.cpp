// SPDX-License-Identifier: GPL-2.0-only
// Whether somebody should have a look at it, as a monitor is told.
#include <gtest/gtest.h>

#include "manager.h"
#include "tests/unit/fakes.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

class ManagerHealth : public ManagerTest {
 protected:
  const SchedulerExit stall_{.kind = 1026, .reason = "runnable task stall"};
};

TEST_F(ManagerHealth, EnforcingAndIdleAreAsWanted) {
  manager().units_listed({});
  EXPECT_EQ(manager().state(), State::idle);
  EXPECT_TRUE(manager().healthy());
  start();
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_TRUE(manager().healthy());
  manager().stop();
  EXPECT_TRUE(manager().healthy());
}

TEST_F(ManagerHealth, ObservingIsAsWantedWhereTheSettingsSayIt) {
  reading_.config.mode = Mode::observe;
  start();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().healthy());
}

TEST_F(ManagerHealth, ObservingIsAsWantedWhereAnOperatorOrderedIt) {
  start();
  EXPECT_TRUE(manager().detach());
  EXPECT_TRUE(manager().healthy()) << "at once";
  pass(1);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().healthy());

  EXPECT_TRUE(manager().attach(10 * sec));
  EXPECT_TRUE(manager().healthy());
  pass(10);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().healthy()) << "a trial that was not confirmed";

  EXPECT_TRUE(manager().attach());
  end({.kind = 67});
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().healthy()) << "sysrq-S";
}

TEST_F(ManagerHealth, ObservingForWantOfSomethingIsNotAsWanted) {
  found_.enforcing = {"the kernel has no sched_ext"};
  start();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_FALSE(manager().healthy());
  found_.enforcing.clear();
  found_.other_scheduler = "scx_flash";
  manager().reload();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_FALSE(manager().healthy());
  EXPECT_TRUE(manager().detach());
  EXPECT_TRUE(manager().healthy()) << "nobody wants to enforce now";
}

TEST_F(ManagerHealth, AFailureIsNotAsWantedUntilItIsMadeGood) {
  start();
  end(stall_);
  EXPECT_EQ(manager().state(), State::recovering);
  EXPECT_FALSE(manager().healthy());
  pass(1);
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_TRUE(manager().healthy());
  end(stall_);
  pass(2);
  end(stall_);
  pass(60);
  EXPECT_EQ(manager().state(), State::observing) << "given up";
  EXPECT_FALSE(manager().healthy());
}

TEST_F(ManagerHealth, WhereNothingCanBeLoadedItIsNotAsWantedWhateverWasOrdered) {
  start();
  kernel_.observe_error = Error{.tried = "load the probes"};
  EXPECT_TRUE(manager().detach());
  pass(1);
  EXPECT_EQ(manager().state(), State::failed);
  EXPECT_FALSE(manager().healthy());
}

TEST_F(ManagerHealth, ASchedulerThatServesNothingIsToldOnce) {
  start();
  kernel_.kernel_counters.heartbeat_ns = now_.monotonic_ns;
  pass(1);
  const int told = listener_.unit_changes;
  pass(10);
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_FALSE(manager().healthy());
  EXPECT_EQ(listener_.unit_changes, told + 1);
  pass(1);
  EXPECT_EQ(listener_.unit_changes, told + 1);
  kernel_.kernel_counters.heartbeat_ns = now_.monotonic_ns;
  manager().tick();
  EXPECT_TRUE(manager().healthy());
  EXPECT_EQ(listener_.unit_changes, told + 2);
}

}  // namespace
}  // namespace slo
