// SPDX-License-Identifier: GPL-2.0-only
#include "comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "random_comparison.h"
#include "samples.h"
#include "sets.h"

namespace slo::sim {
namespace {

using samples::second;

TEST(Comparison, EveryCaseHasALabelOfItsOwn) {
  for (const Comparison& comparison : all_comparisons()) {
    std::set<std::string> labels;
    for (const Case& one : comparison.cases) labels.insert(one.label);
    EXPECT_EQ(labels.size(), comparison.cases.size()) << comparison.title;
  }
}

TEST(Comparison, ACaseAddsUpItsSeeds) {
  Comparison comparison{.title = "two", .make = greed, .cases = {{.label = "one"}, {.label = "other"}}};
  comparison.cases[1].policy.has_shedding = false;
  const auto one = compare(comparison, {.span_ns = second, .seed = 1, .seeds = 1});
  const auto both = compare(comparison, {.span_ns = second, .seed = 1, .seeds = 2});
  ASSERT_EQ(both.size(), 2u);
  ASSERT_EQ(both[0].units.size(), 2u) << "hogs have no budget";
  EXPECT_EQ(both[0].units[0].name, "honest");
  EXPECT_GT(both[0].units[0].requests, one[0].units[0].requests + 40);
  EXPECT_LT(both[0].units[0].late, both[1].units[0].late) << "who is greedy takes more without shedding";
  const std::string text = to_text(comparison, both);
  EXPECT_THAT(text, testing::StartsWith("two\nCASE"));
  EXPECT_THAT(text, testing::HasSubstr("\nother "));
  EXPECT_EQ(to_json(comparison, both)["cases"][0]["units"][0]["late"], both[0].units[0].late);
}

TEST(Comparison, RandomSetsAreKeptAsAnIdealSchedulerKeepsThem) {
  for (const RandomRow& row : compare_random_sets({.sets = 3, .span_ns = second, .seed = 2})) {
    EXPECT_GT(row.reference.jobs, 0u);
    const auto ratio = [](const Score& score) {
      return static_cast<double>(score.misses) / static_cast<double>(score.jobs);
    };
    EXPECT_LE(ratio(row.policy), ratio(row.reference) + 0.001) << row.cpus << " CPUs, " << row.utilisation;
    if (row.cpus != 1) continue;  // on several CPUs EDF is not the best there can be
    EXPECT_EQ(row.reference.misses, 0u) << row.utilisation;
  }
}

}  // namespace
}  // namespace slo::sim
