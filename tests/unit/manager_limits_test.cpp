// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

class ManagerLimitsTest : public ManagerTest {
 protected:
  // A limit of this cgroup, in which a task ran just now.
  void keep(std::uint64_t cgroup_id) {
    KeptLimit kept;
    kept.record.task_group = cgroup_id;
    kept.record.cgroup_id = cgroup_id;
    kept.record.used_ns = now_.monotonic_ns;
    kept.cfg.quota_ns = kept.cfg.period_ns = 100 * SLO_NSEC_PER_MSEC;
    kernel_.limits.push_back(kept);
  }

  // The scheduler finds a limit that it cannot keep.
  void find(std::uint64_t cgroup_id, std::uint32_t reason) {
    slo_unkept_limit limit{};
    limit.cgroup_id = cgroup_id;
    limit.reason = reason;
    kernel_.unkept.push_back(limit);
  }

  const UnkeptSetting not_shown_ = unkept_limit("web.service", WhyUnkept::not_shown);
};

TEST_F(ManagerLimitsTest, LimitsAreToldByUnitWhileTheSchedulerKeepsThem) {
  start();
  keep(11);
  ASSERT_TRUE(manager().limits());
  ASSERT_THAT(*manager().limits(), SizeIs(1));
  EXPECT_EQ(manager().limits()->front().unit, "a.service");
  EXPECT_TRUE(manager().detach());
  EXPECT_FALSE(manager().limits()) << "the kernel keeps them now";
}

TEST_F(ManagerLimitsTest, ALimitOfAUnitWithoutBudgetHasItsNameToo) {
  budget("a.service", "5ms");
  manager().units_listed({fakes::fact("a.service", 11), fakes::fact("batch.service", 12)});
  keep(12);
  EXPECT_EQ(manager().limits().value().at(0).unit, "batch.service");
}

TEST_F(ManagerLimitsTest, WhatTheSchedulerCannotKeepIsToldOnceAndDoesNotDetach) {
  reading_.config.strict = true;
  start();
  pass(1);
  EXPECT_EQ(listener_.unkept_changes, 0);
  find(11, SLO_UNKEPT_TOO_DEEP);
  pass(1);
  pass(1);
  EXPECT_THAT(listener_.unkept, ElementsAre(HasSubstr("CPUQuota= is not kept for a.service: ")));
  find(12, SLO_UNKEPT_NO_PLACE);
  pass(1);
  EXPECT_THAT(listener_.unkept, SizeIs(2));
  EXPECT_THAT(manager().unkept(), SizeIs(2));
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerLimitsTest, WithoutTheSchedulerTheKernelKeepsAll) {
  start();
  find(11, SLO_UNKEPT_TOO_DEEP);
  pass(1);
  EXPECT_TRUE(manager().detach());
  pass(2);
  EXPECT_THAT(manager().unkept(), IsEmpty());
  EXPECT_EQ(listener_.unkept_changes, 2) << "the bus is to hear of it";
  EXPECT_THAT(listener_.unkept, SizeIs(1));
}

TEST_F(ManagerLimitsTest, StrictlyItIsLookedBeforeAttachingAndNotAttached) {
  reading_.config.strict = true;
  set_and_unkept_ = {not_shown_};
  start();
  EXPECT_TRUE(looked_strictly_);
  EXPECT_EQ(kernel_.attaches, 0);
  EXPECT_EQ(manager().state(), State::observing);
  EXPECT_TRUE(manager().cannot_enforce());
  EXPECT_THAT(manager().state_reason(),
              AllOf(HasSubstr("CPUQuota= is not kept for web.service"), HasSubstr("Strict=yes")));
  pass(1);
  EXPECT_THAT(listener_.unkept, IsEmpty()) << "the reason says it";
}

TEST_F(ManagerLimitsTest, AReloadLooksAgain) {
  reading_.config.strict = true;
  set_and_unkept_ = {not_shown_};
  start();
  set_and_unkept_.clear();
  pass(60);
  EXPECT_EQ(manager().state(), State::observing);
  manager().reload();
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerLimitsTest, StrictNoMoreLetsItAttachAtTheNextReload) {
  reading_.config.strict = true;
  set_and_unkept_ = {not_shown_};
  start();
  reading_.config.strict = false;
  manager().reload();
  EXPECT_FALSE(looked_strictly_);
  EXPECT_EQ(manager().state(), State::enforcing);
}

TEST_F(ManagerLimitsTest, OtherwiseItIsAttachedAndWhatWasFoundBeforeIsTold) {
  set_and_unkept_ = {not_shown_};
  start();
  EXPECT_EQ(manager().state(), State::enforcing);
  pass(1);
  pass(1);
  EXPECT_THAT(listener_.unkept, ElementsAre(HasSubstr("web.service")));
  EXPECT_THAT(manager().unkept(), ElementsAre(not_shown_));
}

}  // namespace
}  // namespace slo
