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

TEST(Printable, EscapesEachByteOfWhatActsOnTheTextAroundIt) {
  EXPECT_EQ(printable("a\u0080b\u009b2Jc\u009f"), "a\\xc2\\x80b\\xc2\\x9b2Jc\\xc2\\x9f") << "C1 controls";
  EXPECT_EQ(printable("\u061c"), "\\xd8\\x9c");
  EXPECT_EQ(printable("\u200e\u200f"), "\\xe2\\x80\\x8e\\xe2\\x80\\x8f");
  EXPECT_EQ(printable("\u2028\u2029"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9") << "ends of lines and paragraphs";
  EXPECT_EQ(printable("nginx\u202eecivres."), "nginx\\xe2\\x80\\xaeecivres.");
  EXPECT_EQ(printable("\u202a\u2066\u2069"), "\\xe2\\x80\\xaa\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
}

TEST(Printable, LeavesTheirNeighboursAlone) {
  const char* const shown = "\u00a0\u00ff\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a\u0628\u05d0";
  EXPECT_EQ(printable(shown), shown);
}

TEST(Printable, EscapesWhatIsNoCharacter) {
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\xe0\\x82\\x9b") << "a control in more bytes than it needs";
  EXPECT_EQ(printable("\xf0\x80\x82\x9b"), "\\xf0\\x80\\x82\\x9b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xed\x9f\xbf\xf4\x8f\xbf\xbf"), "\xed\x9f\xbf\xf4\x8f\xbf\xbf");
}

TEST(Printable, OfManyLinesKeepsLineFeedsAndTabsAndNothingElse) {
  EXPECT_EQ(printable_lines("a\tb\nc\r\x1b[2J\u009b\u2028\xff\n"),
            "a\tb\nc\\x0d\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xa8\\xff\n");
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
