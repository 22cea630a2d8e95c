// SPDX-License-Identifier: GPL-2.0-only
// The host's half of tests/workloads/policy_agrees, for the sanitizers: what is undefined here may differ
// there.
#include "tests/workloads/bpf/policy_agrees.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

namespace {

agreement after(int rounds, slo_u64 seed) {
  agreement result{};
  agree_begin(&result, seed);
  for (int i = 0; i < rounds; ++i) agree_round(&result);
  return result;
}

TEST(PolicyAgrees, EveryFunctionTakesEveryInput) {
  const agreement once = after(200'000, 1);
  EXPECT_TRUE(std::ranges::equal(once.hashes, after(200'000, 1).hashes));
}

TEST(PolicyAgrees, AnswersDependOnTheInputs) {
  const agreement one = after(1000, 1);
  const agreement other = after(1000, 2);
  for (int i = 0; i < AGREE_COUNT; ++i) {
    const bool forgets = i == AGREE_slo_job_reset;
    EXPECT_EQ(one.hashes[i] == other.hashes[i], forgets) << i;
  }
}

TEST(PolicyAgrees, EdgesAndTheirNeighboursAreAmongTheInputs) {
  const std::set<slo_u64> edges(std::begin(agree_edges), std::end(agree_edges));
  std::set<slo_u64> drawn;
  agreement run{};
  agree_begin(&run, 1);
  for (int i = 0; i < 100'000; ++i) {
    agree_draw_all(&run);
    drawn.insert(std::begin(run.x), std::end(run.x));
  }
  for (const slo_u64 edge : edges) {
    EXPECT_TRUE(drawn.contains(edge)) << edge;
    EXPECT_TRUE(drawn.contains(edge - 1)) << edge;
    EXPECT_TRUE(drawn.contains(edge + 1)) << edge;
  }
}

TEST(PolicyAgrees, OneAnswerThatDiffersChangesTheHashForGood) {
  slo_u64 right = agree_fold(AGREE_BASIS, 5);
  slo_u64 wrong = agree_fold(AGREE_BASIS, 5 ^ 1ULL << 63U);
  for (slo_u64 word = 0; word < 1000; ++word) {
    right = agree_fold(right, word);
    wrong = agree_fold(wrong, word);
    ASSERT_NE(right, wrong);
  }
}

}  // namespace
