// SPDX-License-Identifier: GPL-2.0-only
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tests/unit/manager_fixture.h"

namespace slo {
namespace {

// Two units with a budget; `greedy` takes more than its half of the machine.
class ManagerLoadTest : public ManagerTest {
 protected:
  void SetUp() override {
    reading_.config.shedding = true;
    budget("greedy.service", "2ms");
    budget("honest.service", "10ms");
    manager().units_listed({fakes::fact("greedy.service", 11), fakes::fact("honest.service", 12)});
  }

  // A part of the jobs is late; all CPUs are busy with these two.
  void overload_for(int steps, std::uint64_t lost_of_ten) {
    for (int step = 0; step < steps; ++step) {
      now_.monotonic_ns += Overload::step_ns;
      use("greedy.service", 7, lost_of_ten);
      use("honest.service", 3, lost_of_ten);
      manager().look_at_load();
    }
  }

  void use(const std::string& unit, std::uint64_t tenths, std::uint64_t lost_of_ten) {
    slo_stats& stats = kernel_.counted[manager().units().find(unit)->second.slot];
    stats.jobs += 10;
    stats.misses_by_cause[SLO_CAUSE_LATE_START] += lost_of_ten;
    stats.key_exec_ns += cpus * Overload::step_ns * tenths / 10;
  }

