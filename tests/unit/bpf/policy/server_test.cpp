// SPDX-License-Identifier: GPL-2.0-only
#include "bpf/policy/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace {

constexpr slo_s64 us = SLO_NSEC_PER_USEC;
constexpr slo_s64 ms = SLO_NSEC_PER_MSEC;

TEST(Server, AQuotaIsTheReserveOfOnePeriod) {
  EXPECT_EQ(slo_server_quota_ns(500), 50 * ms);
  EXPECT_EQ(slo_server_quota_ns(2500), 250 * ms) << "two and a half CPUs";
}

TEST(Server, AChunkIsSmallAgainstTheQuota) {
  EXPECT_EQ(slo_server_chunk_ns(10 * ms), 625 * us);
  EXPECT_EQ(slo_server_chunk_ns(100 * us), 100 * us);
  EXPECT_EQ(slo_server_chunk_ns(1000 * ms), 2 * ms);
}

TEST(Server, AShardDrawsWhatItOwesAndAChunk) {
  EXPECT_EQ(slo_server_draw_ns(1, 2 * ms), 0) << "something is left";
  EXPECT_EQ(slo_server_draw_ns(0, 2 * ms), 2 * ms);
  EXPECT_EQ(slo_server_draw_ns(-5 * ms, 2 * ms), 7 * ms);
}

TEST(Server, TokensComeInEvenlyUpToOneQuota) {
  EXPECT_EQ(slo_server_fill_ns(0, 50 * ms, 0, 4 * ms), 2 * ms);
  EXPECT_EQ(slo_server_fill_ns(30 * ms, 50 * ms, 0, 100 * ms), 50 * ms);
  EXPECT_EQ(slo_server_fill_ns(0, slo_server_quota_ns(1'024'000), 0, 4 * ms), 4096 * ms) << "1024 CPUs";
  EXPECT_EQ(slo_server_fill_ns(0, 50 * ms, 0, UINT64_MAX), 50 * ms);
}

TEST(Server, ABurstIsSavedUpWhileNothingIsUsed) {
  EXPECT_EQ(slo_server_fill_ns(5 * ms, 5 * ms, 100 * ms, 100 * ms), 10 * ms);
  EXPECT_EQ(slo_server_fill_ns(0, 5 * ms, 100 * ms, 2000 * ms), 100 * ms);
  EXPECT_EQ(slo_server_fill_ns(0, 5 * ms, 100 * ms, UINT64_MAX), 105 * ms);
  EXPECT_EQ(slo_server_operator_burst_ns(50), 100 * ms) << "what comes in in two seconds";
  EXPECT_EQ(slo_server_permille(slo_server_quota_ns(50)), 50);
}

TEST(Server, ADebtIsPaidButNeverLocksAUnitOut) {
  EXPECT_EQ(slo_server_fill_ns(-20 * ms, 50 * ms, 0, 100 * ms), 30 * ms);
  EXPECT_EQ(slo_server_fill_ns(-1'000'000 * ms, 50 * ms, 0, 100 * ms), 0);
  EXPECT_TRUE(slo_server_is_empty(0));
  EXPECT_FALSE(slo_server_is_empty(1));
}

TEST(Server, AnEmptyOneIsUsedAgainOnceThereIsAStepsWorthInIt) {
  EXPECT_FALSE(slo_server_revives(2 * ms - 1, 50 * ms));
  EXPECT_TRUE(slo_server_revives(2 * ms, 50 * ms));
  EXPECT_FALSE(slo_server_revives(400 * us, 1 * ms)) << "a switch would not be worth it";
  EXPECT_TRUE(slo_server_revives(500 * us, 1 * ms));
  EXPECT_TRUE(slo_server_revives(100 * us, 100 * us)) << "there will never be more";
}

// A unit that always wants to run, in runs of random length on random shards, asks before each of them.
struct Greedy {
  slo_u64 quota_ns;
  slo_u64 longest_run_ns;
  std::vector<slo_s64> prepaid_ns = {0, 0, 0};
  slo_s64 tokens_ns = 0;

  slo_u64 run(std::mt19937_64& random) {
    const slo_u64 exec_ns = 1 + random() % longest_run_ns;
    slo_s64& prepaid = prepaid_ns[random() % prepaid_ns.size()];
    prepaid -= static_cast<slo_s64>(exec_ns);
    const slo_u64 draw_ns = slo_server_draw_ns(prepaid, slo_server_chunk_ns(quota_ns));
    prepaid += static_cast<slo_s64>(draw_ns);
    tokens_ns -= static_cast<slo_s64>(draw_ns);
    return exec_ns;
  }

  // What it got by key in one step.
  slo_u64 step(std::mt19937_64& random) {
    slo_u64 got_ns = 0;
    tokens_ns = slo_server_fill_ns(tokens_ns, quota_ns, 0, SLO_SERVER_STEP_NS);
    if (!slo_server_revives(tokens_ns, quota_ns)) return 0;
    while (!slo_server_is_empty(tokens_ns)) got_ns += run(random);
    return got_ns;
  }
};

TEST(ServerProperty, NoCapIsExceededByMoreThanOneRunAndWhatShardsHoldHoweverLongItLasts) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    const slo_u64 quota_ns = slo_server_quota_ns(10 + random() % 4000);
    Greedy unit{.quota_ns = quota_ns, .longest_run_ns = 1 + random() % std::min<slo_u64>(quota_ns, 20 * ms)};
    const slo_u64 held_ns = unit.prepaid_ns.size() * slo_server_chunk_ns(quota_ns);
    // What comes in between two looks, and is not enough yet to be used.
    const slo_u64 unused_ns = std::max<slo_u64>(quota_ns / 25, 500 * us);
    slo_u64 total_ns = 0;
    for (slo_u64 step = 1; step <= 1250; ++step) {
      total_ns += unit.step(random);
      const slo_u64 due_ns = quota_ns * step / 25;
      ASSERT_LE(total_ns, due_ns + unit.longest_run_ns) << "quota " << quota_ns;
      ASSERT_GE(total_ns + held_ns + unused_ns, due_ns) << "it gets what it reserved";
    }
  }
}

}  // namespace
