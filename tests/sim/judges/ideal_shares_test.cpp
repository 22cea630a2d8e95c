// SPDX-License-Identifier: GPL-2.0-only
#include "ideal_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "../samples.h"
#include "../simulate.h"

namespace slo::sim {
namespace {

using samples::second;
using testing::Pointwise;

// Slices of 300 and 100; in the first services of 100 and 200; tasks without a group beside them.
Workload levels() {
  Workload workload{.name = "levels",
                    .units = {{.name = "a.slice", .cpu_weight = 300},
                              {.name = "b.slice", .cpu_weight = 100},
                              {.name = "a1", .cpu_weight = 100, .slice = 0},
                              {.name = "a2", .cpu_weight = 200, .slice = 0},
                              {.name = "plain"}},
                    .tasks = {}};
  for (const std::uint32_t unit : {1U, 1U, 2U, 3U, 4U})
    workload.tasks.push_back({.unit = unit, .behaviour = Hog{}});
  return workload;
}

std::vector<double> parts_of(const Record& record) {
  std::vector<double> parts;
  for (const std::uint64_t exec_ns : record.task_exec_ns)
    parts.push_back(static_cast<double>(exec_ns) / static_cast<double>(record.span_ns));
  return parts;
}

MATCHER_P(IsWithin, distance, "") {
  return std::abs(std::get<0>(arg) - std::get<1>(arg)) <= distance;
}

TEST(IdealShares, AreByWeightLevelByLevel) {
  EXPECT_THAT(ideal_shares(levels(), 1),
              Pointwise(IsWithin(1e-9), std::vector<double>{0.1, 0.1, 0.2, 0.4, 0.2}));
}

TEST(IdealShares, WhatATaskCannotUseGoesToTheOthers) {
  // Of two CPUs a2 could have 0.8; of four all of one, and what it cannot use stays in its slice at first.
  EXPECT_THAT(ideal_shares(levels(), 2),
              Pointwise(IsWithin(1e-9), std::vector<double>{0.2, 0.2, 0.4, 0.8, 0.4}));
  EXPECT_THAT(ideal_shares(levels(), 4), Pointwise(IsWithin(1e-9), std::vector<double>{0.5, 0.5, 1, 1, 1}));
}

TEST(IdealShares, AreThoseOfTheKernelsScheduler) {
  const Record record = run_fair({.machine = {}, .workload = levels(), .span_ns = 30 * second});
  EXPECT_THAT(parts_of(record), Pointwise(IsWithin(0.01), ideal_shares(levels(), 1)));
}

// One queue and slices of whole ticks come near where groups have enough to do.
TEST(IdealShares, OursAreWithinSixPointsOfThem) {
  const Record record = run_policy({.machine = {}, .workload = levels(), .span_ns = 30 * second}, {});
  EXPECT_THAT(parts_of(record), Pointwise(IsWithin(0.06), ideal_shares(levels(), 1)));
}

}  // namespace
}  // namespace slo::sim
