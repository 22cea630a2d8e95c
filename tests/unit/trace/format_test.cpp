// SPDX-License-Identifier: GPL-2.0-only
#include "trace/format.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "tests/unit/trace/samples.h"

namespace slo {
namespace {

using fakes::event;
using fakes::trace_info;

// What a reader makes of a file.
struct Read {
  TraceReader reader;
  std::vector<slo_trace_record> records;

  Result<void> feed(std::span<const std::byte> bytes) {
    return reader.feed(bytes, [this](const slo_trace_record& record) { records.push_back(record); });
  }
};

std::vector<std::byte> file(const std::vector<slo_trace_record>& records) {
  return fakes::trace_file(trace_info(), records, {.time_ns = 9'000, .records = records.size(), .lost = 0});
}

void expect_refused(std::span<const std::byte> bytes, const std::string& why) {
  Read read;
  const auto fed = read.feed(bytes);
  ASSERT_FALSE(fed);
  EXPECT_NE(fed.error().message().find(why), std::string::npos) << fed.error().message();
  EXPECT_FALSE(read.feed({})) << "it is refused for good";
}

TEST(Trace, what_is_written_is_read_again) {
  const std::vector records{event(SLO_TRACE_WAKE, 2'000, 7), event(SLO_TRACE_RUN, 3'000, 7),
                            event(SLO_TRACE_SLEEP, 4'000, 7, 1)};
  Read read;
  ASSERT_TRUE(read.feed(file(records)));
  EXPECT_EQ(read.reader.info(), trace_info());
  ASSERT_EQ(read.records.size(), 3U);
  EXPECT_EQ(std::memcmp(read.records.data(), records.data(), sizeof(slo_trace_record) * 3), 0);
  EXPECT_EQ(read.reader.records(), 3U);
  EXPECT_EQ(read.reader.last_ns(), 4'000U);
  EXPECT_EQ(read.reader.end(), (TraceEnd{.time_ns = 9'000, .records = 3}));
  EXPECT_EQ(read.reader.unfinished(), 0U);
}

TEST(Trace, it_may_come_in_pieces_of_any_size) {
  const auto whole = file({event(SLO_TRACE_WAKE, 2'000, 7), event(SLO_TRACE_RUN, 3'000, 7)});
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{100}}) {
    Read read;
    for (std::size_t at = 0; at < whole.size(); at += size)
      ASSERT_TRUE(read.feed(std::span(whole).subspan(at, std::min(size, whole.size() - at)))) << size;
    EXPECT_EQ(read.records.size(), 2U) << size;
    EXPECT_TRUE(read.reader.end()) << size;
  }
}

TEST(Trace, one_that_was_cut_short_has_no_end_wherever_it_was_cut) {
  const auto whole = file({event(SLO_TRACE_WAKE, 2'000, 7), event(SLO_TRACE_RUN, 3'000, 7)});
  const std::size_t header = encode_header(trace_info()).size();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Read read;
    ASSERT_TRUE(read.feed(std::span(whole).first(size))) << size;
    EXPECT_FALSE(read.reader.end()) << size;
    EXPECT_EQ(read.reader.info().has_value(), size >= header) << size;
    const std::size_t unfinished = read.reader.unfinished();
    EXPECT_EQ(unfinished, size < header              ? size
                          : read.records.size() == 2 ? size - header - 2 * sizeof(slo_trace_record)
                                                     : (size - header) % sizeof(slo_trace_record))
        << size;
  }
}

TEST(Trace, what_is_none_is_refused_by_its_first_bytes) {
  const std::string text = "[Service]\nExecStart=/bin/true\n";
  expect_refused(std::as_bytes(std::span(text)), "it is none");
  expect_refused(std::as_bytes(std::span(text).first(1)), "it is none");
}

TEST(Trace, another_version_is_refused_by_its_number) {
  auto bytes = file({});
  bytes[offsetof(slo_trace_header, version)] = std::byte{2};
  expect_refused(bytes, "version 2");
}

TEST(Trace, sizes_that_do_not_fit_are_damage) {
  for (const std::size_t field :
       {offsetof(slo_trace_header, header_size), offsetof(slo_trace_header, unit_size),
        offsetof(slo_trace_header, record_size), offsetof(slo_trace_header, clock),
        offsetof(slo_trace_header, units)}) {
    auto bytes = file({});
    bytes[field] = std::byte{255};
    expect_refused(bytes, "header is damaged");
    bytes[field] = std::byte{0};
    expect_refused(bytes, "header is damaged");
  }
}

TEST(Trace, a_record_that_cannot_be_is_damage_and_named_by_its_place) {
  const std::size_t place = encode_header(trace_info()).size() + sizeof(slo_trace_record);
  for (const auto& wrong : {event(0, 2'000, 7), event(SLO_TRACE_END + 1, 2'000, 7),
                            event(SLO_TRACE_RUN, 2'000, 7, 0, 2),  // there are two units
                            event(SLO_TRACE_LOST | SLO_TRACE_REAL_TIME, 2'000, 7)})
    expect_refused(file({event(SLO_TRACE_WAKE, 1'000, 7), wrong}),
                   "damaged at byte " + std::to_string(place));
}

TEST(Trace, nothing_may_follow_the_end) {
  auto bytes = file({});
  bytes.push_back(std::byte{0});
  expect_refused(bytes, "goes on after its end");
}

TEST(Trace, a_task_of_real_time_priority_is_marked_beside_the_kind) {
  Read read;
  ASSERT_TRUE(read.feed(file({event(SLO_TRACE_RUN | SLO_TRACE_REAL_TIME, 2'000, 7)})));
  EXPECT_EQ(kind_of(read.records.at(0)), SLO_TRACE_RUN);
  EXPECT_EQ(kind_name(kind_of(read.records.at(0))), "run");
}

TEST(Trace, records_that_are_missing_are_counted_apart) {
  Read read;
  ASSERT_TRUE(
      read.feed(file({event(SLO_TRACE_RUN, 2'000, 7), lost_record(3'000, 40), lost_record(4'000, 2)})));
  EXPECT_EQ(read.reader.records(), 1U);
  EXPECT_EQ(read.reader.lost(), 42U);
  EXPECT_EQ(read.records.size(), 3U);
}

TEST(Trace, names_that_are_too_long_are_cut_and_end_in_a_nul) {
  TraceInfo info = trace_info();
  info.units[0].name = std::string(300, 'x');
  info.kernel = std::string(100, '6');
  info.state = std::string(100, 'e');
  Read read;
  ASSERT_TRUE(read.feed(encode_header(info)));
  EXPECT_EQ(read.reader.info()->units[0].name, std::string(SLO_TRACE_NAME_LEN - 1, 'x'));
  EXPECT_EQ(read.reader.info()->kernel, std::string(SLO_TRACE_KERNEL_LEN - 1, '6'));
  EXPECT_EQ(read.reader.info()->state, std::string(SLO_TRACE_STATE_LEN - 1, 'e'));
}

// Other programs go by the manual.
TEST(Trace, the_layout_is_that_of_the_manual) {
  const auto header = encode_header(trace_info());
  EXPECT_EQ(header.size(), 144U + 2 * 288U);
  EXPECT_EQ(
      std::memcmp(header.data(), "SCXSLOTR\1\0\0\0\220\0\0\0\40\1\0\0\20\0\0\0\2\0\0\0\4\0\0\0\1\0\0\0", 36),
      0);
  EXPECT_EQ(std::memcmp(header.data() + 144, "a.service", 10), 0);
  EXPECT_EQ(offsetof(slo_trace_header, start_ns), 40U);
  EXPECT_EQ(offsetof(slo_trace_header, start_realtime_ns), 48U);
  EXPECT_EQ(offsetof(slo_trace_header, planned_ns), 56U);
  EXPECT_EQ(offsetof(slo_trace_header, state), 64U);
  EXPECT_EQ(offsetof(slo_trace_header, kernel), 80U);
  EXPECT_EQ(offsetof(slo_trace_unit, cgroup_id), 256U);
  EXPECT_EQ(offsetof(slo_trace_unit, budget_ns), 264U);
  EXPECT_EQ(offsetof(slo_trace_unit, max_exec_ns), 272U);
  EXPECT_EQ(offsetof(slo_trace_unit, metric), 280U);
  EXPECT_EQ(offsetof(slo_trace_record, tid), 8U);
  EXPECT_EQ(offsetof(slo_trace_record, cpu), 12U);
  EXPECT_EQ(offsetof(slo_trace_record, unit), 14U);
  EXPECT_EQ(offsetof(slo_trace_record, kind), 15U);
  EXPECT_EQ(offsetof(slo_trace_end, records), 16U);
  EXPECT_EQ(offsetof(slo_trace_end, lost), 24U);
}

}  // namespace
}  // namespace slo
