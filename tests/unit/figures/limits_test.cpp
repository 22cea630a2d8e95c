// SPDX-License-Identifier: GPL-2.0-only
#include "figures/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace slo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t msec = SLO_NSEC_PER_MSEC;
constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;
constexpr std::uint64_t now_ns = 1000 * sec;

template <std::size_t N>
void write_name(char (&room)[N], std::string_view name) {
  std::ranges::copy(name.substr(0, N), room);
}

// 20% of a CPU, and a task of it ran just now.
KeptLimit limit(std::uint64_t cgroup_id, std::string_view name) {
  KeptLimit kept;
  kept.record.task_group = 0xffff'8880'0000'0000 + cgroup_id;
  kept.record.cgroup_id = cgroup_id;
  kept.record.used_ns = now_ns;
  write_name(kept.record.name, name);
  kept.cfg.quota_ns = 20 * msec;
  kept.cfg.period_ns = 100 * msec;
  return kept;
}

TEST(Limits, FiguresAreThoseOfTheRecordAndOfItsPlace) {
  KeptLimit kept = limit(7, "web.service");
  kept.record.nr_periods = 120;
  kept.record.nr_throttled = 17;
  kept.record.throttled_ns = 900 * msec;
  kept.record.used_ns = now_ns - 3 * sec;
  kept.cfg.burst_ns = 10 * msec;
  const auto limits = current_limits({kept}, {}, now_ns);
  ASSERT_THAT(limits, SizeIs(1));
  const LimitFigures& figures = limits.front();
  EXPECT_EQ(figures.unit, "web.service");
  EXPECT_EQ(figures.cgroup_id, 7U);
  EXPECT_EQ(figures.quota_ns, 20 * msec);
  EXPECT_EQ(figures.period_ns, 100 * msec);
  EXPECT_EQ(figures.burst_ns, 10 * msec);
  EXPECT_EQ(figures.periods, 120U);
  EXPECT_EQ(figures.throttled_periods, 17U);
  EXPECT_EQ(figures.throttled_ns, 900 * msec);
  EXPECT_EQ(figures.unused_ns, 3 * sec);
  EXPECT_FALSE(figures.used_up);
}

TEST(Limits, OneThatIsUsedUpCountsUpToNow) {
  KeptLimit kept = limit(7, "web.service");
  kept.record.throttled_ns = 900 * msec;
  kept.record.throttled_from_ns = now_ns - 50 * msec;
  kept.record.nr_parked = 4;
  const auto limits = current_limits({kept}, {}, now_ns);
  ASSERT_THAT(limits, SizeIs(1));
  EXPECT_TRUE(limits[0].used_up);
  EXPECT_EQ(limits[0].parked, 4U);
  EXPECT_EQ(limits[0].throttled_ns, 950 * msec);
  kept.record.throttled_from_ns = kept.record.used_ns = now_ns + msec;
  const auto ahead = current_limits({kept}, {}, now_ns);
  ASSERT_THAT(ahead, SizeIs(1)) << "the scheduler wrote it after we had looked at the clock";
  EXPECT_EQ(ahead[0].throttled_ns, 900 * msec);
  EXPECT_EQ(ahead[0].unused_ns, 0U);
}

TEST(Limits, AFreePlaceAndOneThatWasOnlyJustTakenAreNone) {
  KeptLimit free = limit(7, "web.service");
  free.record.task_group = 0;
  KeptLimit taken = limit(8, "web.service");
  taken.cfg = {};
  EXPECT_THAT(current_limits({free, taken}, {}, now_ns), IsEmpty());
}

TEST(Limits, WhatNobodyHasUsedForLongIsHistoryUnlessSomebodyWaits) {
  KeptLimit kept = limit(7, "web.service");
  kept.record.used_ns = now_ns - 10 * sec;
  EXPECT_THAT(current_limits({kept}, {}, now_ns), SizeIs(1));
  EXPECT_THAT(current_limits({kept}, {}, now_ns + 1), IsEmpty());
  kept.record.nr_parked = 1;
  EXPECT_THAT(current_limits({kept}, {}, now_ns + 1), SizeIs(1));
}

TEST(Limits, AreNamedByTheirUnitsAndSorted) {
  const UnitNames names{{9, "b.service"}};
  const auto limits = current_limits(
      {limit(9, "escaped_b"), limit(5, "worker"), limit(8, "a.slice"), limit(4, "worker")}, names, now_ns);
  std::vector<std::string> seen;
  for (const auto& one : limits) seen.push_back(one.unit + " " + std::to_string(one.cgroup_id));
  EXPECT_THAT(seen, ElementsAre("a.slice 8", "b.service 9", "worker 4", "worker 5"));
}

TEST(Limits, ANameMayFillItsRoomAndHoldAnyByte) {
  const std::string longest(SLO_CGROUP_NAME_LEN, 'x');
  EXPECT_EQ(current_limits({limit(7, longest)}, {}, now_ns).at(0).unit, longest);
  EXPECT_EQ(current_limits({limit(7, "a\n\xff")}, {}, now_ns).at(0).unit, "a\\x0a\\xff");
}

TEST(Limits, TheQuotaIsInMillionthsOfACPU) {
  EXPECT_EQ(quota_ppm({.quota_ns = 20 * msec, .period_ns = 100 * msec}), 200'000U);
  EXPECT_EQ(quota_ppm({.quota_ns = 3 * sec, .period_ns = 2 * sec}), 1'500'000U);
  EXPECT_EQ(quota_ppm({.quota_ns = 10 * msec, .period_ns = 30 * msec}), 333'333U);
  EXPECT_EQ(quota_ppm({.quota_ns = 1, .period_ns = 0}), 0U);
  EXPECT_EQ(quota_ppm({.quota_ns = UINT64_MAX, .period_ns = 1}), UINT64_MAX / 1'000'000 * 1'000'000);
}

TEST(Limits, EachThatIsNotKeptIsNamedWithTheReason) {
  std::vector<slo_unkept_limit> found(3);
  found[0].cgroup_id = 9;
  found[0].reason = SLO_UNKEPT_NO_PLACE;
  write_name(found[0].name, "late.service");
  found[1].reason = SLO_UNKEPT_TOO_DEEP;
  write_name(found[1].name, "deep");
  const auto unkept = unkept_limits(found, {{9, "late@1.service"}});
  std::vector<std::string> sentences;
  for (const auto& one : unkept) sentences.push_back(to_sentence(one));
  EXPECT_THAT(sentences,
              ElementsAre("CPUQuota= is not kept for late@1.service: there is no place for it; at most "
                          "4096 control groups can have one",
                          "CPUQuota= is not kept for deep: it is set 16 or more control groups further up"));
}

}  // namespace
}  // namespace slo
