// SPDX-License-Identifier: GPL-2.0-only
#include "trace/recording.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "tests/unit/manager_fixture.h"
#include "tests/unit/trace/samples.h"

namespace slo {
namespace {

using fakes::event;
using Units = std::map<std::uint64_t, std::uint32_t>;  // cgroup id -> index, as the kernel was told

// A recording through the manager; the test is the kernel at one end and the reader at the other.
class RecordingTest : public ManagerTest {
 protected:
  RecordingTest() { static_cast<void>(signal(SIGPIPE, SIG_IGN)); }  // as the daemon does

  void begin(const std::vector<std::string>& units = {"a.service"}, std::uint64_t seconds = 10) {
    auto reader = manager().record(units, seconds * sec);
    ASSERT_TRUE(reader) << reader.error().message();
    reader_ = *std::move(reader);
    ASSERT_EQ(fcntl(reader_.get(), F_SETFL, O_NONBLOCK), 0);
  }

  void forward_after(std::uint64_t seconds) {
    now_.monotonic_ns += seconds * sec;
    manager().forward_recording();
  }

  // Once the time is over, and once more for what was late.
  void forward_to_the_end(std::uint64_t seconds = 10) {
    forward_after(seconds);
    manager().forward_recording();
  }

  // Reads all that is there; true: the daemon has closed its end.
  bool read_all() {
    std::array<std::byte, 65536> piece{};
    for (;;) {
      const ssize_t n = read(reader_.get(), piece.data(), piece.size());
      if (n <= 0) return n == 0;
      EXPECT_TRUE(trace_.feed(std::span(piece).first(static_cast<std::size_t>(n)),
                              [this](const slo_trace_record& record) { records_.push_back(record); }));
    }
  }

  void wait_in_kernel(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) recorder_.waiting.push_back(event(SLO_TRACE_RUN, i, 7));
  }

