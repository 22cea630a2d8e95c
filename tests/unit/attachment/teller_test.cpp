// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/teller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "tests/unit/fakes.h"

namespace slo {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;

class TellerTest : public testing::Test {
 protected:
  static slo_cfg cfg(std::uint64_t budget_ns) {
    slo_cfg of{};
    of.budget_ns = budget_ns;
    return of;
  }
  void tell(std::uint64_t cgroup_id, std::optional<slo_cfg> of) {
    teller_.tell({.cgroup_id = cgroup_id, .cfg = of});
  }
  // How often the kernel is told something within so many seconds.
  int told_within(std::uint64_t seconds) {
    const int before = kernel_.applies;
    for (; seconds > 0; --seconds) teller_.tell_again(now_ns_ += sec);
    return kernel_.applies - before;
  }
  void path(std::uint32_t node, const std::string& name, std::optional<slo_path> of) {
    teller_.tell_paths({.changes = {{.key = {.node = node, .name = name}, .path = of}},
                        .has_patterns = true,
                        .look_again = {"/" + name}});
  }

  fakes::Kernel kernel_;
  Teller teller_{kernel_};
  std::uint64_t now_ns_ = 1000 * sec;
};

TEST_F(TellerTest, WhatWasRefusedIsPendingUntilTheKernelTakesIt) {
  kernel_.refuse[11] = ENOMEM;
  tell(11, cfg(1));
  tell(12, cfg(2));
  EXPECT_EQ(teller_.pending(), 1U);
  EXPECT_TRUE(teller_.is_pending(11));
  EXPECT_FALSE(teller_.is_pending(12));
  EXPECT_THAT(teller_.take_changed(), Optional(ElementsAre(11)));
  EXPECT_EQ(teller_.take_changed(), std::nullopt);

  kernel_.refuse.clear();
  EXPECT_EQ(told_within(1), 1);
  EXPECT_EQ(teller_.pending(), 0U);
  EXPECT_EQ(kernel_.cfgs.at(11), cfg(1));
  EXPECT_THAT(teller_.take_changed(), Optional(ElementsAre(11)));
  EXPECT_EQ(told_within(100), 0);
}

TEST_F(TellerTest, ACgroupThatVanishedIsNotPending) {
  kernel_.refuse[11] = ENOENT;
  tell(11, cfg(1));
  EXPECT_EQ(teller_.pending(), 0U);
  kernel_.refuse[11] = ENOMEM;
  tell(11, cfg(1));
  kernel_.refuse[11] = ENOENT;
  EXPECT_EQ(told_within(1), 1);
  EXPECT_EQ(teller_.pending(), 0U) << "it vanished while it was pending";
}

TEST_F(TellerTest, WhatIsNewerTakesThePlaceOfWhatIsPending) {
  kernel_.refuse[11] = kernel_.refuse[12] = ENOMEM;
  tell(11, cfg(1));
  tell(12, cfg(1));
  tell(11, cfg(2));
  EXPECT_EQ(teller_.pending(), 2U) << "one of each cgroup";
  kernel_.refuse.erase(12);
  tell(12, std::nullopt);
  EXPECT_EQ(teller_.pending(), 1U) << "the unit is gone";
  kernel_.refuse.clear();
  EXPECT_EQ(told_within(3), 1);
  EXPECT_EQ(kernel_.cfgs.at(11), cfg(2));
  EXPECT_FALSE(kernel_.cfgs.contains(12));
}

TEST_F(TellerTest, SettingsThatCannotBeTakenBackArePendingToo) {
  tell(11, cfg(1));
  kernel_.refuse[11] = EBUSY;
  tell(11, std::nullopt);
  EXPECT_TRUE(teller_.is_pending(11));
  kernel_.refuse.clear();
  EXPECT_EQ(told_within(1), 1);
  EXPECT_FALSE(kernel_.cfgs.contains(11));
}

TEST_F(TellerTest, WhileNothingIsTakenItIsTriedLessAndLessOftenDownToOnceAMinute) {
  kernel_.refuse[11] = ENOMEM;
  tell(11, cfg(1));
  // After 1, 3, 7, 15, 31, 63 and 123 seconds.
  EXPECT_EQ(told_within(1), 1);
  EXPECT_EQ(told_within(1), 0);
  EXPECT_EQ(told_within(1), 1);
  EXPECT_EQ(told_within(60), 4);
  EXPECT_EQ(told_within(600), 10);
}

TEST_F(TellerTest, OnceThereIsRoomAllAreTriedAtOnceAgain) {
  tell(10, cfg(1));
  kernel_.refuse[11] = E2BIG;
  tell(11, cfg(1));
  EXPECT_LT(told_within(200), 10);
  tell(10, std::nullopt);
  EXPECT_EQ(told_within(1), 1) << "another cgroup has left its place";
  kernel_.refuse[12] = ENOMEM;
  tell(12, cfg(1));
  EXPECT_LT(told_within(200), 20);
  kernel_.refuse.erase(11);
  EXPECT_GE(told_within(60), 2);
  EXPECT_EQ(teller_.pending(), 1U);
  kernel_.refuse.clear();
  told_within(60);
  EXPECT_EQ(teller_.pending(), 0U);
  kernel_.refuse[13] = ENOMEM;
  tell(13, cfg(1));
  EXPECT_EQ(told_within(1), 1) << "rests of earlier troubles are over";
  EXPECT_LT(told_within(200), 10);
  kernel_.refuse.clear();
  tell(13, cfg(2));
  kernel_.refuse[13] = ENOMEM;
  tell(13, cfg(1));
  EXPECT_EQ(told_within(1), 1) << "also of those that were not over by themselves";
}

TEST_F(TellerTest, NoMoreThanAFewAreToldAtATimeAndEachHasItsTurn) {
  constexpr std::uint64_t number = 2 * Teller::most_at_once + 1;
  for (std::uint64_t id = 1; id <= number; ++id) {
    kernel_.refuse[id] = ENOMEM;
    tell(id, cfg(1));
  }
  EXPECT_EQ(teller_.pending(), number);
  EXPECT_EQ(told_within(1), int{Teller::most_at_once});
  // Those at the front are refused for ever, and must not keep the others from their turn.
  kernel_.refuse.erase(kernel_.refuse.upper_bound(Teller::most_at_once), kernel_.refuse.end());
  EXPECT_EQ(told_within(2), int{Teller::most_at_once});
  EXPECT_EQ(teller_.pending(), number - Teller::most_at_once);
  EXPECT_TRUE(kernel_.cfgs.contains(Teller::most_at_once + 1)) << "who has waited longest is first";
  EXPECT_FALSE(kernel_.cfgs.contains(number));
  told_within(1);
  EXPECT_TRUE(kernel_.cfgs.contains(number)) << "in the next second, as something was taken";
}

TEST_F(TellerTest, ItsBeginningAndItsEndAreNewsOnce) {
  EXPECT_EQ(teller_.take_news(), std::nullopt);
  kernel_.refuse = {{11, ENOMEM}, {12, EBUSY}, {13, EBUSY}};
  for (const std::uint64_t id : {11, 12, 13}) tell(id, cfg(1));
  const auto begin = teller_.take_news();
  ASSERT_TRUE(begin);
  EXPECT_THAT(to_sentence(*begin), AllOf(HasSubstr("3 settings are pending, not in force, and tried again"),
                                         HasSubstr("cgroup 11: Cannot allocate memory")));
  kernel_.refuse[14] = ENOMEM;
  tell(14, cfg(1));
  told_within(10);
  EXPECT_EQ(teller_.take_news(), std::nullopt) << "it goes on";
  kernel_.refuse.clear();
  for (const std::uint64_t id : {11, 12, 13, 14}) tell(id, std::nullopt);
  EXPECT_EQ(teller_.pending(), 0U);
  EXPECT_EQ(teller_.take_news(), std::nullopt) << "not before a second has passed without anything pending";
  told_within(1);
  const auto end = teller_.take_news();
  ASSERT_TRUE(end);
  EXPECT_EQ(to_sentence(*end), "all settings that were pending are in force");
  told_within(1);
  EXPECT_EQ(teller_.take_news(), std::nullopt);
}

TEST_F(TellerTest, ReservesAreToldAgainEverySecond) {
  const Servers servers{{1, {.quota_ns = 5, .burst_ns = 0, .period_ns = 0, .parent = SLO_NO_SLOT, .pad = 0}}};
  kernel_.servers_error = Error{.tried = "set the reserves"};
  teller_.tell_servers(servers, false);
  EXPECT_EQ(teller_.pending(), 1U);
  EXPECT_TRUE(teller_.take_changed());
  told_within(2);
  EXPECT_EQ(kernel_.server_changes, 3);
  EXPECT_EQ(teller_.take_changed(), std::nullopt);
  kernel_.servers_error.reset();
  told_within(1);
  EXPECT_EQ(kernel_.servers, servers);
  EXPECT_EQ(teller_.pending(), 0U);
  EXPECT_TRUE(teller_.take_changed());
  teller_.tell_servers(servers, false);
  told_within(1);
  EXPECT_EQ(kernel_.server_changes, 4) << "it knows them";
  teller_.tell_servers(servers, true);
  EXPECT_EQ(kernel_.server_changes, 5);
}

TEST_F(TellerTest, PathsThatWereRefusedAreToldAgainWithWhatBelongsToThem) {
  const slo_path on_the_way{.node = 2, .flags = 0, .cfg = {}};
  kernel_.refuse_paths = {"a.slice"};
  path(SLO_NODE_ROOT, "a.slice", on_the_way);
  EXPECT_EQ(teller_.pending(), 1U);
  EXPECT_TRUE(kernel_.looks_again.empty());
  // What comes meanwhile is not kept up by it.
  path(SLO_NODE_ROOT, "b.slice", on_the_way);
  EXPECT_EQ(kernel_.paths.size(), 1U);
  kernel_.refuse_paths.clear();
  told_within(1);
  EXPECT_EQ(kernel_.paths.size(), 2U);
  EXPECT_EQ(teller_.pending(), 0U);
  EXPECT_THAT(kernel_.looks_again, ElementsAre("/a.slice", "/b.slice"));
}

TEST_F(TellerTest, PathsAreToldAgainInTheirOrderLessAndLessOften) {
  const slo_path on_the_way{.node = 2, .flags = 0, .cfg = {}};
  const slo_path end{.node = SLO_NODE_NONE, .flags = 0, .cfg = {}};
  path(SLO_NODE_ROOT, "old.slice", on_the_way);
  kernel_.refuse_paths = {"old.slice", "a.slice", "x.service"};
  path(SLO_NODE_ROOT, "a.slice", on_the_way);
  path(2, "x.service", end);
  path(SLO_NODE_ROOT, "old.slice", std::nullopt);
  kernel_.path_changes = 0;
  told_within(30);
  EXPECT_EQ(kernel_.path_changes, 4) << "after 1, 3, 7 and 15 seconds";
  kernel_.refuse_paths.clear();
  kernel_.path_names.clear();
  path(SLO_NODE_ROOT, "b.slice", end);
  EXPECT_THAT(kernel_.path_names, ElementsAre("old.slice", "x.service", "b.slice", "a.slice"))
      << "what is forgotten comes first, and what is below a node before it";
  kernel_.refuse_paths = {"c.slice"};
  path(SLO_NODE_ROOT, "c.slice", end);
  kernel_.path_changes = 0;
  told_within(1);
  EXPECT_EQ(kernel_.path_changes, 1) << "the rest is over";
}

TEST_F(TellerTest, APathThatIsForgottenOrHasNewSettingsIsNotToldAsItWas) {
  const slo_path before{.node = 2, .flags = 0, .cfg = {}};
  const slo_path after{.node = 3, .flags = 0, .cfg = {}};
  kernel_.refuse_paths = {"a.slice", "b.slice"};
  path(SLO_NODE_ROOT, "a.slice", before);
  path(SLO_NODE_ROOT, "b.slice", before);
  path(SLO_NODE_ROOT, "b.slice", after);
  EXPECT_EQ(teller_.pending(), 2U);
  kernel_.refuse_paths.erase("a.slice");
  path(SLO_NODE_ROOT, "a.slice", std::nullopt);
  EXPECT_EQ(teller_.pending(), 1U);
  kernel_.refuse_paths.clear();
  told_within(3);
  ASSERT_EQ(kernel_.paths.size(), 1U);
  EXPECT_EQ(kernel_.paths.begin()->second, after);
}

}  // namespace
}  // namespace slo
