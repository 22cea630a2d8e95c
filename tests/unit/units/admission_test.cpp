// SPDX-License-Identifier: GPL-2.0-only
#include "units/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace slo {
namespace {

std::vector<std::uint64_t> granted(const std::vector<ReserveWish>& wishes, std::uint64_t capacity) {
  std::vector<std::uint64_t> permille;
  for (const auto& grant : admit(wishes, capacity)) permille.push_back(grant.permille);
  return permille;
}

using Grants = std::vector<std::uint64_t>;

TEST(Admission, ExplicitReservesAreServedFirstAndTheRestIsSharedByImportance) {
  EXPECT_EQ(granted({{.permille = 500}, {.importance = 300}, {.importance = 100}}, 900),
            (Grants{500, 300, 100}));
}

TEST(Admission, ALoneUnitHasAllThatIsFree) {
  EXPECT_EQ(granted({{.importance = 1}}, 1900), Grants{1900});
}

TEST(Admission, ExplicitReservesBeyondTheCapacityAreScaledDownAlike) {
  const auto grants = admit(std::vector<ReserveWish>{{.permille = 1500}, {.permille = 500}, {}}, 1000);
  EXPECT_EQ(grants[0], (ReserveGrant{.permille = 750, .scaled = true}));
  EXPECT_EQ(grants[1], (ReserveGrant{.permille = 250, .scaled = true}));
  EXPECT_EQ(grants[2], ReserveGrant{}) << "nothing is free";
}

TEST(Admission, ASlicesReserveIsOneForAllBelowIt) {
  // 0: slice, 1: explicit below it, 2 and 3: share what is left of the slice, 4: elsewhere
  EXPECT_EQ(granted({{.permille = 400},
                     {.permille = 100, .above = 0},
                     {.importance = 200, .above = 0},
                     {.importance = 100, .above = 0},
                     {}},
                    950),
            (Grants{400, 100, 200, 100, 550}));
}

TEST(Admission, AUnitIsCappedByItsSlicesWhateverTheOrder) {
  EXPECT_EQ(granted({{.permille = 800, .above = 1}, {.permille = 200, .above = 2}, {.permille = 300}}, 1000),
            (Grants{200, 200, 300}));
}

TEST(AdmissionProperty, NoLevelGivesMoreThanItHas) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<ReserveWish> wishes(1 + random() % 20);
    for (std::size_t i = 0; i < wishes.size(); ++i) {
      if (random() % 2 == 0) wishes[i].permille = random() % 2000;
      wishes[i].importance = static_cast<std::uint32_t>(1 + random() % 10'000);
      // Only slices with a reserve have units below them here.
      for (std::size_t above = 0; above < i; ++above)
        if (wishes[above].permille && random() % 4 == 0) wishes[i].above = above;
    }
    const std::uint64_t capacity = random() % 8000;
    const auto grants = admit(wishes, capacity);
    for (std::size_t level = 0; level <= wishes.size(); ++level) {
      std::uint64_t given = 0;
      for (std::size_t i = 0; i < wishes.size(); ++i) {
        const bool is_here = level == wishes.size() ? !wishes[i].above : wishes[i].above == level;
        if (is_here) given += grants[i].permille;
      }
      ASSERT_LE(given, level == wishes.size() ? capacity : grants[level].permille);
    }
  }
}

}  // namespace
}  // namespace slo
