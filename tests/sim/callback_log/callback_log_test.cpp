// SPDX-License-Identifier: GPL-2.0-only
// The model against callbacks that were logged on a kernel (7.3.4, on a clock that counts instructions).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "bpf/abi/slo_abi.h"
#include "difference.h"
#include "script.h"

namespace slo::sim {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t us = SLO_NSEC_PER_USEC;

struct Held {
  CallbackLog log;
  Replayed replayed;
  Difference difference;
};

Held hold(const std::string& name) {
  const std::string path = SCX_SLO_SOURCE_DIR "/tests/sim/callback_log/logs/" + name;
  auto log = load_callback_log(path);
  if (!log) throw std::runtime_error(log.error().message());
  auto replayed = replay_best(*log, path);
  if (!replayed) throw std::runtime_error(replayed.error().message());
  Difference difference = difference_of(*replayed);
  return {std::move(*log), std::move(*replayed), std::move(difference)};
}

// How often each task went to sleep.
std::map<std::uint32_t, int> jobs(const std::vector<LoggedEvent>& events) {
  std::map<std::uint32_t, int> jobs;
  for (const LoggedEvent& event : events)
    if (event.kind == LoggedKind::stopping && (event.value & stopped_asleep) != 0) ++jobs[event.tid];
  return jobs;
}

TEST(CallbackLog, OneCpuCallsTheSameInTheSameOrderWithin50Us) {
  const Held held = hold("one_cpu.jsonl");
  SCOPED_TRACE(to_text(held.log, held.replayed, held.difference));
  EXPECT_GT(held.replayed.kernel.size(), 1500u);
  ASSERT_EQ(held.difference.unlike(), 0u);
  for (std::size_t i = 0; i < held.replayed.kernel.size(); ++i) {
    const auto kernel_ns = static_cast<double>(held.replayed.kernel[i].time_ns);
    EXPECT_NEAR(kernel_ns, static_cast<double>(held.replayed.model[i].time_ns), 50 * us) << i;
  }
}

bool is_preempted(const Held& held, std::uint32_t tid) {
  return std::ranges::any_of(held.replayed.kernel, [&](const LoggedEvent& event) {
    return event.tid == tid && event.kind == LoggedKind::stopping && (event.value & stopped_runnable) != 0;
  });
}

// A CPU of that machine stands still while the other one has its turn, up to a millisecond: a kick takes as
// long, and finds something else. The log does not say when; so where tasks run, and how often those are
// preempted that make room, is not the same. The order of all others is, and jobs are.
TEST(CallbackLog, TwoCpusCallTheSameForATaskThatIsNotPreempted) {
  const Held held = hold("two_cpus.jsonl");
  SCOPED_TRACE(to_text(held.log, held.replayed, held.difference));
  EXPECT_GT(held.replayed.kernel.size(), 1400u);
  EXPECT_EQ(jobs(held.replayed.kernel), jobs(held.replayed.model));
  std::size_t others = 0;
  for (const Alignment& task : held.difference.tasks) {
    if (is_preempted(held, task.subject)) continue;
    EXPECT_TRUE(task.is_equal()) << task.subject;
    ++others;
  }
  EXPECT_GE(others, 8u);
  EXPECT_GE(held.difference.in_order_permille(false), 800u);
}

class BadLog : public testing::Test {
 protected:
  std::string error_of(const std::string& text) {
    std::ofstream(path_) << text;
    const auto log = load_callback_log(path_);
    const auto replayed = log ? replay_best(*log, path_) : std::unexpected(log.error());
    std::remove(path_.c_str());
    return replayed ? "" : replayed.error().message();
  }

  const std::string path_ = testing::TempDir() + "bad_callback_log.jsonl";
  const std::string head_ = R"({"callbacks":1,"kernel":"7","cpus":1,"lost":0})"
                            "\n";
};

TEST_F(BadLog, IsRefusedWithTheLine) {
  EXPECT_THAT(error_of(""), HasSubstr(path_ + ":1"));
  EXPECT_THAT(error_of("{}\n"), HasSubstr("it is no log of callback_log"));
  EXPECT_THAT(error_of(R"({"callbacks":1,"cpus":1,"lost":7})"), HasSubstr("events were lost"));
  EXPECT_THAT(error_of(head_ + "[1,\"tick\"]\n"), HasSubstr(path_ + ":2"));
  EXPECT_THAT(error_of(head_ + "[1,\"tock\",0,1,0,0]\n"), HasSubstr("'tock' is no callback"));
  EXPECT_THAT(error_of(head_ + "[1,\"tick\",1,1,0,0]\n"), HasSubstr("there is no CPU 1"));
  EXPECT_THAT(error_of(head_ + "[1,\n"), HasSubstr("one value of JSON"));
  EXPECT_THAT(error_of(head_ + "[1,\"tick\",0,1,0,0]\n"), HasSubstr("while all CPUs are idle"));
}

// One task forks another and goes on, which then waits for it; an interrupt woke it. It sleeps before it has
// run for a millisecond, when the child would take the CPU.
constexpr const char* a_fork =
    R"({"callbacks":1,"kernel":"7","cpus":1,"lost":0}
{"task":7,"at":0,"comm":"parent","group":1,"cpu":0,"cpus":1,"flags":0,"prio":120}
{"task":8,"at":1500000,"comm":"child","group":1,"cpu":0,"cpus":1,"flags":0,"prio":120}
[0,"update_idle",0,0,1,0]
[1000000,"enqueue",0,7,9,0]
[1001000,"dispatch",0,0,0,0]
[1002000,"update_idle",0,0,0,0]
[1004000,"running",0,7,0,0]
[1500000,"enable",0,8,0,7]
[1600000,"enqueue",0,8,9,7]
[1900000,"stopping",0,7,2,7]
[1901000,"dispatch",0,7,0,7]
[1904000,"running",0,8,0,7]
[3000000,"stopping",0,8,6,8]
[3001000,"dispatch",0,8,0,8]
[3002000,"update_idle",0,0,1,8]
[3003000,"disable",0,8,0,0]
)";

