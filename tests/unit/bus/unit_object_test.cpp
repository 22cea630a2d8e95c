// SPDX-License-Identifier: GPL-2.0-only
#include "bus/unit_object.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace slo {
namespace {

TEST(BusUnit, the_worst_miss_has_its_cause_and_times) {
  const auto worst = encode_worst({.unit = "a.service",
                                   .count = 3,
                                   .job_unit = "b.service",
                                   .miss_ns = 1'000,
                                   .cause = "preempted",
                                   .timestamp_ns = 9,
                                   .budget_ns = 2'000,
                                   .wait_ns = 3'000,
                                   .exec_ns = 4'000});
  EXPECT_EQ(worst.at("Unit").get<std::string>(), "b.service");
  EXPECT_EQ(worst.at("Cause").get<std::string>(), "preempted");
  EXPECT_EQ(worst.at("MissUSec").get<std::uint64_t>(), 1U);
  EXPECT_EQ(worst.at("BudgetUSec").get<std::uint64_t>(), 2U);
  EXPECT_EQ(worst.at("WaitUSec").get<std::uint64_t>(), 3U);
  EXPECT_EQ(worst.at("ExecUSec").get<std::uint64_t>(), 4U);
}

TEST(BusUnit, unit_names_become_object_paths_as_systemd_encodes_them) {
  EXPECT_EQ(unit_object_path("a-b@c.service"), "/org/scxslo/unit/a_2db_40c_2eservice");
}

}  // namespace
}  // namespace slo
