// SPDX-License-Identifier: GPL-2.0-only
#include "bus/setting_values.h"

#include <gtest/gtest.h>

namespace slo {
namespace {

template <class T>
std::optional<Setting<T>> set(const char* text) {
  return Setting<T>{.value = *T::parse(text), .origin = {.file = "/etc/a.conf", .line = 2}};
}

TEST(SettingValues, are_microseconds_and_numbers) {
  EXPECT_EQ(on_bus(set<Budget>("5ms"), {}), 5'000U);
  EXPECT_EQ(on_bus(set<Budget>("infinity"), {}), UINT64_MAX);
  EXPECT_EQ(on_bus(set<Metric>("response"), {}), "response");
  EXPECT_EQ(on_bus(set<Objective>("95%"), {}), 0.95);
  EXPECT_EQ(on_bus(set<Importance>("10000"), {}), 10'000U);
  EXPECT_EQ(on_bus(set<Reserve>("250%"), {}), 2'500'000U) << "of each second";
  EXPECT_EQ(on_bus(set<Reserve>("1.5%"), {}), 15'000U);
  EXPECT_EQ(on_bus(set<MaxExec>("100ms"), {}), 100'000U);
}

TEST(SettingValues, where_nothing_is_set_the_default_is_shown_and_else_infinity) {
  const SloSettings standard = standard_settings();
  EXPECT_EQ(on_bus(std::optional<Setting<Importance>>(), standard.importance), 100U);
  EXPECT_EQ(on_bus(std::optional<Setting<Metric>>(), standard.metric), "wait");
  EXPECT_EQ(on_bus(std::optional<Setting<Reserve>>(), standard.reserve), UINT64_MAX);
  EXPECT_EQ(on_bus(std::optional<Setting<Budget>>(), standard.budget), UINT64_MAX);
}

TEST(SettingValues, an_origin_is_file_and_line) {
  EXPECT_EQ(origin_of(set<Importance>("5")), "/etc/a.conf:2");
  EXPECT_EQ(origin_of(standard_settings().importance), "");
}

}  // namespace
}  // namespace slo
