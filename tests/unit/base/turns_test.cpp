// SPDX-License-Identifier: GPL-2.0-only
#include "base/turns.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

TEST(Turns, TheLongestIsKeptAndThoseThatLoadAreCountedApart) {
  Turns turns;
  EXPECT_EQ(turns.longest_ns(), 0U);
  turns.begin(100);
  turns.end(150);
  turns.begin(200);
  turns.end(220);
  EXPECT_EQ(turns.longest_ns(), 50U);
  turns.begin(300);
  turns.loading();
  turns.end(1300);
  EXPECT_EQ(turns.longest_ns(), 50U);
  EXPECT_EQ(turns.longest_loading_ns(), 1000U);
  turns.begin(2000);
  turns.end(2060);
  EXPECT_EQ(turns.longest_ns(), 60U) << "the one after it is an ordinary one";
  EXPECT_EQ(turns.longest_loading_ns(), 1000U);
}

}  // namespace
}  // namespace slo