class WrittenLog : public testing::Test {
 protected:
  ~WrittenLog() override { std::remove(path_.c_str()); }
  CallbackLog load(const std::string& text) {
    std::ofstream(path_) << text;
    auto log = load_callback_log(path_);
    if (!log) throw std::runtime_error(log.error().message());
    return std::move(*log);
  }
  const std::string path_ = testing::TempDir() + "written_callback_log.jsonl";
};

TEST_F(WrittenLog, IsWhatTasksDid) {
  const auto scripts = scripts_of(load(a_fork));
  ASSERT_TRUE(scripts);
  EXPECT_EQ(scripts->costs.switch_ns, 4 * us);
  ASSERT_EQ(scripts->wakeups.size(), 1u);
  EXPECT_EQ(scripts->wakeups[0].tid, 7u);
  EXPECT_EQ(scripts->wakeups[0].time_ns, 1000 * us);
  const auto& parent = scripts->steps.at(7);
  ASSERT_EQ(parent.size(), 2u);
  EXPECT_EQ(parent[0].then, LoggedStep::Then::wake);
  EXPECT_EQ(parent[0].tid, 8u);
  EXPECT_EQ(parent[0].exec_ns, 596 * us);
  EXPECT_EQ(parent[1].then, LoggedStep::Then::sleep);
  EXPECT_EQ(parent[1].exec_ns, 300 * us);
  const auto& child = scripts->steps.at(8);
  ASSERT_EQ(child.size(), 1u);
  EXPECT_EQ(child[0].then, LoggedStep::Then::exit);
  EXPECT_EQ(child[0].exec_ns, 1096 * us);
}

TEST_F(WrittenLog, IsReplayed) {
  const CallbackLog log = load(a_fork);
  const auto replayed = replay_best(log, path_);
  ASSERT_TRUE(replayed);
  const Difference difference = difference_of(*replayed);
  EXPECT_EQ(difference.unlike(), 0u) << to_text(log, *replayed, difference);
}

// A real-time task has no callbacks: what it took is between two switches, the second of which comes after
// running() of the task behind it.
TEST_F(WrittenLog, ARealTimeTaskTakesTheCpu) {
  const CallbackLog log = load(
      R"({"callbacks":1,"kernel":"7","cpus":1,"lost":0}
{"task":7,"at":0,"comm":"hog","group":1,"cpu":0,"cpus":1,"flags":0,"prio":120}
{"task":9,"at":0,"comm":"urgent","group":1,"cpu":0,"cpus":1,"flags":0,"prio":0}
[0,"update_idle",0,0,1,0]
[1000000,"enqueue",0,7,9,0]
[1001000,"dispatch",0,0,0,0]
[1002000,"update_idle",0,0,0,0]
[1004000,"running",0,7,0,0]
[2000000,"waking",0,9,0,0]
[2004000,"stopping",0,7,1,7]
[2006000,"switch",0,9,57,7]
[2504000,"dispatch",0,0,0,9]
[2506000,"running",0,7,0,9]
[2508000,"switch",0,7,74,9]
)");
  const auto scripts = scripts_of(log);
  ASSERT_TRUE(scripts);
  const auto& urgent = scripts->steps.at(9);
  ASSERT_EQ(urgent.size(), 1u);
  EXPECT_EQ(urgent[0].then, LoggedStep::Then::sleep);
  EXPECT_EQ(urgent[0].exec_ns, 498 * us);
  EXPECT_FALSE(scripts->steps.contains(7)) << "it never sleeps";
}

// The comparison itself: what one side alone has is counted, and where it begins is said.
TEST(CallbackLog, ADifferenceIsSeen) {
  Held held = hold("one_cpu.jsonl");
  Replayed& replayed = held.replayed;
  const auto lost = std::ranges::find(replayed.model, LoggedKind::stopping, &LoggedEvent::kind);
  ASSERT_NE(lost, replayed.model.end());
  const std::uint32_t tid = lost->tid;
  replayed.model.erase(lost);
  const Difference difference = difference_of(replayed);
  EXPECT_EQ(difference.unlike(), 2u);
  const auto unlike = std::ranges::find(difference.tasks, false, &Alignment::is_equal);
  ASSERT_NE(unlike, difference.tasks.end());
  EXPECT_EQ(unlike->subject, tid);
  EXPECT_EQ(unlike->only_kernel, 1u);
  EXPECT_THAT(to_text(held.log, replayed, difference), HasSubstr("1 of"));
}

}  // namespace
}  // namespace slo::sim
