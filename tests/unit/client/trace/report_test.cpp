// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/report.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/trace/file.h"
#include "client/trace/show_trace.h"
#include "client/trace/totals.h"
#include "tests/unit/fakes.h"
#include "tests/unit/trace/samples.h"

namespace slo::client {
namespace {

using fakes::event;
using fakes::trace_info;

constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;

UnitTotals totals_of(const std::vector<slo_trace_record>& records, TraceInfo info = trace_info()) {
  TraceTotals totals(info);
  for (const auto& record : records) totals.take(record);
  return totals.units().at(0);
}

// Wakes at 10 ms, runs from 12 to 13 and from 17 to 19: it waits 6 ms and executes 3.
std::vector<slo_trace_record> one_job() {
  return {event(SLO_TRACE_WAKE, 10 * ms, 7), event(SLO_TRACE_RUN, 12 * ms, 7),
          event(SLO_TRACE_STOP, 13 * ms, 7), event(SLO_TRACE_RUN, 17 * ms, 7),
          event(SLO_TRACE_SLEEP, 19 * ms, 7)};
}

TEST(ClientTraceTotals, AJobWaitsUntilItRunsAndWhileItIsStopped) {
  const UnitTotals unit = totals_of(one_job());
  EXPECT_EQ(unit.jobs, 1U);
  EXPECT_EQ(unit.wait_ns, 6 * ms);
  EXPECT_EQ(unit.wait_max_ns, 6 * ms);
  EXPECT_EQ(unit.exec_ns, 3 * ms);
  EXPECT_EQ(unit.over_budget, 1U) << "of 5ms";
  EXPECT_EQ(unit.tids.size(), 1U);
}

TEST(ClientTraceTotals, TheMetricSaysWhatTheBudgetBounds) {
  TraceInfo info = trace_info();
  info.units[0].budget_ns = 8 * ms;
  EXPECT_EQ(totals_of(one_job(), info).over_budget, 0U);
  info.units[0].bounds_response = true;
  EXPECT_EQ(totals_of(one_job(), info).over_budget, 1U);
  info.units[0].budget_ns = 0;
  EXPECT_EQ(totals_of(one_job(), info).over_budget, 0U);
}

TEST(ClientTraceTotals, AJobWhoseBeginningIsNotInTheTraceIsNoneThoughItsTimeCounts) {
  const UnitTotals unit = totals_of({event(SLO_TRACE_STOP, 10 * ms, 7), event(SLO_TRACE_RUN, 12 * ms, 7),
                                     event(SLO_TRACE_SLEEP, 13 * ms, 7)});
  EXPECT_EQ(unit.jobs, 0U);
  EXPECT_EQ(unit.wait_ns, 2 * ms);
  EXPECT_EQ(unit.exec_ns, 1 * ms);
}

TEST(ClientTraceTotals, NoJobSpansAHole) {
  auto records = one_job();
  records.insert(records.begin() + 3, lost_record(14 * ms, 9));
  const UnitTotals unit = totals_of(records);
  EXPECT_EQ(unit.jobs, 0U);
  EXPECT_EQ(unit.wait_ns, 2 * ms);
  EXPECT_EQ(unit.exec_ns, 1 * ms + 2 * ms);
}

TEST(ClientTraceTotals, AnExitEndsAJobAndTheNextOneOfTheSameTidIsAnother) {
  const UnitTotals unit = totals_of({event(SLO_TRACE_FORK, 10 * ms, 7), event(SLO_TRACE_RUN, 11 * ms, 7),
                                     event(SLO_TRACE_EXIT, 12 * ms, 7), event(SLO_TRACE_RUN, 90 * ms, 7),
                                     event(SLO_TRACE_SLEEP, 91 * ms, 7)});
  EXPECT_EQ(unit.jobs, 1U);
  EXPECT_EQ(unit.exec_ns, 2 * ms);
  EXPECT_EQ(unit.wait_ns, 1 * ms);
}

TEST(ClientTraceTotals, ATaskThatWentToAnotherUnitBeginsAnewThere) {
  TraceTotals totals(trace_info());
  totals.take(event(SLO_TRACE_RUN, 10 * ms, 7, 0, 0));
  totals.take(event(SLO_TRACE_RUN, 20 * ms, 7, 0, 1));
  totals.take(event(SLO_TRACE_SLEEP, 21 * ms, 7, 0, 1));
  EXPECT_EQ(totals.units()[0].exec_ns, 0U);
  EXPECT_EQ(totals.units()[1].exec_ns, 1 * ms);
}

TEST(ClientTraceReport, ARecordIsALineWithTheTimeSinceTheStart) {
  EXPECT_EQ(record_text(trace_info(), event(SLO_TRACE_STOP | SLO_TRACE_REAL_TIME, 2'000'001'500, 7, 3, 1)),
            "    2.000000500  cpu 3   stop        7 batch.slice real-time\n");
  EXPECT_EQ(record_text(trace_info(), lost_record(1'000, 12)), "    0.000000000  lost 12 records\n");
}

TEST(ClientTraceReport, TheLastLineOfARecordingSaysHowMuchAndWhatIsMissing) {
  Recorded recorded{.file = "web.trace",
                    .info = trace_info(),
                    .end = {.time_ns = 30 * SLO_NSEC_PER_SEC + 1'000},
                    .bytes = 5 * 1024 * 1024};
  recorded.end.records = 300'000;
  EXPECT_EQ(recorded_text(recorded), "web.trace: 300000 records in 30s, none lost, 5.0 MiB\n");
  recorded.end = {.time_ns = 2'000'001'000, .reason = SLO_TRACE_END_INTERRUPTED, .records = 3, .lost = 2};
  recorded.bytes = 700;
  EXPECT_EQ(recorded_text(recorded), "web.trace: 3 records in 2s, 2 LOST, 700 B; interrupted\n");
  const auto json = nlohmann::json::parse(recorded_json(recorded));
  EXPECT_EQ(json["ended"], "interrupted");
  EXPECT_EQ(json["recorded_usec"], 2'000'000);
  EXPECT_EQ(json["lost"], 2);
}

TEST(ClientTraceReport, ProgressSaysWhatIsLeft) {
  EXPECT_EQ(progress_text({.left_ns = 11'500'000'000, .records = 42, .lost = 0, .bytes = 2048}),
            "12s left, 42 records, none lost, 2.0 KiB");
}

class TraceFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return (directory_.path() / "web.trace").string(); }
  [[nodiscard]] std::string content() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

  fakes::TemporaryDirectory directory_;
};

TEST_F(TraceFileTest, AFileThatExistsIsOverwrittenByForceAlone) {
  directory_.write("web.trace", "something precious");
  const auto refused = TraceFile::check(path(), false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("--force"), std::string::npos) << refused.error().message();
  EXPECT_FALSE(TraceFile::open(path(), false));
  EXPECT_EQ(content(), "something precious");

  ASSERT_TRUE(TraceFile::check(path(), true));
  auto file = TraceFile::open(path(), true);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(bytes("new")));
  EXPECT_EQ(content(), "new");
}

TEST_F(TraceFileTest, ANewFileIsForItsOwnerAlone) {
  ASSERT_TRUE(TraceFile::check(path(), false));
  auto file = TraceFile::open(path(), false);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(bytes("abc")));
  EXPECT_EQ(file->written(), 3U);
  struct stat is{};
  ASSERT_EQ(stat(path().c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777U, 0600U);
}

TEST_F(TraceFileTest, ADirectoryThatIsNotThereIsNamed) {
  const auto file = TraceFile::open((directory_.path() / "no" / "web.trace").string(), false);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message().find("no/web.trace"), std::string::npos);
}

class ShowTraceTest : public TraceFileTest {
 protected:
  int show(const std::vector<std::byte>& bytes, bool records = false, bool json = false) {
    directory_.write("web.trace", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    Options options;
    options.command = Command::show_trace;
    options.json = json;
    options.file = path();
    options.records = records;
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = show_trace(options);
    out_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string out_;
  std::string error_;
};

TEST_F(ShowTraceTest, AWholeTraceIsShownUnitByUnit) {
  const auto whole = fakes::trace_file(trace_info(), one_job(), {.time_ns = 30'000'001'000, .records = 5});
  EXPECT_EQ(show(whole), exit_ok);
  EXPECT_EQ(error_, "");
  EXPECT_NE(out_.find("Recorded  30s of 30s\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("Records   5, none lost\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("\na.service       5ms      1     1       1"), std::string::npos) << out_;
  EXPECT_NE(out_.find("\nbatch.slice       -      0     0       -"), std::string::npos) << out_;

  EXPECT_EQ(show(whole, false, true), exit_ok);
  const auto json = nlohmann::json::parse(out_);
  EXPECT_EQ(json["ended"], "time");
  EXPECT_EQ(json["units"][0]["misses"], 1);
  EXPECT_EQ(json["units"][0]["wait_max_usec"], 6'000);
  EXPECT_EQ(json["units"][1]["budget_usec"], nullptr);

  EXPECT_EQ(show(whole, true), exit_ok);
  EXPECT_EQ(std::ranges::count(out_, '\n'), 5);
}

TEST_F(ShowTraceTest, OneThatWasCutShortIsShownAsFarAsItGoesAndIsAFailure) {
  auto bytes = fakes::trace_file(trace_info(), one_job(), {.time_ns = 40 * ms});
  bytes.resize(bytes.size() - 40);
  EXPECT_EQ(show(bytes), exit_failure);
  EXPECT_NE(out_.find("Records   4, none lost\n"), std::string::npos) << out_;
  EXPECT_NE(error_.find("cut short"), std::string::npos) << error_;
}

TEST_F(ShowTraceTest, WhatIsNoTraceIsNamedAndNothingIsShown) {
  EXPECT_EQ(show(std::vector<std::byte>(1000)), exit_failure);
  EXPECT_EQ(out_, "");
  EXPECT_NE(error_.find("it is none"), std::string::npos) << error_;
  EXPECT_EQ(show({}), exit_failure);
  EXPECT_NE(error_.find("ends within its header"), std::string::npos) << error_;
}

}  // namespace
}  // namespace slo::client
