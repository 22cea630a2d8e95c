// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/bars.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ranges>
#include <string>
#include <string_view>

#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

std::size_t widest_line(std::string_view text) {
  std::size_t widest = 0;
  for (const auto line : std::views::split(text, '\n'))
    widest = std::max(widest, static_cast<std::size_t>(std::ranges::distance(line)));
  return widest;
}

TEST(ClientBars, EachLineIsAPowerOfTwoAndOneHasTheBudget) {
  EXPECT_EQ(bars_text(nginx(), nullptr, 80),
            " WAIT FOR CPU   JOBS   SHARE\n"
            "  8.19us-16us  10200  51.00%  ####################################\n"
            "    16us-33us      0      0%\n"
            "    33us-66us   8000  40.00%  ############################\n"
            "   66us-131us   1797   8.98%  ######\n"
            "  131us-262us      0      0%\n"
            "  262us-524us      0      0%\n"
            " 524us-1.05ms      0      0%\n"
            "1.05ms-2.10ms      0      0%\n"
            "2.10ms-4.19ms      0      0%\n"
            "4.19ms-8.39ms      3   0.01%  . <- budget 5ms\n");
}

TEST(ClientBars, ANarrowScreenHasNoSharesAndKeepsTheMark) {
  const std::string text = bars_text(nginx(), nullptr, 45);
  EXPECT_EQ(text.find('%'), std::string::npos) << text;
  EXPECT_NE(text.find(". <- budget\n"), std::string::npos) << text;
  EXPECT_NE(text.find("10200  ######"), std::string::npos) << text;
}

TEST(ClientBars, NoLineIsWiderThanTheScreen) {
  for (std::size_t columns = 45; columns < 300; ++columns) {
    const UnitReport later = nginx_later();
    const auto last = interval_between(nginx(), later, 2'000'000);
    EXPECT_LE(widest_line(bars_text(later, nullptr, columns)), columns);
    EXPECT_LE(widest_line(bars_text(later, &*last, columns)), columns);
  }
  EXPECT_EQ(widest_line(bars_text(nginx(), nullptr, 200)), 200 - std::string(" <- budget 5ms").size());
}

TEST(ClientBars, AScreenWithoutRoomForBarsStillHasTheCounts) {
  const std::string text = bars_text(nginx(), nullptr, 1);
  EXPECT_EQ(text.find('#'), std::string::npos);
  EXPECT_NE(text.find("4.19ms-8.39ms      3  <- budget\n"), std::string::npos) << text;
}

TEST(ClientBars, ABudgetBeyondTheLinesIsTold) {
  UnitReport unit = nginx();
  unit.budget_usec = 50'000;
  EXPECT_TRUE(bars_text(unit, nullptr, 80).ends_with("\nThe budget, 50ms, is longer than all of these.\n"));
  unit.budget_usec = 5;
  EXPECT_TRUE(bars_text(unit, nullptr, 80).ends_with("\nThe budget, 5us, is shorter than all of these.\n"));
  unit.budget_usec.reset();
  EXPECT_EQ(bars_text(unit, nullptr, 80).find("budget"), std::string::npos);
}

TEST(ClientBars, TheFirstAndTheLastBucketHaveOneEdge) {
  UnitReport unit = nginx();
  unit.wait.histogram = {{.lower_ns = 0, .upper_ns = 1024, .count = 4},
                         {.lower_ns = 1024, .upper_ns = 1152, .count = 1},
                         {.lower_ns = 68719476736, .upper_ns = UINT64_MAX, .count = 2}};
  const std::string text = bars_text(unit, nullptr, 80);
  EXPECT_NE(text.find("<1.02us     4"), std::string::npos) << text;
  EXPECT_NE(text.find("1.02us-2.05us     1"), std::string::npos) << text;
  EXPECT_NE(text.find("68.7s or more     2"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 1 + 26 + 1);
}

TEST(ClientBars, AreOfResponsesWhereTheBudgetBoundsThose) {
  UnitReport unit = nginx();
  unit.metric = "response";
  const std::string text = bars_text(unit, nullptr, 80);
  EXPECT_TRUE(text.starts_with("WAIT + CPU TIME  ")) << text;
  EXPECT_NE(text.find("131us-262us  19000"), std::string::npos) << text;
}

TEST(ClientBars, OfAnIntervalStandBesideAllJobs) {
  const UnitReport later = nginx_later();
  const auto last = interval_between(nginx(), later, 2'000'000);
  ASSERT_TRUE(last);
  const std::string text = bars_text(later, &*last, 80);
  EXPECT_NE(text.find("WAIT FOR CPU  LAST 2.00s  IN ALL\n"), std::string::npos) << text;
  EXPECT_NE(text.find("8.19us-16us           0   10200\n"), std::string::npos) << text;
  EXPECT_NE(text.find("33us-66us         598    8598  ####"), std::string::npos) << text;
  EXPECT_NE(text.find("4.19ms-8.39ms           1       4  . <- budget 5ms\n"), std::string::npos) << text;
}

TEST(ClientBars, AnIntervalWithoutJobsHasNoBars) {
  const auto last = interval_between(nginx(), nginx(), 2'000'000);
  ASSERT_TRUE(last);
  EXPECT_EQ(bars_text(nginx(), &*last, 80).find('#'), std::string::npos);
}

TEST(ClientBars, WithoutJobsThereIsNoText) {
  EXPECT_EQ(bars_text(UnitReport{}, nullptr, 80), "");
}

TEST(ClientBars, BucketsThatMakeNoSenseAreShownAllTheSame) {
  UnitReport unit = nginx();
  unit.wait.histogram = {{.lower_ns = 0, .upper_ns = 0, .count = 1},
                         {.lower_ns = 70000, .upper_ns = 5, .count = 1},
                         {.lower_ns = 3, .upper_ns = UINT64_MAX, .count = 1},
                         {.lower_ns = UINT64_MAX, .upper_ns = UINT64_MAX, .count = UINT64_MAX}};
  EXPECT_FALSE(bars_text(unit, nullptr, 80).empty());
}

}  // namespace
}  // namespace slo::client
