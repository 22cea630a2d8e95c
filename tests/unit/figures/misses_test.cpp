// SPDX-License-Identifier: GPL-2.0-only
#include "figures/misses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace slo {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t second = SLO_NSEC_PER_SEC;
constexpr std::uint64_t start = 1000 * second;

deadline_event miss_of(std::uint32_t slot, std::uint64_t miss_ns,
                       std::uint32_t cause = SLO_CAUSE_LATE_START) {
  deadline_event event{};
  event.timestamp_ns = start;
  event.deadline_miss_ns = miss_ns;
  event.budget_ns = 5'000'000;
  event.wait_ns = 5'000'000 + miss_ns;
  event.exec_ns = 300;
  event.slot = slot;
  event.cause = cause;
  return event;
}

std::span<const std::byte> bytes(const deadline_event& event) {
  return std::as_bytes(std::span(&event, 1));
}

std::string name_of(std::uint32_t number) {
  return "u" + std::to_string(number) + ".service";
}

// Units have the number of their slot; 0, where a test says nothing else, is taken for that.
std::optional<Whose> whose(std::uint32_t slot, std::uint32_t unit) {
  if (slot == 99 || unit == 99) return {};
  return Whose{.counted = name_of(slot), .unit = name_of(unit == 0 ? slot : unit)};
}

class MissReportsTest : public testing::Test {
 protected:
  void take(const deadline_event& event) { reports_.take(bytes(event), whose); }
  MissReports reports_{second / 100};
};

TEST(Events, EachCauseHasAName) {
  EXPECT_EQ(cause_name(SLO_CAUSE_LATE_START), "late-start");
  EXPECT_EQ(cause_name(SLO_CAUSE_PREEMPTED), "preempted");
  EXPECT_EQ(cause_name(SLO_CAUSE_OVERLONG), "overlong");
  EXPECT_EQ(cause_name(SLO_CAUSE_OVERRUN), "overrun");
  EXPECT_EQ(cause_name(SLO_CAUSE_THROTTLED), "throttled");
  for (std::uint32_t cause = SLO_CAUSE_NONE + 1; cause < SLO_CAUSES; ++cause)
    EXPECT_NE(cause_name(cause), "unknown") << cause;
  EXPECT_EQ(cause_name(SLO_CAUSE_NONE), "unknown");
  EXPECT_EQ(cause_name(SLO_CAUSES), "unknown");
}

TEST(Events, ShortRecordsAreRefusedAndLongOnesRead) {
  const auto event = miss_of(3, 70, SLO_CAUSE_OVERRUN);
  for (std::size_t size = 0; size < sizeof(event); ++size)
    EXPECT_FALSE(decode_event(bytes(event).first(size))) << size;
  std::vector<std::byte> longer(sizeof(event) + 8, std::byte{0xff});
  std::memcpy(longer.data(), &event, sizeof(event));
  const auto decoded = decode_event(longer);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->slot, 3U);
  EXPECT_EQ(decoded->deadline_miss_ns, 70U);
}

TEST(Events, RecordsThatContradictThemselvesAreRefused) {
  EXPECT_FALSE(decode_event(bytes(miss_of(1, 0))));
  EXPECT_FALSE(decode_event(bytes(miss_of(1, 5, SLO_CAUSE_NONE))));
  EXPECT_FALSE(decode_event(bytes(miss_of(1, 5, SLO_CAUSES))));
}

TEST_F(MissReportsTest, NamesEndWhereTheirRoomDoesAndAreFitToPrint) {
  auto event = miss_of(1, 5);
  std::memset(event.comm, 'x', sizeof(event.comm));
  std::memcpy(event.rival.comm, "a\n\x1b[2J", 7);
  std::memset(event.rival.cgroup, 'c', sizeof(event.rival.cgroup));
  event.rival.ran_ns = 1;
  take(event);
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].comm, std::string(SLO_COMM_LEN, 'x'));
  EXPECT_EQ(due[0].rival.comm, "a\\x0a\\x1b[2J");
  EXPECT_EQ(due[0].rival.cgroup, std::string(SLO_CGROUP_NAME_LEN, 'c'));
}

TEST_F(MissReportsTest, AMissIsToldWithTheTaskItsTimesAndWhatRanInstead) {
  auto event = miss_of(1, 1'300'000, SLO_CAUSE_PREEMPTED);
  event.exec_ns = 400'000;
  event.key_ns = 77;
  event.tid = 1234;
  event.cpu = 3;
  std::strcpy(event.comm, "worker");
  event.rival = {.ran_ns = 2'900'000, .tid = 567, .pad = 0, .comm = "stress-ng", .cgroup = "batch.service"};
  take(event);
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].key_ns, 77U);
  EXPECT_EQ(due[0].cpu, 3U);
  EXPECT_EQ(due[0].rival.tid, 567U);
  EXPECT_EQ(to_sentence(due[0], 3),
            "u1.service: 3 jobs over the budget of 5ms, lately by 1.30ms (preempted): worker[1234] waited "
            "6.30ms and "
            "ran 400us; meanwhile batch.service, mostly stress-ng[567], ran 2.90ms on CPU 3");
}

TEST(Events, WhatIsNotKnownOfTheRivalIsLeftOut) {
  MissReport report{
      .unit = "a.service", .count = 1, .job_unit = "a.service", .miss_ns = 1'000'000, .cause = "late-start"};
  report.budget_ns = 5'000'000;
  report.wait_ns = 6'000'000;
  report.comm = "a";
  report.tid = 9;
  const std::string alone =
      "a.service: 1 job over the budget of 5ms, lately by 1.00ms (late-start): a[9] waited 6.00ms and ran "
      "0ns";
  EXPECT_EQ(to_sentence(report, 1), alone);
  report.rival = {.ran_ns = 2'000'000, .tid = 8, .comm = "b", .cgroup = ""};
  EXPECT_EQ(to_sentence(report, 1), alone + "; meanwhile b[8], ran 2.00ms on CPU 0");
}

