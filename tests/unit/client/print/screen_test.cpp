// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/screen.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

namespace slo::client {
namespace {

TEST(ClientScreen, APipeIsEightyWideAndWithoutEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const Screen screen = screen_of(ends[1]);
  EXPECT_EQ(screen.columns, 80U);
  EXPECT_EQ(screen.rows, 0U);
  EXPECT_FALSE(screen.clears);
  close(ends[0]);
  close(ends[1]);
}

TEST(ClientScreen, WhatCannotBeClearedIsAppendedToWhole) {
  EXPECT_EQ(repaint("a\nbcd\n", {.columns = 2, .rows = 1, .clears = false}), "a\nbcd\n\n");
}

TEST(ClientScreen, ATerminalIsOverwrittenFromTheTopAndTheRestCleared) {
  EXPECT_EQ(repaint("a\n\nb\n", {.columns = 80, .rows = 24, .clears = true}),
            "\x1b[Ha\x1b[K\n\x1b[K\nb\x1b[K\n\x1b[J");
}

TEST(ClientScreen, WhatDoesNotFitIsCutAndSaid) {
  EXPECT_EQ(repaint("1\n2\n3\n4\n", {.columns = 80, .rows = 4, .clears = true}),
            "\x1b[H1\x1b[K\n2\x1b[K\n(2 lines more than fit)\x1b[K\n\x1b[J");
  EXPECT_EQ(repaint("1\n2\n3\n", {.columns = 80, .rows = 4, .clears = true}),
            "\x1b[H1\x1b[K\n2\x1b[K\n3\x1b[K\n\x1b[J");
  EXPECT_EQ(repaint("abc\n", {.columns = 2, .rows = 0, .clears = true}), "\x1b[Hab\x1b[K\n\x1b[J");
}

TEST(ClientScreen, CharactersAreCutWhole) {
  EXPECT_EQ(repaint("\u00b5\u00b5\u00b5\n", {.columns = 2, .rows = 0, .clears = true}),
            "\x1b[H\u00b5\u00b5\x1b[K\n\x1b[J");
}

}  // namespace
}  // namespace slo::client
