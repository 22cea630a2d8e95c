// SPDX-License-Identifier: GPL-2.0-only
#include "units/slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/abi/slo_abi.h"

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Slots, AUnitKeepsItsSlotUntilItIsTakenBack) {
  Slots slots(2);
  EXPECT_EQ(slots.capacity(), 2U);
  EXPECT_EQ(slots.of("a"), SLO_NO_SLOT);
  slots.give("a");
  const auto slot = slots.of("a");
  ASSERT_LT(slot, 2U);
  slots.give("a");
  EXPECT_EQ(slots.of("a"), slot);
  EXPECT_EQ(*slots.owner_of(slot), "a");
  slots.take_back("a");
  EXPECT_EQ(slots.of("a"), SLO_NO_SLOT);
  EXPECT_EQ(slots.owner_of(slot), nullptr);
  EXPECT_THAT(slots.take_freed(), ElementsAre(slot));
  EXPECT_THAT(slots.take_freed(), IsEmpty());
}

TEST(Slots, WhoComesWhenAllAreTakenGetsNone) {
  Slots slots(2);
  for (const char* unit : {"a", "b", "c"}) slots.give(unit);
  EXPECT_NE(slots.of("a"), slots.of("b"));
  EXPECT_EQ(slots.of("c"), SLO_NO_SLOT);
  slots.take_back("c");
  EXPECT_THAT(slots.take_freed(), IsEmpty());
  const auto slot = slots.of("a");
  slots.take_back("a");
  slots.give("c");
  EXPECT_EQ(slots.of("c"), slot);
}

TEST(Slots, AFreedOneIsTheLastToBeTakenAgain) {
  Slots slots(3);
  slots.give("a");
  const auto first = slots.of("a");
  slots.take_back("a");
  for (const char* unit : {"b", "c", "d"}) slots.give(unit);
  EXPECT_EQ(*slots.owner_of(first), "d");
}

TEST(Slots, OneThatIsReservedGoesToWhoNeedsItNow) {
  Slots slots(2);
  slots.reserve("a");
  slots.reserve("b");
  slots.reserve("c");
  EXPECT_EQ(slots.of("c"), SLO_NO_SLOT) << "nobody loses one for it";
  const auto slot = slots.of("b");
  slots.give("d");
  EXPECT_EQ(slots.of("d"), slot);
  EXPECT_EQ(slots.of("b"), SLO_NO_SLOT);
  EXPECT_THAT(slots.take_freed(), ElementsAre(slot));
  slots.give("a");
  slots.give("e");
  EXPECT_EQ(slots.of("e"), SLO_NO_SLOT) << "both run";
}

TEST(Slots, OneThatIsSetAsideIsNobodysUntilItIsAssigned) {
  Slots slots(1);
  const auto slot = slots.set_aside();
  EXPECT_EQ(slot, 0U);
  EXPECT_EQ(slots.set_aside(), SLO_NO_SLOT);
  EXPECT_EQ(slots.owner_of(slot), nullptr);
  slots.give("a");
  EXPECT_EQ(slots.of("a"), SLO_NO_SLOT);
  slots.assign(slot, "b");
  EXPECT_EQ(*slots.owner_of(slot), "b");
  slots.put_back(slot);
  EXPECT_EQ(*slots.owner_of(slot), "b") << "it is not set aside any more";
  slots.take_back("b");
  slots.put_back(slots.set_aside());
  EXPECT_THAT(slots.take_freed(), ElementsAre(slot, slot));
  slots.give("a");
  EXPECT_EQ(slots.of("a"), slot);
}

TEST(Slots, NobodyOwnsWhatIsNoSlot) {
  Slots slots(1);
  slots.give("a");
  EXPECT_EQ(slots.owner_of(1), nullptr);
  EXPECT_EQ(slots.owner_of(SLO_NO_SLOT), nullptr);
}

}  // namespace
}  // namespace slo
