// SPDX-License-Identifier: GPL-2.0-only
#include "base/unit_name.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

TEST(UnitName, has_a_suffix_where_the_unit_has_a_cgroup) {
  EXPECT_EQ(unit_suffix("a.service"), ".service");
  EXPECT_EQ(unit_suffix("session-1.scope"), ".scope");
  EXPECT_EQ(unit_suffix("-.slice"), ".slice");
  EXPECT_EQ(unit_suffix("a.service.d"), std::nullopt);
  EXPECT_EQ(unit_suffix("a.timer"), std::nullopt);
  EXPECT_EQ(unit_suffix(""), std::nullopt);
}

}  // namespace
}  // namespace slo
