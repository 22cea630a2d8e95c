// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/smallest.h"

#include <gtest/gtest.h>

#include <string>

namespace slo {
namespace {

TEST(Smallest, IsThatOfAllThatAreThere) {
  Smallest<std::string> budgets;
  EXPECT_EQ(budgets.number(), 0U);
  budgets.set("a", 5);
  budgets.set("b", 3);
  budgets.set("c", 3);
  EXPECT_EQ(budgets.number(), 3U);
  budgets.forget("b");
  EXPECT_EQ(budgets.number(), 3U) << "of another one";
  budgets.set("c", 7);
  EXPECT_EQ(budgets.number(), 5U) << "one that has changed";
  budgets.set("a", 0);
  EXPECT_EQ(budgets.number(), 7U) << "one that has none any more";
  budgets.forget("c");
  budgets.forget("nobody");
  EXPECT_EQ(budgets.number(), 0U);
}

}  // namespace
}  // namespace slo