TEST_F(MissReportsTest, AMissOfAUnitThatIsCountedWithAnotherIsToldWithTheNamesOfBoth) {
  auto event = miss_of(1, 900);
  event.unit = 5;
  event.suppressed = 2;
  event.tid = 9;
  std::strcpy(event.comm, "worker");
  take(miss_of(1, 800));
  take(event);
  take(miss_of(1, 700));
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1)) << "there is one rate limit for them";
  EXPECT_EQ(due[0].unit, "u1.service");
  EXPECT_EQ(due[0].job_unit, "u5.service") << "of the worst";
  EXPECT_EQ(due[0].count, 5U);
  EXPECT_EQ(to_sentence(due[0], 5),
            "u1.service and units counted with it: 5 jobs over budget, lately one of u5.service over its 5ms "
            "by 900ns (late-start): worker[9] waited 5.00ms and ran 300ns");
}

TEST_F(MissReportsTest, OfTwoRecordsTheWorseIsDescribedWhole) {
  auto event = miss_of(1, 500);
  event.rival = {.ran_ns = 9, .tid = 8, .pad = 0, .comm = "first", .cgroup = "first.service"};
  take(event);
  event = miss_of(1, 600, SLO_CAUSE_PREEMPTED);
  take(event);
  take(miss_of(1, 400, SLO_CAUSE_OVERLONG));
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].cause, "preempted");
  EXPECT_EQ(due[0].rival.ran_ns, 0U) << "not the one of another miss";
  EXPECT_EQ(due[0].rival.cgroup, "");
}

TEST_F(MissReportsTest, TheFirstMissIsToldAtOnce) {
  take(miss_of(1, 2'000, SLO_CAUSE_PREEMPTED));
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].unit, "u1.service");
  EXPECT_EQ(due[0].count, 1U);
  EXPECT_EQ(due[0].cause, "preempted");
  EXPECT_EQ(due[0].miss_ns, 2'000U);
  EXPECT_EQ(due[0].timestamp_ns, start);
  EXPECT_EQ(due[0].budget_ns, 5'000'000U);
  EXPECT_EQ(due[0].wait_ns, 5'002'000U);
  EXPECT_EQ(due[0].exec_ns, 300U);
  EXPECT_THAT(reports_.due(start), IsEmpty()) << "told once";
}

TEST_F(MissReportsTest, AUnitIsToldOfOnceASecondAndTheWorstIsKept) {
  take(miss_of(1, 10));
  EXPECT_THAT(reports_.due(start), SizeIs(1));
  take(miss_of(1, 20));
  take(miss_of(1, 900, SLO_CAUSE_OVERLONG));
  take(miss_of(1, 30));
  EXPECT_THAT(reports_.due(start + second - 1), IsEmpty());
  const auto due = reports_.due(start + second);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].count, 3U);
  EXPECT_EQ(due[0].miss_ns, 900U);
  EXPECT_EQ(due[0].cause, "overlong");
  take(miss_of(1, 5));
  const auto later = reports_.due(start + 3 * second);
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_EQ(later[0].count, 1U) << "a report starts from nothing";
  EXPECT_EQ(later[0].miss_ns, 5U);
}

TEST_F(MissReportsTest, WhatTheKernelHeldBackIsCounted) {
  auto event = miss_of(1, 10);
  event.suppressed = 41;
  take(event);
  const auto due = reports_.due(start);
  ASSERT_THAT(due, SizeIs(1));
  EXPECT_EQ(due[0].count, 42U);
  EXPECT_EQ(due[0].miss_ns, 10U);
}

TEST_F(MissReportsTest, AllUnitsTogetherKeepTheGlobalRateAndNoneIsForgotten) {
  reports_.set_global_interval(second / 2);
  for (std::uint32_t slot = 1; slot <= 5; ++slot) take(miss_of(slot, slot));
  std::vector<std::string> told;
  for (std::uint64_t now = start; now <= start + 2 * second; now += second / 2)
    for (const auto& report : reports_.due(now)) told.push_back(report.unit);
  EXPECT_THAT(told,
              testing::ElementsAre("u1.service", "u2.service", "u3.service", "u4.service", "u5.service"))
      << "longest waiting first";
}

TEST_F(MissReportsTest, TheFirstSecondHoldsNoMoreThanTheGlobalRate) {
  reports_.set_global_interval(second / 3);
  for (std::uint32_t slot = 1; slot <= 9; ++slot) take(miss_of(slot, slot));
  EXPECT_THAT(reports_.due(start), SizeIs(3));
  EXPECT_THAT(reports_.due(start + 1), IsEmpty());
}

TEST_F(MissReportsTest, AUnitThatIsGoneIsNotToldOf) {
  take(miss_of(99, 10));
  auto event = miss_of(1, 10);
  event.unit = 99;
  take(event);
  EXPECT_THAT(reports_.due(start), IsEmpty());
  EXPECT_EQ(reports_.malformed(), 0U);
}

TEST_F(MissReportsTest, HostileRecordsAreCountedAndHarmNothing) {
  std::minstd_rand random(7);
  std::uint64_t given = 0;
  std::uint64_t told = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> record(random() % 256);
    for (auto& byte : record) byte = static_cast<std::byte>(random());
    reports_.take(record, whose);
    ++given;
    told += reports_.due(start + static_cast<std::uint64_t>(i) * second).size();
  }
  EXPECT_EQ(reports_.malformed() + told, given);
  EXPECT_GT(reports_.malformed(), 0U);
}

}  // namespace
}  // namespace slo
