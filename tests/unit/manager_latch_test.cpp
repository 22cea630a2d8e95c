// SPDX-License-Identifier: GPL-2.0-only
// What is to outlive the daemon and cannot be written down, or could not be read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "manager.h"
#include "tests/unit/fakes.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

using testing::Not;

class ManagerLatch : public ManagerTest {
 protected:
  const Error full_{.tried = "write", .subject = "/run/scx-slod/latch.new", .errno_value = ENOSPC};
};

TEST_F(ManagerLatch, ADetachThatCannotBeWrittenDownIsCarriedOutAndAnError) {
  start();
  latch_error_ = full_;
  const auto detached = manager().detach();
  ASSERT_FALSE(detached);
  EXPECT_THAT(detached.error().message(),
              AllOf(HasSubstr("cannot write /run/scx-slod/latch.new: No space left on device"),
                    HasSubstr("is detached now"), HasSubstr("would attach it")));
  EXPECT_EQ(kernel_.driver(), Driver::none);
  for (int second = 0; second < 3; ++second) {
    EXPECT_THAT(manager().state_reason(),
                AllOf(HasSubstr("detached by an operator"), HasSubstr("would attach again"),
                      HasSubstr("No space left on device")));
    EXPECT_FALSE(manager().healthy());
    pass(1);
  }
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_THAT(listener_.failures, SizeIs(1)) << "said once";
  EXPECT_FALSE(manager().detach()) << "still";
}

TEST_F(ManagerLatch, WhatCouldNotBeWrittenDownIsTriedAgainEverySecond) {
  start();
  latch_error_ = full_;
  EXPECT_FALSE(manager().detach());
  const int keeps = keeps_;
  manager().unit_changed(fact("b.service", 12));
  EXPECT_EQ(keeps_, keeps) << "not with all that happens";
  pass(1);
  pass(1);
  EXPECT_EQ(keeps_, keeps + 2);
  latch_error_.reset();
  pass(1);
  EXPECT_EQ(latch_, Latch{.detached = true});
  EXPECT_EQ(manager().state_reason(), "detached by an operator; `scx-slo attach` resumes");
  EXPECT_TRUE(manager().healthy());
  const int done = keeps_;
  pass(1);
  EXPECT_EQ(keeps_, done);

  start_again();
  EXPECT_EQ(manager().state(), State::observing);
}

TEST_F(ManagerLatch, ItIsTriedAgainWhenTheDaemonEnds) {
  start();
  latch_error_ = full_;
  EXPECT_FALSE(manager().detach());
  latch_error_.reset();
  manager().stop();
  EXPECT_EQ(latch_, Latch{.detached = true});
}

TEST_F(ManagerLatch, ADetachOfWhatTheNextDaemonWouldNotAttachIsNoError) {
  latch_ = {.gave_up = "the scheduler failed"};
  start();
  latch_error_ = full_;
  EXPECT_TRUE(manager().detach());
  EXPECT_THAT(manager().state_reason(), Not(HasSubstr("No space left on device")));
}

TEST_F(ManagerLatch, AnAttachThatTheNextDaemonWouldNotRepeatIsSaid) {
  start();
  EXPECT_TRUE(manager().detach());
  latch_error_ = full_;
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_THAT(manager().state_reason(), HasSubstr("would not attach: cannot write"));
  EXPECT_FALSE(manager().healthy());
  latch_error_.reset();
  pass(1);
  EXPECT_EQ(latch_, Latch{});
  EXPECT_EQ(manager().state_reason(), "1 unit with a budget");
  EXPECT_TRUE(manager().healthy());
}

TEST_F(ManagerLatch, AnOrderThatIsTakenBackNeedNotBeWrittenDown) {
  start();
  latch_error_ = full_;
  EXPECT_FALSE(manager().detach());
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(manager().state_reason(), "1 unit with a budget");
  const int keeps = keeps_;
  pass(1);
  EXPECT_EQ(keeps_, keeps);
}

TEST_F(ManagerLatch, WhatCouldNotBeReadIsAsAnOrderToDetach) {
  latch_ = {.detached = true, .unreadable = "cannot read /run/scx-slod/latch: Input/output error"};
  start();
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_THAT(manager().state_reason(),
              AllOf(HasSubstr("Input/output error"), HasSubstr("`scx-slo attach` resumes")));
  EXPECT_FALSE(manager().healthy());
  EXPECT_EQ(kernel_.attaches, 0);
  EXPECT_EQ(keeps_, 0) << "what is there stays, for somebody to look at";
  EXPECT_TRUE(manager().attach());
  EXPECT_EQ(manager().state(), State::enforcing);
  EXPECT_EQ(latch_, Latch{});
  EXPECT_TRUE(manager().healthy());
}

}  // namespace
}  // namespace slo
