// SPDX-License-Identifier: GPL-2.0-only
#include "trace/recording_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpf/abi/slo_trace.h"

namespace slo {
namespace {

using enum RecordingRefusal::Reason;
using testing::HasSubstr;

constexpr std::uint64_t second = 1'000'000;

bool knows(const std::string& unit) {
  return unit != "nobody.service";
}

std::optional<RecordingRefusal> refused(std::vector<std::string> units, std::uint64_t for_usec = second,
                                        bool busy = false) {
  return refuse_recording({.units = std::move(units), .for_usec = for_usec}, knows, busy);
}

std::vector<std::string> so_many(std::size_t count) {
  std::vector<std::string> units;
  for (std::size_t i = 0; i < count; ++i) units.push_back("u" + std::to_string(i) + ".service");
  return units;
}

TEST(RecordingOrder, OneSecondToTenMinutesIsAccepted) {
  EXPECT_FALSE(refused({"a.service"}, second));
  EXPECT_FALSE(refused({"a.service"}, 600 * second));
  for (const std::uint64_t usec : {std::uint64_t{0}, second - 1, 600 * second + 1, UINT64_MAX}) {
    const auto refusal = refused({"a.service"}, usec);
    ASSERT_TRUE(refusal) << usec;
    EXPECT_EQ(refusal->reason, invalid);
    EXPECT_THAT(refusal->text, HasSubstr(std::to_string(usec) + " us: accepted is 1s to 10min"));
  }
}

TEST(RecordingOrder, AsManyUnitsAsATraceHasRoomForAreAccepted) {
  EXPECT_FALSE(refused(so_many(SLO_TRACE_UNITS_MAX)));
  for (const std::size_t count : {std::size_t{0}, std::size_t{SLO_TRACE_UNITS_MAX} + 1}) {
    const auto refusal = refused(so_many(count));
    ASSERT_TRUE(refusal) << count;
    EXPECT_EQ(refusal->reason, invalid);
    EXPECT_THAT(refusal->text, HasSubstr("of " + std::to_string(count) + " units: accepted is 1 to 64"));
  }
}

TEST(RecordingOrder, AUnitIsNamedOnce) {
  const auto refusal = refused({"a.service", "b.service", "a.service"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, invalid);
  EXPECT_EQ(refusal->text, "a recording names a unit twice");
}

TEST(RecordingOrder, AUnitThatIsNotKnownIsNamed) {
  const auto refusal = refused({"a.service", "nobody.service"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, unknown_unit);
  EXPECT_EQ(refusal->text, "nobody.service");
}

TEST(RecordingOrder, ThereIsOneRecordingAtATimeAndMistakesAreSaidFirst) {
  EXPECT_EQ(refused({"a.service"}, second, true)->reason, under_way);
  EXPECT_EQ(refused({"nobody.service"}, second, true)->reason, unknown_unit);
  EXPECT_EQ(refused({}, second, true)->reason, invalid);
}

}  // namespace
}  // namespace slo