  [[nodiscard]] bool is_shed(std::uint64_t cgroup_id) const {
    return (kernel_.cfgs.at(cgroup_id).flags & SLO_CFG_SHED) != 0;
  }
};

TEST_F(ManagerLoadTest, UnderOverloadTheKernelIsToldWhoHasLostItsGuarantee) {
  overload_for(20, 0);
  EXPECT_THAT(listener_.sheds, IsEmpty());
  overload_for(8, 2);
  ASSERT_THAT(listener_.sheds, SizeIs(1));
  EXPECT_EQ(listener_.sheds[0].unit, "greedy.service");
  EXPECT_TRUE(is_shed(11));
  EXPECT_FALSE(is_shed(12));
  EXPECT_TRUE(manager().shed().contains("greedy.service"));
}

TEST_F(ManagerLoadTest, PartsOfTheMachineAreWorkedOutWhereSomebodyIsLookedAtAlone) {
  const auto share = [this] { return manager().reserves().share_of.at("greedy.service"); };
  const double of_two = share();
  budget("third.service", "5ms");
  manager().unit_changed(fact("third.service", 13));
  ASSERT_TRUE(manager().detach());
  manager().look_at_load();
  EXPECT_EQ(share(), of_two);
  ASSERT_TRUE(manager().attach());
  manager().look_at_load();
  EXPECT_LT(share(), of_two);
}

TEST_F(ManagerLoadTest, MissesAreLookedIntoOutOfTurnButNotTooOften) {
  overload_for(20, 0);
  const auto jobs_miss_after = [this](std::uint64_t ns) {
    now_.monotonic_ns += ns;
    use("greedy.service", 7, 5);
    use("honest.service", 3, 5);
    const deadline_event event{};
    manager().take_event(std::as_bytes(std::span(&event, 1)));
    manager().tell_misses();
  };
  jobs_miss_after(Overload::step_ns / 4);
  EXPECT_THAT(listener_.sheds, IsEmpty()) << "just looked at";
  jobs_miss_after(Overload::step_ns / 4);
  EXPECT_THAT(listener_.sheds, SizeIs(1));
}

// Its job may not end before it is too late.
TEST_F(ManagerLoadTest, AUnitThatFallsBehindIsLookedIntoBeforeAJobEnds) {
  overload_for(20, 0);
  ASSERT_EQ(manager().look_after_ns(), Overload::calm_step_ns);
  for (int renewals = 0; renewals < 2; ++renewals) {
    now_.monotonic_ns += Overload::step_ns / 2;
    for (const auto* unit : {"greedy.service", "honest.service"}) {
      slo_stats& stats = kernel_.counted[manager().units().find(unit)->second.slot];
      stats.renewals += 3;
      stats.key_exec_ns += cpus * Overload::step_ns / 4;
    }
    const slo_lag_event event{};
    manager().take_event(std::as_bytes(std::span(&event, 1)));
    manager().tell_misses();
    EXPECT_EQ(manager().look_after_ns(), Overload::step_ns);
  }
  EXPECT_THAT(listener_.sheds, SizeIs(1));
  EXPECT_THAT(listener_.misses, IsEmpty());
}

TEST_F(ManagerLoadTest, WithSheddingSwitchedOffNobodyIs) {
  reading_.config.shedding = false;
  manager().reload();
  overload_for(30, 2);
  EXPECT_THAT(listener_.sheds, IsEmpty());
  EXPECT_FALSE(is_shed(11));
}

TEST_F(ManagerLoadTest, WhenItIsSwitchedOffOrNothingIsEnforcedTheGuaranteeIsBack) {
  overload_for(8, 2);
  ASSERT_TRUE(is_shed(11));
  EXPECT_TRUE(manager().detach());
  manager().look_at_load();
  EXPECT_FALSE(is_shed(11));
  EXPECT_THAT(manager().shed(), IsEmpty());
}

TEST_F(ManagerLoadTest, AShedUnitThatStopsIsForgotten) {
  overload_for(8, 2);
  ASSERT_TRUE(manager().shed().contains("greedy.service"));
  manager().unit_changed(fakes::fact("greedy.service", 0));
  overload_for(1, 0);
  EXPECT_THAT(manager().shed(), IsEmpty());
  manager().unit_changed(fakes::fact("greedy.service", 13));
  EXPECT_FALSE(is_shed(13));
}

TEST_F(ManagerLoadTest, WhoUsesMoreThanItsPartIsNamedAlsoWithoutShedding) {
  reading_.config.shedding = false;
  manager().reload();
  const int minute = Leaning::window_ns / Overload::step_ns;
  overload_for(minute / 2, 0);
  EXPECT_THAT(listener_.leaners, IsEmpty());
  overload_for(2 * minute, 0);
  ASSERT_THAT(listener_.leaners, SizeIs(1));
  EXPECT_EQ(listener_.leaners[0].unit, "greedy.service");
}

TEST_F(ManagerLoadTest, TheKernelIsToldOfReservesAsTheyChange) {
  EXPECT_THAT(kernel_.servers, SizeIs(SLO_SERVERS_FIXED));
  files_.further["/etc/greedy.service"].reserve =
      Setting<Reserve>{.value = *Reserve::parse("50%"), .origin = {}};
  manager().units_listed({fakes::fact("greedy.service", 11), fakes::fact("honest.service", 12)});
  const std::uint32_t slot = manager().units().find("greedy.service")->second.slot;
  EXPECT_THAT(kernel_.servers, SizeIs(SLO_SERVERS_FIXED + 1));
  EXPECT_EQ(kernel_.servers.at(server_of_slot(slot)).quota_ns, 50 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(kernel_.cfgs.at(11).server, server_of_slot(slot));
  EXPECT_EQ(kernel_.cfgs.at(12).server, SLO_NO_SLOT);
  files_.further.clear();
  manager().units_listed({fakes::fact("greedy.service", 11), fakes::fact("honest.service", 12)});
  EXPECT_THAT(kernel_.servers, SizeIs(SLO_SERVERS_FIXED));
  EXPECT_EQ(kernel_.cfgs.at(11).server, SLO_NO_SLOT);
}

TEST_F(ManagerLoadTest, TheOperatorsReserveFollowsTheConfiguration) {
  manager().units_listed({fakes::fact("user-0.slice", 21)});
  EXPECT_EQ(kernel_.servers.at(SLO_SERVER_OPERATOR).quota_ns, 5 * SLO_NSEC_PER_MSEC);
  EXPECT_EQ(kernel_.cfgs.at(21).server, SLO_SERVER_OPERATOR);
  reading_.config.operator_permille = 200;
  manager().reload();
  EXPECT_EQ(kernel_.servers.at(SLO_SERVER_OPERATOR).quota_ns, 20 * SLO_NSEC_PER_MSEC);
  reading_.config.operator_permille = 0;
  manager().reload();
  EXPECT_FALSE(kernel_.servers.contains(SLO_SERVER_OPERATOR));
  EXPECT_FALSE(kernel_.cfgs.contains(21));
}

}  // namespace
}  // namespace slo
