// SPDX-License-Identifier: GPL-2.0-only
// What the kernel gave a cgroup when it was made, and what its unit turned out to be.
#include <cstdint>
#include <string>

#include "bpf/policy/policy.h"
#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

class ManagerStarts : public ManagerTest {
 protected:
  void SetUp() override { start(); }

  // A cgroup that was made so long ago; the kernel gave it these settings, or none.
  void made(std::uint64_t cgroup_id, std::uint64_t ago_ns, std::optional<slo_cfg> cfg) {
    kernel_.made[cgroup_id] = {.made_ns = now_.monotonic_ns - ago_ns, .cfg = cfg};
  }
  static slo_cfg cfg(std::uint64_t budget_ns) {
    slo_cfg of{};
    of.budget_ns = budget_ns;
    of.max_exec_ns = slo_default_max_exec_ns(budget_ns);
    of.importance = 100;
    return of;
  }
};

TEST_F(ManagerStarts, ABudgetThatCameLateIsCountedWithHowLateItWas) {
  budget("b.service", "5ms");
  made(22, sec / 10, std::nullopt);
  manager().unit_changed(fact("b.service", 22));
  EXPECT_EQ(manager().late_budgets().number, 1U);
  EXPECT_GE(manager().late_budgets().latest_ns, sec / 10);
  EXPECT_LT(manager().late_budgets().latest_ns, sec / 9);
  manager().unit_changed(fact("b.service", 22));
  EXPECT_EQ(manager().late_budgets().number, 1U) << "a unit starts once";
  EXPECT_THAT(listener_.failures, IsEmpty());
}

TEST_F(ManagerStarts, OneThatTheKernelGaveInTimeIsNot) {
  budget("b.service", "5ms");
  made(22, sec / 10, cfg(5'000'000));
  manager().unit_changed(fact("b.service", 22));
  EXPECT_EQ(manager().late_budgets().number, 0U);
  EXPECT_THAT(listener_.failures, IsEmpty());
}

TEST_F(ManagerStarts, NobodyIsLateWhoWasThereBeforeWeLookedOrHasNoBudget) {
  budget("b.service", "5ms");
  kernel_.made[22] = {.made_ns = 0, .cfg = {}};
  manager().unit_changed(fact("b.service", 22));
  made(33, sec, std::nullopt);
  manager().unit_changed(fact("c.service", 33));
  made(44, sec, std::nullopt);
  manager().unit_changed(fact("dbus.service", 44));
  EXPECT_EQ(manager().late_budgets().number, 0U);
}

TEST_F(ManagerStarts, WhatTheKernelGaveWronglyIsToldAndPutRight) {
  made(22, sec / 10, cfg(9'000'000));
  kernel_.cfgs[22] = cfg(9'000'000);
  manager().unit_changed(fact("c.service", 22));
  ASSERT_THAT(listener_.failures, SizeIs(1));
  EXPECT_THAT(listener_.failures[0], HasSubstr("given a budget of 9ms"));
  EXPECT_FALSE(kernel_.cfgs.contains(22)) << "it has no settings";
}

TEST_F(ManagerStarts, PathsForWhichThereIsNoRoomAreToldOnce) {
  std::vector<UnitFact> facts;
  for (unsigned i = 0; i < SLO_PATHS_MAX; ++i) {
    auto unit = fact("u" + std::to_string(i) + ".service", 0);
    unit.files = {"/etc/u@.service"};
    facts.push_back(unit);
  }
  budget("u@.service", "5ms");
  manager().units_listed(facts);
  ASSERT_THAT(listener_.failures, SizeIs(1));
  EXPECT_THAT(listener_.failures[0], HasSubstr("beyond the 65536 paths"));
  manager().unit_changed(fact("c.service", 22));
  EXPECT_THAT(listener_.failures, SizeIs(1)) << "nothing new";
}

TEST_F(ManagerStarts, AMistakeInATemplateIsToldWithTheUnitsThatShareIt) {
  budget("db@.service", "banana");
  manager().patterns_found({{.name = "db@.service", .files = {"/etc/db@.service"}}});
  EXPECT_THAT(listener_.problems, IsEmpty());
  auto instance = fact("db@1.service", 66);
  instance.files = {"/etc/db@.service"};
  manager().units_listed({instance});
  ASSERT_THAT(listener_.problems, SizeIs(1));
  EXPECT_THAT(listener_.problems[0], HasSubstr("banana"));
}

TEST_F(ManagerStarts, SparesAreOfferedWhereAPatternCouldNeedThemAndComeBack) {
  EXPECT_THAT(kernel_.spares, IsEmpty());
  budget("docker-.scope", "5ms");
  manager().patterns_found({{.name = "docker-.scope", .files = {"/etc/docker-.scope"}}});
  ASSERT_THAT(kernel_.spares, SizeIs(2));
  EXPECT_NE(kernel_.spares[0].unit, kernel_.spares[1].unit);
  EXPECT_NE(kernel_.spares[0].slot, kernel_.spares[1].slot);

  slo_spare given = kernel_.spares[0];
  given.cgroup_id = 55;
  kernel_.spares.erase(kernel_.spares.begin());
  kernel_.given = {given};
  kernel_.made[55] = {.made_ns = 1, .cfg = cfg(5'000'000)};
  auto scope = fact("docker-1.scope", 55);
  scope.files = {"/etc/docker-.scope"};
  manager().unit_changed(scope);
  EXPECT_EQ(manager().units().at("docker-1.scope").slot, given.slot);
  EXPECT_THAT(kernel_.spares, SizeIs(2)) << "there is another one for the next";
}

}  // namespace
}  // namespace slo
