// SPDX-License-Identifier: GPL-2.0-only
#include "units/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <ranges>

#include "tests/unit/fakes.h"
#include "tests/unit/units/table.h"

namespace slo {
namespace {

TEST_F(UnitTable, ConfiguresUnitsWithABudgetOnly) {
  budget("a.service", "5ms");
  const auto changes = units_.listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_EQ(changes[0].cfg->budget_ns, 5'000'000U);
  EXPECT_THAT(units_.configured(), SizeIs(1));
  EXPECT_TRUE(units_.known("b.service"));
  EXPECT_FALSE(units_.known("c.service"));
  EXPECT_THAT(units_.all_cfgs(), ElementsAre(sets("a.service")));
}

TEST_F(UnitTable, AnInfiniteBudgetIsTold) {
  budget("a.service", "infinity");
  const auto changes = units_.listed({fact("a.service", 11)});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].cfg->flags, SLO_CFG_NO_BUDGET);
}

TEST_F(UnitTable, AUnitThatIsNotRunningIsToldWhenItStarts) {
  budget("a.service", "5ms");
  EXPECT_THAT(units_.listed({fact("a.service", 0)}), IsEmpty());
  EXPECT_THAT(units_.configured(), SizeIs(1));
  EXPECT_THAT(units_.all_cfgs(), IsEmpty());
  const auto changes = units_.changed(fact("a.service", 11));
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_THAT(units_.changed(fact("a.service", 11)), IsEmpty()) << "nothing new";
  EXPECT_THAT(units_.changed(fact("a.service", 0)), ElementsAre(forgets(11)));
  EXPECT_THAT(units_.configured(), SizeIs(1));
}

TEST_F(UnitTable, ARestartForgetsTheOldCgroupAndKeepsTheSlot) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 11)});
  const auto slot = units_.configured().at("a.service").slot;
  const auto changes = units_.changed(fact("a.service", 12));
  EXPECT_THAT(changes, ElementsAre(forgets(11), sets("a.service")));
  EXPECT_EQ(units_.configured().at("a.service").slot, slot);
  EXPECT_THAT(units_.take_freed_slots(), IsEmpty());
}

TEST_F(UnitTable, ACgroupIdThatMovesToAnotherUnitIsSetAndNotForgotten) {
  budget("a.service", "5ms");
  budget("b.service", "7ms");
  units_.listed({fact("a.service", 11), fact("b.service", 0)});
  const auto changes = units_.listed({fact("a.service", 0), fact("b.service", 11)});
  EXPECT_THAT(changes, ElementsAre(sets("b.service")));
}

TEST_F(UnitTable, EditedFilesCountFromTheNextListingOn) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 11)});
  budget("a.service", "9ms");
  EXPECT_THAT(units_.changed(fact("a.service", 11)), IsEmpty());
  EXPECT_EQ(files_.reads.count("/etc/a.service"), 1U);
  const auto changes = units_.listed({fact("a.service", 11)});
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_EQ(units_.configured().at("a.service").settings.budget->value.to_string(), "9ms");
}

TEST_F(UnitTable, AChangedListOfFilesIsReadAtOnce) {
  units_.listed({fact("a.service", 11)});
  budget("a.service.d/slo.conf", "5ms");
  auto with_drop_in = fact("a.service", 11);
  with_drop_in.files.emplace_back("/etc/a.service.d/slo.conf");
  const auto changes = units_.changed(with_drop_in);
  EXPECT_THAT(changes, ElementsAre(sets("a.service")));
  EXPECT_THAT(units_.changed(fact("a.service", 11)), ElementsAre(forgets(11)));
}

TEST_F(UnitTable, AUnitThatIsNewIsReadAtOnce) {
  budget("run-1.scope", "5ms");
  const auto changes = units_.changed(fact("run-1.scope", 11));
  EXPECT_THAT(changes, ElementsAre(sets("run-1.scope")));
}

TEST_F(UnitTable, LosingTheSettingsFreesTheSlot) {
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 11)});
  const auto slot = units_.configured().at("a.service").slot;
  budget("a.service", "");
  EXPECT_THAT(units_.listed({fact("a.service", 11)}), ElementsAre(forgets(11)));
  EXPECT_THAT(units_.take_freed_slots(), ElementsAre(slot));
  EXPECT_THAT(units_.take_freed_slots(), IsEmpty());
  EXPECT_TRUE(units_.known("a.service"));
}

