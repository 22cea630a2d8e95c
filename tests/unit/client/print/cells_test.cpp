// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/cells.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/unit/client/fixtures.h"

namespace slo::client {
namespace {

TEST(ClientCells, PercentNeverRoundsAMissAwayNorAKeptJob) {
  EXPECT_EQ(percent_text({}), "-");
  EXPECT_EQ(percent_text(0.0), "0%");
  EXPECT_EQ(percent_text(0.000001), "<0.01%");
  EXPECT_EQ(percent_text(0.0001), "0.01%");
  EXPECT_EQ(percent_text(0.125), "12.50%");
  EXPECT_EQ(percent_text(0.999999), ">99.99%");
  EXPECT_EQ(percent_text(1.0), "100.00%");
}

TEST(ClientCells, ARateIsShownToTheTenthWhereThatMatters) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.5), "0.5");
  EXPECT_EQ(rate_text(9.94), "9.9");
  EXPECT_EQ(rate_text(150.6), "151");
}

TEST(ClientCells, LatenciesAreNeverShownAsNone) {
  EXPECT_EQ(latency_text({}), "-");
  EXPECT_EQ(latency_text({}, "not yet known"), "not yet known");
  EXPECT_EQ(quantile_text(7, 20), latency_text(7));
  EXPECT_EQ(quantile_text({}, 19), "not yet known");
  EXPECT_EQ(quantile_text({}, 0), "-");
  EXPECT_EQ(latency_text(0), "<1us");
  EXPECT_EQ(latency_text(87), "87us");
  EXPECT_EQ(to_ns(UINT64_MAX), UINT64_MAX);
}

TEST(ClientCells, ABudgetSaysWhatItBounds) {
  UnitReport unit = nginx();
  EXPECT_EQ(budget_sentence(unit), "5ms of waiting for a CPU per job");
  unit.metric = "response";
  EXPECT_EQ(budget_sentence(unit), "5ms from wakeup to sleep, per job");
  unit.budget_usec.reset();
  EXPECT_EQ(budget_sentence(unit), "infinity");
}

}  // namespace
}  // namespace slo::client
