// SPDX-License-Identifier: GPL-2.0-only
#include "bus/fair_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace slo {
namespace {

TEST(FairQueue, UsersTakeTurnsHoweverMuchOneOfThemAsks) {
  FairQueue<std::string> queue;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.push(1000, "a" + std::to_string(i)));
  ASSERT_TRUE(queue.push(0, "root"));
  ASSERT_TRUE(queue.push(2000, "b"));
  std::string order;
  while (const auto next = queue.pop()) order += *next + " ";
  EXPECT_EQ(order, "root a0 b a1 a2 ");
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, MoreThanSixteenOfOneUserAreRefusedAndNobodyElses) {
  FairQueue<int> queue;
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(queue.push(1000, i));
  EXPECT_FALSE(queue.push(1000, 16));
  EXPECT_TRUE(queue.push(0, 0));
  ASSERT_TRUE(queue.pop() && queue.pop());
  EXPECT_TRUE(queue.push(1000, 17));
}

TEST(FairQueue, SoManyUsersCannotMakeItGrow) {
  FairQueue<int> queue;
  std::size_t taken = 0;
  for (std::uint32_t uid = 0; uid < 5000; ++uid) taken += queue.push(uid, 0) ? 1 : 0;
  EXPECT_EQ(taken, FairQueue<int>::most);
}

}  // namespace
}  // namespace slo
