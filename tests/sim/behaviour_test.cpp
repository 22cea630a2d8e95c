// SPDX-License-Identifier: GPL-2.0-only
#include "behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "samples.h"

namespace slo::sim {
namespace {

using samples::ms;
using testing::ElementsAre;

std::vector<std::uint64_t> releases(Behaviour behaviour, int count) {
  Random random(1);
  std::vector<std::uint64_t> all;
  for (int i = 0; i < count; ++i) {
    const auto request = next_request(behaviour, 0, random);
    if (!request) break;
    all.push_back(request->release_ns);
  }
  return all;
}

TEST(Behaviour, PeriodsDoNotDrift) {
  EXPECT_THAT(releases(Periodic{.exec_ns = 1, .period_ns = 10 * ms, .phase_ns = 3 * ms}, 3),
              ElementsAre(3 * ms, 13 * ms, 23 * ms));
}

TEST(Behaviour, JitterDelaysEachReleaseByItself) {
  const auto all = releases(Periodic{.exec_ns = 1, .period_ns = 10 * ms, .jitter_ns = 4 * ms}, 200);
  std::uint64_t most_ns = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_GE(all[i], i * 10 * ms);
    most_ns = std::max(most_ns, all[i] - i * 10 * ms);
  }
  EXPECT_LT(most_ns, 4 * ms);
  EXPECT_GT(most_ns, 3 * ms);
}

TEST(Behaviour, BurstsAreAsLongAsTheirTimeAllows) {
  EXPECT_THAT(releases(Bursts{.exec_ns = 1, .period_ns = 4 * ms, .on_ns = 12 * ms, .off_ns = 8 * ms}, 5),
              ElementsAre(0, 4 * ms, 8 * ms, 20 * ms, 24 * ms));
}

TEST(Behaviour, AReplayEnds) {
  EXPECT_THAT(releases(samples::script({{5, 1}, {9, 1}}), 5), ElementsAre(5, 9));
  EXPECT_THAT(releases(Replay{}, 5), ElementsAre());
}

TEST(Behaviour, TheGreedySleepAfterEachJob) {
  Random random(1);
  Behaviour greedy = BackToBack{.exec_ns = 2 * ms, .pause_ns = 1 * ms};
  const auto request = next_request(greedy, 7 * ms, random);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->release_ns, 8 * ms);
  EXPECT_EQ(request->exec_ns, 2 * ms);
}

}  // namespace
}  // namespace slo::sim
