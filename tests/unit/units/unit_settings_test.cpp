// SPDX-License-Identifier: GPL-2.0-only
// Which settings hold for a unit: inherited, by default, implicit, and those that systemd has not read yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/units/table.h"

namespace slo {
namespace {

using testing::UnorderedElementsAre;

class UnitSettings : public UnitTable {};

TEST_F(UnitSettings, AUnitOfItsOwnSaysOnlyWhatItSetsItself) {
  budget("web.slice", "5ms");
  also("web.slice", &SloSettings::metric, "response");
  also("web.slice", &SloSettings::objective, "99%");
  also("web-db.slice", &SloSettings::max_exec, "50ms");
  budget("a.service", "20ms");
  also("b.service", &SloSettings::objective, "95%");
  units_.listed({slice("web.slice", "/web.slice", 1), slice("web-db.slice", "/web.slice/web-db.slice", 2),
                 fact("a.service", 3, "/web.slice/web-db.slice"), fact("b.service", 4, "/web.slice"),
                 fact("c.service", 5, "/web.slice/web-db.slice")});
  EXPECT_THAT(in_force("web.slice"),
              ElementsAre("SloBudget=5ms /etc/web.slice", "SloMetric=response /etc/web.slice",
                          "SloObjective=99% /etc/web.slice", "SloImportance=100 default",
                          "SloMaxExec=100ms default"));
  EXPECT_THAT(in_force("web-db.slice"),
              ElementsAre("SloBudget=5ms /etc/web.slice", "SloMetric=response /etc/web.slice",
                          "SloObjective=99% /etc/web.slice", "SloImportance=100 default",
                          "SloMaxExec=50ms /etc/web-db.slice"));
  EXPECT_THAT(in_force("a.service"),
              ElementsAre("SloBudget=20ms /etc/a.service", "SloMetric=response /etc/web.slice",
                          "SloObjective=99% /etc/web.slice", "SloImportance=100 default",
                          "SloMaxExec=50ms /etc/web-db.slice"));
  EXPECT_THAT(in_force("b.service"),
              ElementsAre("SloBudget=5ms /etc/web.slice", "SloMetric=response /etc/web.slice",
                          "SloObjective=95% /etc/b.service", "SloImportance=100 default",
                          "SloMaxExec=100ms default"));
  EXPECT_EQ(effective("c.service"), "web-db.slice");
  EXPECT_EQ(sets("a.service").cfg->flags, SLO_CFG_RESPONSE);
  EXPECT_EQ(sets("a.service").cfg->max_exec_ns, 50 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(sets("b.service").cfg->budget_ns, 5 * SLO_NSEC_PER_MSEC);
}

TEST_F(UnitSettings, WhatFollowsFromTheBudgetOfASliceIsNotInherited) {
  budget("web.slice", "10s");
  budget("a.service", "5ms");
  units_.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice")});
  EXPECT_EQ(units_.configured().at("web.slice").effective.max_exec->value.to_string(), "3min 20s");
  EXPECT_EQ(units_.configured().at("a.service").effective.max_exec->value.to_string(), "100ms");
}

TEST_F(UnitSettings, ASliceThatComesChangesOrGoesIsToldForTheUnitsThatInheritPartOfIt) {
  also("a.service", &SloSettings::objective, "95%");
  EXPECT_THAT(units_.listed({fact("a.service", 2, "/web.slice")}), IsEmpty()) << "no budget holds";
  EXPECT_TRUE(units_.take_changed());
  EXPECT_FALSE(units_.configured().at("a.service").effective.has_budget());

  budget("web.slice", "5ms");
  const auto came = units_.changed(slice("web.slice", "/web.slice", 1));
  EXPECT_THAT(came, ElementsAre(sets("web.slice"), sets("a.service")));
  EXPECT_EQ(sets("a.service").cfg->budget_ns, 5 * SLO_NSEC_PER_MSEC);
  EXPECT_NE(sets("a.service").cfg->slot, sets("web.slice").cfg->slot);

  budget("web.slice", "7ms");
  const auto changes =
      units_.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice")});
  EXPECT_THAT(changes, ElementsAre(sets("web.slice"), sets("a.service")));
  EXPECT_EQ(sets("a.service").cfg->budget_ns, 7 * SLO_NSEC_PER_MSEC);
  EXPECT_TRUE(units_.take_changed());
  EXPECT_THAT(units_.gone("web.slice"), ElementsAre(forgets(1), forgets(2)));
  EXPECT_TRUE(units_.take_changed());
}

TEST_F(UnitSettings, InfinityBelowASliceEndsItsBudgetAndAnInfiniteSliceNothingOfItsUnits) {
  budget("web.slice", "infinity");
  budget("a.service", "5ms");
  budget("b.service", "infinity");
  units_.listed(
      {slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice"), fact("b.service", 3)});
  EXPECT_EQ(sets("web.slice").cfg->flags, SLO_CFG_NO_BUDGET);
  EXPECT_EQ(sets("a.service").cfg->flags, 0U);
  EXPECT_EQ(sets("b.service").cfg->flags, SLO_CFG_NO_BUDGET);
}

TEST_F(UnitSettings, DefaultsHoldWhereNoUnitSaysAnything) {
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  also("b.service", &SloSettings::metric, "wait");
  units_.listed({fact("a.service", 1), fact("b.service", 2)});
  EXPECT_TRUE(units_.take_changed());
  SloSettings defaults = standard_settings();
  EXPECT_THAT(units_.set_defaults(defaults), IsEmpty());
  EXPECT_FALSE(units_.take_changed());
  defaults.metric =
      Setting<Metric>{.value = Metric::response(), .origin = {.file = "/etc/scx-slo.conf", .line = 1}};
  const auto changes = units_.set_defaults(defaults);
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_TRUE(units_.take_changed());
  EXPECT_EQ(sets("a.service").cfg->flags, SLO_CFG_RESPONSE);
  EXPECT_EQ(sets("b.service").cfg->flags, 0U);
}

TEST_F(UnitSettings, WhatSystemdHasNotReadYetDoesNotCount) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 11)});
  budget("a.service", "9ms");
  auto edited = fact("a.service", 11);
  edited.needs_daemon_reload = true;
  edited.files.emplace_back("/etc/a.service.d/new.conf");
  EXPECT_THAT(units_.changed(edited), IsEmpty());
  EXPECT_TRUE(units_.configured().at("a.service").needs_daemon_reload);
  EXPECT_THAT(units_.listed({edited}), IsEmpty()) << "a reload of ours alone";
  EXPECT_EQ(units_.configured().at("a.service").effective.budget->value.to_string(), "5ms");
  EXPECT_EQ(files_.reads.count("/etc/a.service"), 1U);