TEST_F(UnitTable, UnitsThatAreGoneOrNoLongerListedAreForgotten) {
  budget("a.service", "5ms");
  budget("b.service", "5ms");
  units_.listed({fact("a.service", 11), fact("b.service", 12)});
  EXPECT_THAT(units_.gone("a.service"), ElementsAre(forgets(11)));
  EXPECT_FALSE(units_.known("a.service"));
  EXPECT_THAT(units_.gone("a.service"), IsEmpty());
  EXPECT_THAT(units_.listed({}), ElementsAre(forgets(12)));
  EXPECT_FALSE(units_.known("b.service"));
  EXPECT_THAT(units_.take_freed_slots(), SizeIs(2));
}

TEST_F(UnitTable, SettingsHoldForAllBelowUnlessThereIsANearerOne) {
  budget("web.slice", "5ms");
  budget("web-db.slice", "2ms");
  const UnitFact web{
      .name = "web.slice", .control_group = "/web.slice", .cgroup_id = 1, .files = {"/etc/web.slice"}};
  const UnitFact db{.name = "web-db.slice",
                    .control_group = "/web.slice/web-db.slice",
                    .cgroup_id = 2,
                    .files = {"/etc/web-db.slice"}};
  units_.listed({web, db, fact("a.service", 3, "/web.slice"), fact("b.service", 4, "/web.slice/web-db.slice"),
                 fact("c.service", 5, "/web.slice2"), fact("d.service", 0, "/web.slice"),
                 fact("e.service", 6, "/system.slice/web.slice")});
  EXPECT_EQ(effective("web.slice"), "web.slice");
  EXPECT_EQ(effective("web-db.slice"), "web-db.slice");
  EXPECT_EQ(effective("a.service"), "web.slice");
  EXPECT_EQ(effective("b.service"), "web-db.slice");
  EXPECT_EQ(effective("c.service"), "-") << "a name that merely begins alike";
  EXPECT_EQ(effective("d.service"), "-") << "not running";
  EXPECT_EQ(effective("e.service"), "-") << "another place in the tree";
  EXPECT_EQ(effective("nobody.service"), "-");
}

TEST_F(UnitTable, TheRootSliceHoldsForEverythingThatRuns) {
  budget("-.slice", "50ms");
  const UnitFact root{.name = "-.slice", .control_group = "/", .cgroup_id = 1, .files = {"/etc/-.slice"}};
  units_.listed({root, fact("a.service", 3), fact("b.service", 0)});
  EXPECT_EQ(effective("a.service"), "-.slice");
  EXPECT_EQ(effective("b.service"), "-");
}

TEST_F(UnitTable, AUnitWithoutACgroupHoldsForItselfAndASliceForWhatIsOnlyHeardOfFirst) {
  budget("b.service", "9ms");
  budget("web.slice", "5ms");
  units_.listed({fact("web.slice", 0), fact("b.service", 0), fact("a.service", 3, "/web.slice")});
  EXPECT_EQ(effective("web.slice"), "web.slice");
  EXPECT_EQ(effective("b.service"), "b.service");
  EXPECT_EQ(effective("a.service"), "web.slice") << "its path is known from its name";
}

TEST_F(UnitTable, NothingIsLeftOfAThousandStartsAndStops) {
  budget("a.service", "5ms");
  budget("web.slice", "5ms");
  units_.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 0)});
  std::map<std::uint64_t, slo_cfg> told;
  const auto tell = [&told](const std::vector<CfgChange>& changes) {
    for (const auto& change : changes) {
      if (change.cfg) {
        told.insert_or_assign(change.cgroup_id, *change.cfg);
      } else {
        EXPECT_EQ(told.erase(change.cgroup_id), 1U);
      }
    }
  };
  for (std::uint64_t id = 100; id < 1100; ++id) {
    tell(units_.changed(fact("a.service", id)));
    EXPECT_THAT(told, SizeIs(1));
    budget("run-" + std::to_string(id) + ".service", "7ms");
    tell(units_.changed(fact("run-" + std::to_string(id) + ".service", 2000 + id)));
    EXPECT_THAT(told, SizeIs(2));
    tell(units_.gone("run-" + std::to_string(id) + ".service"));
    tell(units_.changed(fact("a.service", 0)));
    EXPECT_THAT(told, IsEmpty());
    EXPECT_THAT(units_.take_freed_slots(), SizeIs(1));
  }
  EXPECT_THAT(units_.all_cfgs(), ElementsAre(sets("web.slice")));
  EXPECT_THAT(units_.configured(), SizeIs(2));
  EXPECT_THAT(units_.problems(), IsEmpty());
}

