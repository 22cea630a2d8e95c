// SPDX-License-Identifier: GPL-2.0-only
#include "client/figures/watch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

constexpr std::uint64_t second = 1'000'000;

Reading reading(std::vector<UnitReport> units, const char* daemon = ":1.5") {
  return {.daemon = daemon, .state = "enforcing", .reason = "why", .units = std::move(units)};
}

TEST(ClientWatch, TheFirstPrintHasNothingToCompareWith) {
  Watch watch;
  const Print print = watch.take(reading({nginx()}), 10 * second);
  EXPECT_EQ(print.state, "enforcing");
  EXPECT_EQ(print.reason, "why");
  EXPECT_FALSE(print.restarted);
  ASSERT_EQ(print.units.size(), 1U);
  EXPECT_FALSE(print.units[0].last);
  EXPECT_FALSE(print.units[0].counted_anew);
}

TEST(ClientWatch, EachPrintIsComparedWithTheOneBefore) {
  Watch watch;
  static_cast<void>(watch.take(reading({nginx()}), 10 * second));
  const Print second_print = watch.take(reading({nginx_later()}), 13 * second);
  ASSERT_TRUE(second_print.units[0].last);
  EXPECT_EQ(second_print.units[0].last->usec, 3 * second);
  EXPECT_EQ(second_print.units[0].last->jobs, 600U);
  const Print third = watch.take(reading({nginx_later()}), 14 * second);
  ASSERT_TRUE(third.units[0].last);
  EXPECT_EQ(third.units[0].last->usec, second);
  EXPECT_EQ(third.units[0].last->jobs, 0U);
}

TEST(ClientWatch, AnotherDaemonCountsFromZeroHoweverManyJobsItHas) {
  Watch watch;
  static_cast<void>(watch.take(reading({nginx()}, ":1.5"), 10 * second));
  const Print print = watch.take(reading({nginx_later()}, ":1.77"), 12 * second);
  EXPECT_TRUE(print.restarted);
  EXPECT_FALSE(print.units[0].last);
  EXPECT_FALSE(print.units[0].counted_anew) << "that of all is told";
  const Print next = watch.take(reading({nginx_later()}, ":1.77"), 14 * second);
  EXPECT_FALSE(next.restarted);
  EXPECT_TRUE(next.units[0].last);
}

TEST(ClientWatch, AUnitThatIsCountedAnewIsNamedAndComparedFromThenOn) {
  Watch watch;
  static_cast<void>(watch.take(reading({nginx_later()}), 10 * second));
  const Print print = watch.take(reading({nginx()}), 12 * second);
  EXPECT_FALSE(print.restarted);
  EXPECT_FALSE(print.units[0].last);
  EXPECT_TRUE(print.units[0].counted_anew);
  EXPECT_TRUE(watch.take(reading({nginx_later()}), 14 * second).units[0].last);
}

TEST(ClientWatch, WhatIsCountedWithAnotherUnitIsNotComparedAndNotCalledCountedAnew) {
  UnitReport own = folded("web.slice");
  own.counted_with.reset();
  own.jobs = 5;
  Watch watch;
  static_cast<void>(watch.take(reading({folded("web.slice")}), 10 * second));
  for (const UnitReport& now : {folded("web.slice"), own}) {
    const Print print = watch.take(reading({now}), 12 * second);
    EXPECT_FALSE(print.units[0].last);
    EXPECT_FALSE(print.units[0].counted_anew);
  }
  EXPECT_TRUE(watch.take(reading({own}), 14 * second).units[0].last);
}

TEST(ClientWatch, UnitsComeAndGo) {
  UnitReport other = nginx();
  other.name = "other.service";
  Watch watch;
  static_cast<void>(watch.take(reading({other}), 10 * second));
  const Print print = watch.take(reading({nginx(), other}), 12 * second);
  ASSERT_EQ(print.units.size(), 2U);
  EXPECT_FALSE(print.units[0].last);
  EXPECT_FALSE(print.units[0].counted_anew);
  EXPECT_TRUE(print.units[1].last);
  EXPECT_TRUE(watch.take(reading({}), 14 * second).units.empty());
}

TEST(ClientWatch, PrintsKeepTheirBeatAndLeaveOutWhatTheyMissed) {
  EXPECT_EQ(next_due_usec(10, 100, 10), 110U);
  EXPECT_EQ(next_due_usec(10, 100, 50), 110U);
  EXPECT_EQ(next_due_usec(10, 100, 109), 110U);
  EXPECT_EQ(next_due_usec(10, 100, 110), 210U);
  EXPECT_EQ(next_due_usec(10, 100, 555), 610U);
  EXPECT_EQ(next_due_usec(10, 100, 3), 110U);
}

}  // namespace
}  // namespace slo::client
