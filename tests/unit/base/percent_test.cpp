// SPDX-License-Identifier: GPL-2.0-only
#include "base/percent.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

TEST(Percent, IsExactToAMillionth) {
  EXPECT_EQ(parse_percent_ppm("0%"), 0U);
  EXPECT_EQ(parse_percent_ppm("100%"), 1'000'000U);
  EXPECT_EQ(parse_percent_ppm("99.999%"), 999'990U);
  EXPECT_EQ(parse_percent_ppm("0.0001%"), 1U);
  EXPECT_EQ(parse_percent_ppm("007.50%"), 75'000U);
}

TEST(Percent, RefusesWhatIsNoShare) {
  for (const char* text : {"", "%", "5", "-5%", "+5%", " 5%", "5 %", "5%%", "5.%", ".5%", "1e1%", "100.0001%",
                           "0.00001%", "101%", "18446744073709551621%", "99,9%", "0x5%"}) {
    EXPECT_FALSE(parse_percent_ppm(text)) << text;
  }
}

TEST(Percent, IsWrittenAsItIsRead) {
  for (std::uint32_t ppm = 0; ppm <= 1'000'000; ppm += 7)
    ASSERT_EQ(parse_percent_ppm(format_percent_ppm(ppm)), ppm);
  EXPECT_EQ(format_percent_ppm(999'000), "99.9%");
  EXPECT_EQ(format_percent_ppm(50'000), "5%");
  EXPECT_EQ(format_percent_ppm(0), "0%");
}

}  // namespace
}  // namespace slo
