// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/maps.h"

#include <gtest/gtest.h>

#include <string>

#include "base/file.h"

namespace slo {
namespace {

TEST(KernelMaps, ThereIsRoomForTheSettingsOfTenThousandUnitsAndOfAllThatCanBeCounted) {
  EXPECT_GE(nr_cfgs(1), 10'000 + SLO_SPARES);
  EXPECT_EQ(nr_cfgs(SLO_CAPACITY), nr_cfgs(1));
  EXPECT_EQ(nr_cfgs(SLO_CAPACITY_MAX), 4 * SLO_CAPACITY_MAX);
  EXPECT_LE(nr_cfgs(SLO_CAPACITY_MAX), SLO_PATHS_MAX)
      << "where more would find their settings there is no room";
}

// The formula in the manual is as old as the sizes that it is made of.
TEST(KernelMaps, TheManualSaysWhatTheyTake) {
  const std::string manual =
      read_file(std::string(SCX_SLO_SOURCE_DIR) + "/packaging/man/scx-slod.8").value_or("");
  const auto text = [](std::size_t number) { return std::to_string(number); };
  // An entry has a header of 48 bytes, and a bucket of 16.
  for (const std::string& part :
       {text(48 + 16 + sizeof(slo_u64) + sizeof(slo_cfg)) + " bytes for each control group",
        "never less than " + text(nr_cfgs(1)) + ";",
        "C \\(mu (" + text(sizeof(slo_event_limit) + sizeof(slo_server_cfg)) + " + S \\(mu " +
            text(sizeof(slo_stats)) + ") bytes for counters"})
    EXPECT_TRUE(manual.contains(part)) << part;
}

}  // namespace
}  // namespace slo