  const auto changes = units_.listed({fact("a.service", 11)});
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_EQ(changes.at(0).cfg->budget_ns, 9 * SLO_NSEC_PER_MSEC);
  EXPECT_FALSE(units_.configured().at("a.service").needs_daemon_reload);
}

TEST_F(UnitSettings, AChangeIsReadAnewOnceSystemdHasReloaded) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 11)});
  budget("a.service", "9ms");
  EXPECT_THAT(units_.changed(fact("a.service", 11)), IsEmpty());
  EXPECT_THAT(units_.changed(fact("a.service", 12)), SizeIs(2)) << "another cgroup, the same settings";
  EXPECT_EQ(sets("a.service").cfg->budget_ns, 5 * SLO_NSEC_PER_MSEC);
  auto reloaded = fact("a.service", 12);
  reloaded.reload = 1;
  const auto changes = units_.changed(reloaded);
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_EQ(sets("a.service").cfg->budget_ns, 9 * SLO_NSEC_PER_MSEC);
}

TEST_F(UnitSettings, FirstSettingsThatSystemdHasNotReadHaveAWord) {
  auto edited = fact("a.service", 7);
  units_.listed({edited});
  edited.needs_daemon_reload = true;
  edited.waiting = "/etc/a.service.d/slo.conf";
  units_.changed(edited);
  ASSERT_THAT(units_.problems(), SizeIs(1));
  EXPECT_EQ(units_.problems()[0].message(),
            "/etc/a.service.d/slo.conf: its settings are not in force, as systemd has not read the file: "
            "systemctl daemon-reload");
  EXPECT_THAT(units_.problems()[0].units, ElementsAre("a.service"));
  EXPECT_THAT(units_.waiting(), ElementsAre("a.service"));
  EXPECT_TRUE(units_.take_changed());
  edited.waiting.clear();
  units_.changed(edited);
  EXPECT_THAT(units_.problems(), IsEmpty());
  EXPECT_THAT(units_.waiting(), IsEmpty());
}

TEST_F(UnitSettings, AUnitSeenForTheFirstTimeIsReadInAnyCase) {
  budget("a.service", "5ms");
  auto edited = fact("a.service", 11);
  edited.needs_daemon_reload = true;
  const auto changes = units_.listed({edited});
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
}

TEST_F(UnitSettings, WhereRootWorksHasTheOperatorsReserve) {
  const std::vector<UnitFact> facts = {fact("user-0.slice", 1),       fact("user-1000.slice", 2),
                                       fact("ssh.service", 3),        fact("sshd@7-10.0.0.1.service", 4),
                                       fact("getty@tty1.service", 5), fact("getty-static.service", 6),
                                       fact("emergency.service", 7),  fact("sshd.slice", 8)};
  EXPECT_THAT(units_.listed(facts), IsEmpty()) << "there is none";
  std::vector<std::uint64_t> reserved;
  for (const CfgChange& change : units_.set_operator_reserve(50)) {
    reserved.push_back(change.cgroup_id);
    ASSERT_TRUE(change.cfg);
    EXPECT_EQ(change.cfg->server, SLO_SERVER_OPERATOR);
    EXPECT_EQ(change.cfg->flags, SLO_CFG_NO_BUDGET | SLO_CFG_ROOT_ONLY);
    EXPECT_EQ(change.cfg->slot, SLO_NO_SLOT);
  }
  EXPECT_THAT(reserved, UnorderedElementsAre(1, 3, 4, 5, 7));
  EXPECT_THAT(units_.set_operator_reserve(0), SizeIs(5));
}