  Fd reader_;
  TraceReader trace_;
  std::vector<slo_trace_record> records_;
};

TEST_F(RecordingTest, the_reader_gets_the_header_the_records_and_the_end) {
  start();
  begin();
  EXPECT_TRUE(recorder_.recording);
  EXPECT_TRUE(often_);
  EXPECT_FALSE(read_all());
  ASSERT_TRUE(trace_.info()) << "at once";
  wait_in_kernel(3);
  forward_after(1);
  EXPECT_FALSE(read_all());
  EXPECT_EQ(records_.size(), 3U);

  wait_in_kernel(2);
  forward_to_the_end();
  EXPECT_TRUE(read_all());
  EXPECT_EQ(records_.size(), 5U);
  ASSERT_TRUE(trace_.end());
  EXPECT_EQ(trace_.end()->reason, SLO_TRACE_END_TIME);
  EXPECT_EQ(trace_.end()->records, 5U);
  EXPECT_EQ(trace_.end()->time_ns, now_.monotonic_ns) << "until when it was recorded";
}

TEST_F(RecordingTest, nothing_of_it_stays_behind) {
  start();
  begin();
  forward_to_the_end();
  EXPECT_FALSE(recorder_.loaded);
  EXPECT_FALSE(often_);
  EXPECT_FALSE(manager().recording());
  begin();
  EXPECT_TRUE(recorder_.recording);
}

TEST_F(RecordingTest, the_trace_says_what_holds_for_its_units) {
  budget("a.service", "5ms");
  files_.further["/etc/a.service"].metric = Setting<Metric>{.value = Metric::response(), .origin = {}};
  manager().units_listed(
      {fakes::fact("a.service", 11), fakes::fact("b.service", 0), fakes::fact("c.service", 13)});
  begin({"c.service", "a.service", "b.service"});
  read_all();
  ASSERT_TRUE(trace_.info());
  const auto& units = trace_.info()->units;
  ASSERT_EQ(units.size(), 3U);
  EXPECT_EQ(units[0], (TraceUnit{.name = "c.service", .cgroup_id = 13}));
  EXPECT_EQ(units[1].name, "a.service");
  EXPECT_EQ(units[1].budget_ns, 5'000'000U);
  EXPECT_EQ(units[1].max_exec_ns, 100'000'000U);
  EXPECT_TRUE(units[1].bounds_response);
  EXPECT_EQ(units[2], (TraceUnit{.name = "b.service"}));
  EXPECT_EQ(trace_.info()->state, "enforcing");
  EXPECT_EQ(trace_.info()->cpus, 2U);
  EXPECT_EQ(recorder_.units, (Units{{13, 0}, {11, 1}}));
}

TEST_F(RecordingTest, it_works_while_nothing_else_is_in_the_kernel) {
  manager().units_listed({fakes::fact("c.service", 13)});
  ASSERT_EQ(manager().state(), State::idle);
  begin({"c.service"});
  read_all();
  EXPECT_EQ(trace_.info()->state, "idle");
  EXPECT_EQ(kernel_.attaches + kernel_.observes, 0);
}

TEST_F(RecordingTest, a_unit_that_starts_or_stops_meanwhile_is_followed) {
  manager().units_listed({fakes::fact("a.service", 0), fakes::fact("b.service", 12)});
  begin({"a.service", "b.service"});
  EXPECT_EQ(recorder_.units, (Units{{12, 1}}));
  manager().unit_changed(fakes::fact("a.service", 21));
  EXPECT_EQ(recorder_.units, (Units{{12, 1}, {21, 0}}));
  manager().unit_changed(fakes::fact("b.service", 22));
  EXPECT_EQ(recorder_.units, (Units{{22, 1}, {21, 0}})) << "restarted";
  manager().unit_gone("a.service");
  EXPECT_EQ(recorder_.units, (Units{{22, 1}}));
  manager().units_listed({fakes::fact("a.service", 31)});
  EXPECT_EQ(recorder_.units, (Units{{31, 0}}));
}

TEST_F(RecordingTest, a_recorder_that_does_not_load_or_start_is_an_error_and_none_is_under_way) {
  start();
  recorder_.load_error = Error{.tried = "load", .subject = "the recorder", .errno_value = EPERM};
  EXPECT_FALSE(manager().record({"a.service"}, sec));
  EXPECT_FALSE(loading_);
  recorder_.load_error.reset();
  recorder_.start_error = Error{.tried = "attach", .subject = "the recorder", .errno_value = EPERM};
  EXPECT_FALSE(manager().record({"a.service"}, sec));
  EXPECT_FALSE(manager().recording());
  EXPECT_FALSE(recorder_.loaded);
  EXPECT_FALSE(often_);
}

TEST_F(RecordingTest, its_time_begins_when_it_is_loaded) {
  start();
  begin();
  const std::uint64_t started_ns = now_.monotonic_ns;
  read_all();
  EXPECT_EQ(trace_.info()->start_ns, started_ns);
  EXPECT_EQ(trace_.info()->planned_ns, 10 * sec);
  forward_after(9);
  EXPECT_TRUE(recorder_.recording);
  forward_after(1);
  EXPECT_FALSE(recorder_.recording);
}

TEST_F(RecordingTest, what_a_slow_reader_does_not_take_stays_in_the_kernel) {
  start();
  begin();
  constexpr std::size_t many = 500'000;  // 8 MB, and a pipe has 1 MiB at most
  wait_in_kernel(many);
  forward_after(1);
  const std::size_t left = recorder_.waiting.size();
  EXPECT_GT(left, many / 2);
  forward_after(1);
  EXPECT_EQ(recorder_.waiting.size(), left) << "nobody has read, so nothing has moved";
  while (!recorder_.waiting.empty()) {
    read_all();
    manager().forward_recording();
  }
  forward_to_the_end();
  while (!read_all()) manager().forward_recording();
  EXPECT_EQ(records_.size(), many);
  for (std::size_t i = 0; i < many; ++i) ASSERT_EQ(records_[i].time_ns, i);
}

TEST_F(RecordingTest, lost_records_are_told_where_they_are_missing_and_at_the_end) {
  start();
  begin();
  wait_in_kernel(2);
  recorder_.lost = 40;
  manager().forward_recording();
  wait_in_kernel(1);
  manager().forward_recording();
  recorder_.lost = 42;
  forward_to_the_end();
  read_all();
  ASSERT_EQ(records_.size(), 5U);
  EXPECT_EQ(records_[2].kind, SLO_TRACE_LOST);
  EXPECT_EQ(records_[2].tid, 40U);
  EXPECT_EQ(records_[4].tid, 2U);
  ASSERT_TRUE(trace_.end());
  EXPECT_EQ(trace_.end()->records, 3U);
  EXPECT_EQ(trace_.end()->lost, 42U);
}

TEST_F(RecordingTest, it_ends_when_its_reader_goes) {
  start();
  begin();
  reader_ = Fd();
  forward_after(1);
  EXPECT_FALSE(manager().recording()) << "though there was nothing to write";
  EXPECT_FALSE(recorder_.loaded);
  begin();
  wait_in_kernel(10);
  reader_ = Fd();
  forward_after(1);
  EXPECT_FALSE(manager().recording());
}

TEST_F(RecordingTest, a_reader_that_never_takes_the_rest_is_given_up) {
  start();
  begin();
  wait_in_kernel(500'000);
  forward_to_the_end();
  EXPECT_TRUE(manager().recording());
  forward_after(9);
  EXPECT_TRUE(manager().recording());
  forward_after(2);
  EXPECT_FALSE(manager().recording());
  EXPECT_TRUE(read_all());
  EXPECT_FALSE(trace_.end());
}

TEST_F(RecordingTest, a_daemon_that_ends_sends_what_it_has_and_says_so) {
  start();
  begin();
  wait_in_kernel(3);
  manager().stop();
  EXPECT_FALSE(recorder_.loaded);
  EXPECT_TRUE(read_all());
  EXPECT_EQ(records_.size(), 3U);
  ASSERT_TRUE(trace_.end());
  EXPECT_EQ(trace_.end()->reason, SLO_TRACE_END_DAEMON);
}

TEST_F(RecordingTest, without_one_nothing_is_forwarded) {
  start();
  manager().forward_recording();
  EXPECT_FALSE(manager().recording());
}

}  // namespace
}  // namespace slo
