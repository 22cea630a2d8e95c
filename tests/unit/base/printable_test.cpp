// SPDX-License-Identifier: GPL-2.0-only
#include "base/printable.h"

#include <gtest/gtest.h>

#include <random>

namespace slo {
namespace {

TEST(Printable, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(printable("", 10), "");
  EXPECT_EQ(printable("5ms \u00b5\u20ac\U0001f600", 40), "5ms \u00b5\u20ac\U0001f600");
}

TEST(Printable, EscapesControlCharactersAndWhatIsNotUtf8) {
  EXPECT_EQ(printable("a\nb\x1b\x7f", 40), "a\\x0ab\\x1b\\x7f");
  EXPECT_EQ(printable(std::string_view("\0", 1), 40), "\\x00");
  EXPECT_EQ(printable("\xff\xc2", 40), "\\xff\\xc2") << "no lead byte, and one without its continuation";
  EXPECT_EQ(printable("\xc0\xaf\xf5\x80\x80\x80", 80), "\\xc0\\xaf\\xf5\\x80\\x80\\x80")
      << "overlong, out of range";
}

TEST(Printable, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(printable("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(printable("abcdefghijk", 10), "abcdefg...");
  EXPECT_EQ(printable("abcdef\u20acghi", 10), "abcdef...") << "not in the middle of the euro sign";
  EXPECT_EQ(printable("abcde\x01xyz", 10), "abcde...") << "not in the middle of an escape";
}

TEST(Printable, IsNeverLongerThanItsLimitWhateverTheText) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (auto length = random() % 60; length > 0; --length) text += static_cast<char>(random());
    const std::size_t limit = 3 + random() % 40;
    const std::string shown = printable(text, limit);
    EXPECT_LE(shown.size(), limit);
    EXPECT_EQ(printable(shown, limit), shown) << "what is printable stays as it is";
  }
}

}  // namespace
}  // namespace slo