TEST_F(UnitTable, AnEndlessRowOfDifferentMistakesIsNotRememberedForEver) {
  for (int i = 0; i < 3000; ++i) {
    const std::string name = "run-" + std::to_string(i) + ".service";
    budget(name, "banana");
    units_.changed(fact(name, 1));
    EXPECT_THAT(units_.take_new_problems(), SizeIs(1));
    units_.gone(name);
  }
  EXPECT_LE(units_.remembered_problems(), 1000U);
}

TEST_F(UnitTable, OfVeryManyMistakesTheFirstAreToldAndOnceHowManyMoreThereAre) {
  std::vector<UnitFact> facts;
  for (int i = 0; i < 1500; ++i) {
    facts.push_back(fact("u" + std::to_string(i) + ".service", 1));
    budget(facts.back().name, "banana");
  }
  units_.listed(facts);
  const auto told = units_.take_new_problems();
  ASSERT_THAT(told, SizeIs(1001));
  EXPECT_EQ(told.back().message(), "unit files: 500 more problems are not told one by one");
  EXPECT_EQ(units_.remembered_problems(), 1000U);
  EXPECT_EQ(units_.config_errors(), 1500U);
  units_.changed(fact("x.service", 2));
  EXPECT_THAT(units_.take_new_problems(), IsEmpty());
  units_.listed(facts);
  EXPECT_THAT(units_.take_new_problems(), IsEmpty()) << "a reload without any other problem";
  facts.resize(1);
  units_.listed(facts);
  EXPECT_THAT(units_.take_new_problems(), IsEmpty());
  EXPECT_EQ(units_.config_errors(), 1U);
}

TEST_F(UnitTable, WhereSomeOfVeryManyMistakesAreGoneOthersAreTold) {
  std::vector<UnitFact> facts;
  for (int i = 0; i < 1100; ++i) {
    facts.push_back(fact("u" + std::to_string(i) + ".service", 1));
    budget(facts.back().name, "banana");
  }
  units_.listed(facts);
  const auto told = units_.take_new_problems();
  budget(told.front().units.front(), "5ms");
  units_.listed(facts);
  units_.listed(facts);
  EXPECT_THAT(units_.take_new_problems(), SizeIs(1));
  EXPECT_EQ(units_.remembered_problems(), 1000U);
}

TEST_F(UnitTable, AProblemIsNewOnceForAllUnitsThatShareItsFile) {
  budget("worker@.service", "banana");
  auto one = fact("worker@1.service", 1);
  auto two = fact("worker@2.service", 2);
  one.files = two.files = {"/etc/worker@.service"};
  units_.listed({one, two});
  const auto problems = units_.take_new_problems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].units, ElementsAre("worker@1.service", "worker@2.service"));
  EXPECT_THAT(units_.take_new_problems(), IsEmpty());
  EXPECT_THAT(units_.problems(), SizeIs(1));
}

TEST_F(UnitTable, AProblemIsTheSameOneWhenFurtherUnitsHaveIt) {
  budget("worker@.service", "banana");
  auto one = fact("worker@1.service", 1);
  auto two = fact("worker@2.service", 2);
  one.files = two.files = {"/etc/worker@.service"};
  units_.listed({one});
  EXPECT_THAT(units_.take_new_problems(), SizeIs(1));
  units_.changed(two);
  EXPECT_THAT(units_.take_new_problems(), IsEmpty());
}

