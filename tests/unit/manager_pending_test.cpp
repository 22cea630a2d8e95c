// SPDX-License-Identifier: GPL-2.0-only
// What the kernel has refused, as operators see it.
#include <algorithm>
#include <cerrno>
#include <string>

#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

using testing::Contains;

class ManagerPending : public ManagerTest {
 protected:
  [[nodiscard]] bool is_pending(const std::string& unit) {
    return manager().is_pending(manager().units().at(unit));
  }
};

TEST_F(ManagerPending, AUnitIsMarkedUntilItsSettingsAreInForceAndBothAreToldOnce) {
  budget("b.service", "5ms");
  kernel_.refuse[11] = ENOMEM;
  start();
  manager().unit_changed(fact("b.service", 12));
  EXPECT_TRUE(is_pending("a.service"));
  EXPECT_FALSE(is_pending("b.service"));
  EXPECT_FALSE(manager().healthy());
  pass(1);
  pass(2);
  EXPECT_THAT(listener_.pending, ElementsAre(HasSubstr("cgroup 11: Cannot allocate memory")));
  EXPECT_THAT(listener_.failures, IsEmpty());

  kernel_.refuse.clear();
  const int told = listener_.unit_changes;
  pass(4);
  EXPECT_TRUE(kernel_.cfgs.contains(11));
  EXPECT_FALSE(is_pending("a.service"));
  EXPECT_TRUE(manager().healthy());
  EXPECT_THAT(listener_.pending, ElementsAre(HasSubstr("cgroup 11"), HasSubstr("in force")));
  EXPECT_GT(listener_.unit_changes, told) << "the bus shows both";
}

TEST_F(ManagerPending, ItsUnitIsNamedToThoseWhoShowIt) {
  start();
  kernel_.refuse[11] = ENOMEM;
  budget("a.service", "6ms");
  manager().units_listed({fact("a.service", 11)});
  EXPECT_THAT(listener_.changed_units, Contains("a.service"));
  kernel_.refuse.clear();
  listener_.changed_units.clear();
  manager().units_listed({fact("a.service", 11)});
  EXPECT_THAT(listener_.changed_units, ElementsAre("a.service"));
}

TEST_F(ManagerPending, NothingIsPendingOfAUnitThatHasEnded) {
  kernel_.refuse[11] = ENOMEM;
  start();
  EXPECT_EQ(manager().pending(), 1U);
  kernel_.refuse.clear();  // what it has not taken can be forgotten
  manager().unit_changed(fact("a.service", 0));
  EXPECT_EQ(manager().pending(), 0U);
  EXPECT_FALSE(is_pending("a.service"));
}

TEST_F(ManagerPending, ReservesAndPathsAreToldAgainWithTheNextTick) {
  kernel_.servers_error = Error{.tried = "set the reserves"};
  kernel_.refuse_paths = {"a.service"};
  start();
  EXPECT_EQ(manager().pending(), 2U);
  EXPECT_FALSE(manager().healthy());
  EXPECT_THAT(listener_.pending, ElementsAre(HasSubstr("cannot set the reserves")));
  kernel_.servers_error.reset();
  kernel_.refuse_paths.clear();
  pass(1);
  EXPECT_EQ(kernel_.servers, manager().reserves().servers);
  EXPECT_TRUE(
      std::ranges::any_of(kernel_.paths, [](const auto& path) { return path.first.name == "a.service"; }));
  EXPECT_EQ(manager().pending(), 0U);
  EXPECT_TRUE(manager().healthy());
}

}  // namespace
}  // namespace slo