TEST_F(UnitSettings, AUnitFileComesBeforeTheOperatorsReserve) {
  budget("user-0.slice", "20ms");
  units_.set_operator_reserve(50);
  units_.listed({fact("user-0.slice", 1)});
  EXPECT_EQ(units_.all_cfgs().size(), 1U);
  EXPECT_EQ(units_.all_cfgs().front().cfg->budget_ns, 20 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(units_.all_cfgs().front().cfg->server, SLO_NO_SLOT);
}

TEST_F(UnitSettings, WhatTheMachineIsOperatedWithHasAnImplicitBudget) {
  slo_cfg implicit{};
  implicit.budget_ns = 10 * SLO_NSEC_PER_MSEC;
  implicit.max_exec_ns = 200 * SLO_NSEC_PER_MSEC;
  implicit.slot = SLO_NO_SLOT;
  implicit.importance = 100;
  implicit.server = SLO_NO_SLOT;
  const auto has_implicit = [&implicit](std::uint64_t id) {
    return CfgChange{.cgroup_id = id, .cfg = implicit};
  };
  EXPECT_THAT(
      units_.listed({fact("dbus.service", 1), fact("dbus-broker.service", 2), fact("scx-slo.service", 3),
                     fact("systemd-logind.service", 4), fact("systemd-journald.service", 5),
                     fact("nginx.service", 6)}),
      ElementsAre(has_implicit(1), has_implicit(2), has_implicit(3), has_implicit(4), has_implicit(5)));
  EXPECT_THAT(units_.configured(), IsEmpty());
  EXPECT_EQ(effective("dbus.service"), "-");

  EXPECT_THAT(units_.changed(fact("dbus.service", 7)), ElementsAre(forgets(1), has_implicit(7)));
  EXPECT_THAT(units_.changed(fact("dbus.service", 0)), ElementsAre(forgets(7)));

  budget("system.slice", "infinity");
  const auto over_all = units_.changed(slice("system.slice", "/system.slice", 20));
  EXPECT_THAT(over_all, ElementsAre(forgets(2), forgets(3), forgets(4), forgets(5), sets("system.slice")))
      << "what an operator says holds";
  EXPECT_THAT(units_.gone("system.slice"),
              ElementsAre(forgets(20), has_implicit(2), has_implicit(3), has_implicit(4), has_implicit(5)));

  budget("dbus.service", "2ms");
  budget("system.slice", "");
  const auto own = units_.listed({fact("dbus.service", 7)});
  EXPECT_THAT(own, ElementsAre(forgets(2), forgets(3), forgets(4), forgets(5), sets("dbus.service")));
}

TEST_F(UnitSettings, SaysWhatIsInForceAlsoWhereNothingWasSet) {
  budget("web.slice", "5ms");
  units_.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice"),
                 fact("b.service", 3), fact("dbus.service", 4)});
  const auto budget_of = [this](std::string_view name) {
    const auto settings = units_.in_force(name);
    EXPECT_TRUE(settings.metric && settings.objective) << name;
    return settings.budget ? settings.budget->value.to_string() + " " + settings.budget->origin.file : "-";
  };
  EXPECT_EQ(budget_of("web.slice"), "5ms /etc/web.slice");
  EXPECT_EQ(budget_of("a.service"), "5ms /etc/web.slice");
  EXPECT_EQ(budget_of("b.service"), "-");
  EXPECT_EQ(budget_of("dbus.service"), "10ms ");
  EXPECT_TRUE(units_.in_force("dbus.service").max_exec);
}

TEST_F(UnitSettings, AnObjectiveWithoutABudgetLeavesTheImplicitOne) {
  also("dbus.service", &SloSettings::objective, "95%");
  const auto changes = units_.listed({fact("dbus.service", 1)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].cfg->slot, SLO_NO_SLOT);
  EXPECT_EQ(changes[0].cfg->budget_ns, 10 * SLO_NSEC_PER_MSEC);
}

TEST_F(UnitSettings, ABudgetOnASliceThatHoldsNearlyEverythingIsAWarning) {
  budget("system.slice", "5ms");
  units_.listed({slice("system.slice", "/system.slice", 1)});
  const auto problems = units_.take_new_problems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].severity, ConfigProblem::Severity::warning);
  EXPECT_THAT(problems[0].message(), HasSubstr("/etc/system.slice:2: SloBudget=5ms: accepted, but "));
}

}  // namespace
}  // namespace slo
