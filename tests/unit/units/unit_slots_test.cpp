// SPDX-License-Identifier: GPL-2.0-only
// Which units have counters of their own, and with whom the others are counted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tests/unit/units/table.h"

namespace slo {
namespace {

class UnitSlots : public UnitTable {
 protected:
  const std::string db_path = "/web.slice/web-db.slice";

  static const Unit& of(const Units& units, const std::string& name) { return units.configured().at(name); }
  // "own", "none yet", or with whom.
  static std::string counted(const Units& units, const std::string& name) {
    const Unit& unit = of(units, name);
    if (unit.counted_with) return "with " + *unit.counted_with;
    return unit.slot == SLO_NO_SLOT ? "none yet" : "own";
  }
  void budgets(std::initializer_list<const char*> names) {
    for (const char* name : names) budget(name, "5ms");
  }
};

TEST_F(UnitSlots, WhatExceedsTheCapacityKeepsItsSettingsAndIsCountedWithTheNearestAboveThatHasASlot) {
  Units small(files_.reader(), 2);
  budgets({"web.slice", "web-db.slice", "z.service"});
  budget("a.service", "2ms");
  also("a.service", &SloSettings::metric, "response");
  also("a.service", &SloSettings::max_exec, "9ms");
  const auto changes = small.listed({fact("a.service", 3, db_path), slice("web-db.slice", db_path, 2),
                                     slice("web.slice", "/web.slice", 1)});
  EXPECT_THAT(changes, SizeIs(3));
  EXPECT_EQ(counted(small, "web.slice"), "own") << "those above come first";
  EXPECT_EQ(counted(small, "web-db.slice"), "own");
  EXPECT_EQ(counted(small, "a.service"), "with web-db.slice");
  const slo_cfg cfg = changes[2].cfg.value();
  EXPECT_EQ(cfg.budget_ns, 2'000'000U);
  EXPECT_EQ(cfg.max_exec_ns, 9'000'000U);
  EXPECT_EQ(cfg.flags, SLO_CFG_RESPONSE);
  EXPECT_EQ(cfg.slot, of(small, "web-db.slice").slot);
  EXPECT_EQ(cfg.unit, of(small, "a.service").number);
  EXPECT_EQ(small.owner_of_slot(cfg.slot)->name, "web-db.slice");
  EXPECT_EQ(small.numbered(cfg.unit)->name, "a.service");
  EXPECT_EQ(small.folded(), 1U);
  EXPECT_TRUE(small.take_changed());

  small.changed(fact("z.service", 4));
  EXPECT_EQ(counted(small, "z.service"), "with ") << "nobody above is counted";
  EXPECT_EQ(small.all_cfgs()[3].cfg->slot, SLO_NO_SLOT);
  EXPECT_EQ(small.all_cfgs()[3].cfg->budget_ns, 5'000'000U);
  EXPECT_EQ(small.folded(), 2U);
}

TEST_F(UnitSlots, AUnitAboveWithoutASlotIsPassedOver) {
  Units small(files_.reader(), 2);
  budgets({"web.slice", "other.service", "web-db.slice", "a.service"});
  small.changed(slice("web.slice", "/web.slice", 1));
  small.changed(fact("other.service", 9));
  small.changed(slice("web-db.slice", db_path, 2));
  small.changed(fact("a.service", 3, db_path));
  EXPECT_EQ(counted(small, "web-db.slice"), "with web.slice");
  EXPECT_EQ(counted(small, "a.service"), "with web.slice");
}

TEST_F(UnitSlots, ASlotThatBecomesFreeIsGivenToWhoeverHasNone) {
  Units small(files_.reader(), 1);
  budgets({"web.slice", "a.service"});
  small.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice")});
  EXPECT_EQ(counted(small, "a.service"), "with web.slice");
  static_cast<void>(small.take_changed());
  const auto slot = of(small, "web.slice").slot;
  budget("web.slice", "");
  EXPECT_THAT(small.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice")}),
              ElementsAre(forgets(1)))
      << "the slot that its jobs went into is its own now";
  EXPECT_THAT(small.take_freed_slots(), ElementsAre(slot)) << "and is cleared";
  EXPECT_EQ(counted(small, "a.service"), "own");
  EXPECT_TRUE(small.take_changed());
  EXPECT_EQ(small.folded(), 0U);
  EXPECT_THAT(small.problems(), IsEmpty());
}

TEST_F(UnitSlots, UnitsThatLoseTheirSettingsMakeRoomInTheSameListing) {
  Units small(files_.reader(), 1);
  budget("z.service", "5ms");
  small.listed({fact("a.service", 1), fact("z.service", 2)});
  budget("z.service", "");
  budget("a.service", "5ms");
  small.listed({fact("a.service", 1), fact("z.service", 2)});
  EXPECT_EQ(counted(small, "a.service"), "own");
  EXPECT_THAT(small.problems(), IsEmpty());
}

TEST_F(UnitSlots, AUnitThatHasNeverRunHasASlotOnlyWhereNobodyElseNeedsItAndOneThatHasStoppedKeepsIt) {
  Units small(files_.reader(), 1);
  budgets({"a.service", "b.service"});
  small.listed({fact("a.service", 0)});
  EXPECT_EQ(counted(small, "a.service"), "own") << "it is counted from its first job on";
  small.changed(fact("b.service", 2));
  EXPECT_EQ(counted(small, "a.service"), "none yet");
  EXPECT_EQ(counted(small, "b.service"), "own");
  EXPECT_THAT(small.problems(), IsEmpty());
  EXPECT_THAT(small.take_freed_slots(), SizeIs(1));
  const auto slot = of(small, "b.service").slot;
  small.changed(fact("b.service", 0));
  small.changed(fact("a.service", 1));
  EXPECT_EQ(counted(small, "a.service"), "with ");
  EXPECT_EQ(of(small, "b.service").slot, slot);
  EXPECT_THAT(small.take_freed_slots(), IsEmpty());
}

TEST_F(UnitSlots, AUnitWithNothingToKeepTakesNoSlot) {
  budget("a.service", "infinity");
  also("b.service", &SloSettings::objective, "95%");
  units_.listed({fact("a.service", 1), fact("b.service", 2)});
  EXPECT_EQ(counted(units_, "a.service"), "none yet");
  EXPECT_EQ(counted(units_, "b.service"), "none yet");
  EXPECT_EQ(units_.folded(), 0U);
}

TEST_F(UnitSlots, WhatHasStoppedStaysWhereItWasCounted) {
  Units small(files_.reader(), 1);
  budgets({"web.slice", "a.service"});
  small.listed({slice("web.slice", "/web.slice", 1), fact("a.service", 2, "/web.slice")});
  small.changed(fact("a.service", 0));
  EXPECT_EQ(counted(small, "a.service"), "with web.slice");
  small.gone("web.slice");
  EXPECT_EQ(counted(small, "a.service"), "own") << "its figures have gone with the slice, and a slot is free";
}

TEST_F(UnitSlots, ItIsAWarningOnceForAllUnitsThatShareTheFile) {
  Units small(files_.reader(), 1);
  budgets({"a.service", "worker@.service"});
  auto one = fact("worker@1.service", 2);
  auto two = fact("worker@2.service", 3);
  one.files = two.files = {"/etc/worker@.service"};
  small.listed({fact("a.service", 1), one, two});
  const auto problems = small.take_new_problems();
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].severity, ConfigProblem::Severity::warning) << "nothing is ignored";
  EXPECT_THAT(
      problems[0].message(),
      HasSubstr("/etc/worker@.service:2: SloBudget=5ms: it holds, but the unit has no counters of its "
                "own: Capacity=1 is used up"));
  EXPECT_THAT(problems[0].units, ElementsAre("worker@1.service", "worker@2.service"));
  small.gone("a.service");
  EXPECT_EQ(small.problems()[0].units, std::vector<std::string>{"worker@2.service"});
}

TEST_F(UnitSlots, NumbersAreNeverGivenAgain) {
  budgets({"a.service", "b.service"});
  units_.listed({fact("a.service", 1), fact("b.service", 2)});
  const auto first = of(units_, "a.service").number;
  EXPECT_NE(first, SLO_NO_UNIT);
  EXPECT_NE(first, of(units_, "b.service").number);
  units_.changed(fact("a.service", 3));
  EXPECT_EQ(of(units_, "a.service").number, first) << "a restart is the same unit";
  units_.gone("a.service");
  EXPECT_EQ(units_.numbered(first), nullptr);
  units_.changed(fact("a.service", 4));
  EXPECT_NE(of(units_, "a.service").number, first);
  EXPECT_EQ(units_.numbered(SLO_NO_UNIT), nullptr);
}

}  // namespace
}  // namespace slo
