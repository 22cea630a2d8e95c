// SPDX-License-Identifier: GPL-2.0-only
#include "trace_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "report.h"
#include "samples.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using samples::ms;

constexpr std::uint64_t start_ns = 5 * samples::second;

TraceInfo info() {
  return {.units = {{.name = "a.service", .cgroup_id = 1, .budget_ns = 5 * ms, .max_exec_ns = 100 * ms},
                    {.name = "batch.slice", .cgroup_id = 2}},
          .cpus = 2,
          .start_ns = start_ns,
          .state = "enforcing",
          .kernel = "6.99.1-test"};
}

slo_trace_record event(std::uint32_t kind, std::uint64_t at_ns, std::uint32_t tid, std::uint8_t unit = 0) {
  return {.time_ns = start_ns + at_ns, .tid = tid, .cpu = 0, .unit = unit, .kind = static_cast<slo_u8>(kind)};
}

// A job that waits 1 ms, runs 2, waits 5 more and runs 1.
std::vector<slo_trace_record> preempted_job(std::uint64_t at_ns, std::uint32_t tid) {
  return {event(SLO_TRACE_WAKE, at_ns, tid), event(SLO_TRACE_RUN, at_ns + 1 * ms, tid),
          event(SLO_TRACE_STOP, at_ns + 3 * ms, tid), event(SLO_TRACE_RUN, at_ns + 8 * ms, tid),
          event(SLO_TRACE_SLEEP, at_ns + 9 * ms, tid)};
}

TraceSet set_of(const std::vector<slo_trace_record>& records) {
  TraceJobs jobs(info());
  for (const auto& record : records) jobs.take(record);
  return jobs.finish(start_ns + 100 * ms);
}

const std::vector<Request>& requests_of(const TraceSet& set, std::size_t task) {
  return *std::get<Replay>(set.workload.tasks.at(task).behaviour).requests;
}

TEST(TraceSet, AJobBecomesARequestForWhatItExecuted) {
  const TraceSet set = set_of(preempted_job(10 * ms, 7));
  ASSERT_EQ(set.workload.tasks.size(), 1u);
  ASSERT_EQ(requests_of(set, 0).size(), 1u);
  EXPECT_EQ(requests_of(set, 0)[0].release_ns, 10 * ms);
  EXPECT_EQ(requests_of(set, 0)[0].exec_ns, 3 * ms);
  EXPECT_EQ(set.jobs[0], 1u);
  EXPECT_EQ(set.misses[0], 1u) << "it waited 6 ms of its 5";
  EXPECT_EQ(set.span_ns, 100 * ms);
  EXPECT_EQ(set.cpus, 2u);
  EXPECT_EQ(set.left_out, 0u);
}

TEST(TraceSet, WhatIsNotWhollyInTheTraceIsLeftOut) {
  const TraceSet set = set_of({event(SLO_TRACE_RUN, 1 * ms, 7), event(SLO_TRACE_SLEEP, 2 * ms, 7),
                               event(SLO_TRACE_WAKE, 3 * ms, 8), event(SLO_TRACE_RUN, 4 * ms, 8)});
  EXPECT_TRUE(set.workload.tasks.empty());
  EXPECT_EQ(set.left_out, 2u);
}

TEST(TraceSet, JobsDuringALossAndOfRealTimePriorityAreLeftOut) {
  auto records = preempted_job(0, 7);
  records.insert(
      records.begin() + 2,
      {.time_ns = start_ns, .tid = 3, .cpu = 0, .unit = SLO_TRACE_NO_UNIT, .kind = SLO_TRACE_LOST});
  EXPECT_EQ(set_of(records).left_out, 1u);
  records = preempted_job(0, 7);
  records[1].kind |= SLO_TRACE_REAL_TIME;
  EXPECT_EQ(set_of(records).left_out, 1u);
}

TEST(TraceSet, ANumberThatIsUsedAgainIsAnotherTask) {
  auto records = preempted_job(0, 7);
  records.push_back(event(SLO_TRACE_EXIT, 10 * ms, 7));
  for (const auto& record : preempted_job(20 * ms, 7)) records.push_back(record);
  const TraceSet set = set_of(records);
  EXPECT_EQ(set.workload.tasks.size(), 2u);
}

TEST(TraceSet, AFileIsReadAndReplayed) {
  const std::string path = testing::TempDir() + "sim-trace-set-test";
  {
    std::ofstream file(path, std::ios::binary);
    const auto write = [&file](const void* bytes, std::size_t size) {
      file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
    };
    const auto header = encode_header(info());
    write(header.data(), header.size());
    for (std::uint64_t i = 0; i < 4; ++i)
      for (const auto& record : preempted_job(i * 20 * ms, 7)) write(&record, sizeof(record));
    const auto end = encode_end({.time_ns = start_ns + 90 * ms});
    write(&end, sizeof(end));
  }
  const auto set = load_trace(path);
  std::remove(path.c_str());
  ASSERT_TRUE(set) << set.error().message();
  EXPECT_EQ(set->span_ns, 90 * ms);
  const Record record = run_policy(
      {.machine = samples::free_machine(2), .workload = set->workload, .span_ns = set->span_ns}, {});
  EXPECT_EQ(record.units[0].jobs, 4u);
  EXPECT_EQ(record.units[0].misses, 0u) << "nobody is there to make it wait";
  EXPECT_EQ(record.units[0].exec_ns, 4 * 3 * ms);
  const std::vector<Arm> arms = {{.name = "as shipped", .record = record}};
  EXPECT_THAT(text_report(set->workload, arms), testing::HasSubstr("a.service"));
  EXPECT_EQ(json_report(set->workload, arms)["arms"][0]["units"][0]["jobs"], 4);
}

TEST(TraceSet, AFileThatIsNoTraceIsRefused) {
  const std::string path = testing::TempDir() + "sim-no-trace";
  std::ofstream(path) << "something else, and long enough to be looked at: " << std::string(200, 'x');
  EXPECT_FALSE(load_trace(path));
  std::remove(path.c_str());
  EXPECT_FALSE(load_trace(path)) << "there is none";
}

}  // namespace
}  // namespace slo::sim