TEST_F(UnitTable, AUnitThatComesAndGoesReportsItsProblemOncePerListing) {
  budget("job.service", "banana");
  int reports = 0;
  for (int run = 0; run < 5; ++run) {
    units_.changed(fact("job.service", 1));
    reports += static_cast<int>(units_.take_new_problems().size());
    units_.gone("job.service");
    reports += static_cast<int>(units_.take_new_problems().size());
  }
  EXPECT_EQ(reports, 1);
}

TEST_F(UnitTable, AProblemThatWasFixedAndCameBackIsNewAgain) {
  budget("a.service", "banana");
  units_.listed({fact("a.service", 1)});
  EXPECT_THAT(units_.take_new_problems(), SizeIs(1));
  units_.listed({fact("a.service", 1)});
  EXPECT_THAT(units_.take_new_problems(), IsEmpty()) << "still the same";
  budget("a.service", "5ms");
  units_.listed({fact("a.service", 1)});
  EXPECT_THAT(units_.problems(), IsEmpty());
  budget("a.service", "banana");
  units_.listed({fact("a.service", 1)});
  EXPECT_THAT(units_.take_new_problems(), SizeIs(1));
}

TEST_F(UnitTable, SaysWhetherTheConfiguredUnitsChanged) {
  budget("a.service", "5ms");
  EXPECT_FALSE(units_.take_changed());
  units_.listed({fact("a.service", 1), fact("b.service", 2)});
  EXPECT_TRUE(units_.take_changed());
  EXPECT_FALSE(units_.take_changed());
  units_.changed(fact("b.service", 3));
  EXPECT_FALSE(units_.take_changed()) << "b has no settings";
  units_.changed(fact("a.service", 4));
  EXPECT_TRUE(units_.take_changed()) << "a has another cgroup";
}

// Whatever happens: the changes handed out add up to all_cfgs(), slots have one owner each, and freed ones
// are announced; none is free while a unit that runs has none.
TEST_F(UnitTable, ChangesAlwaysAddUpToTheWhole) {
  std::mt19937_64 random(5);
  Units small(files_.reader(), 4);
  std::map<std::uint64_t, slo_cfg> told;
  std::map<std::uint32_t, std::string> owner;
  const auto any_fact = [&random] {
    const auto name = "u" + std::to_string(random() % 7) + ".service";
    return fact(name, random() % 9);
  };
  for (int step = 0; step < 5'000; ++step) {
    budget("u" + std::to_string(random() % 7) + ".service", random() % 2 == 0 ? "5ms" : "");
    std::vector<CfgChange> changes;
    if (const auto kind = random() % 10; kind == 0) {
      std::map<std::string, UnitFact> facts;
      for (auto count = random() % 8; count > 0; --count) {
        const auto one = any_fact();
        facts[one.name] = one;
      }
      std::vector<UnitFact> list;
      for (const auto& one : std::views::values(facts)) list.push_back(one);
      changes = small.listed(list);
    } else if (kind < 4) {
      changes = small.gone(any_fact().name);
    } else {
      changes = small.changed(any_fact());
    }
    bool set_seen = false;
    for (const auto& change : changes) {
      EXPECT_FALSE(set_seen && !change.cfg) << "forgetting comes first";
      set_seen = set_seen || change.cfg.has_value();
      if (change.cfg) {
        told.insert_or_assign(change.cgroup_id, *change.cfg);
      } else {
        EXPECT_EQ(told.erase(change.cgroup_id), 1U);
      }
    }
    std::vector<CfgChange> sum;
    for (const auto& [id, cfg] : told) sum.push_back({.cgroup_id = id, .cfg = cfg});
    ASSERT_EQ(sum, small.all_cfgs());

    for (const auto slot : small.take_freed_slots()) owner.erase(slot);
    std::map<std::uint32_t, std::string> now;
    for (const auto& [name, unit] : small.configured()) {
      if (unit.counted_with || unit.slot == SLO_NO_SLOT) continue;
      ASSERT_TRUE(now.emplace(unit.slot, name).second);
    }
    for (const auto& [slot, name] : owner) ASSERT_EQ(now[slot], name) << "a slot changed hands unannounced";
    for (const auto& unit : std::views::values(small.configured()))
      ASSERT_FALSE(unit.cgroup_id != 0 && unit.counted_with && now.size() < 4) << unit.name;
    owner = now;
  }
}

}  // namespace
}  // namespace slo
