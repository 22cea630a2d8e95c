// SPDX-License-Identifier: GPL-2.0-only
// The scenarios that known_jobs plays in the booted machine (tests/workloads/known_scenarios.cpp), on the
// simulated one: the scheduler counts the same jobs, misses and causes.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

#include "samples.h"
#include "simulate.h"
#include "tests/workloads/known_scenarios.h"

namespace slo::sim {
namespace {

using samples::ms;
using samples::second;
using samples::us;
using workload::expectation;

constexpr std::uint32_t counted = 0;
constexpr std::uint32_t elsewhere = 1;
constexpr std::uint32_t director_priority = 50;
// Longer than any budget that the scenarios are played with, as in the booted machine.
constexpr std::uint64_t too_long_ns = 30 * ms;
constexpr std::uint64_t short_ns = 10 * us;

// A subject whose jobs are counted, a rival beside it, and a director of a real-time class, all on one CPU.
// What they do is planned, one thing after the other.
class Play {
 public:
  Play(const Unit& settings, const Rules& rules)
      : system_({.machine = samples::free_machine(2),
                 .workload = {.name = "known jobs", .units = {settings, {.name = "elsewhere"}}, .tasks = {}}},
                policy_of(rules)),
        subject_(spawn(counted)),
        rival_(spawn(counted)),
        director_(spawn(elsewhere)) {
    kernel().set_real_time(director_, director_priority);
    system_.daemon().attach();
  }

  [[nodiscard]] Kernel& kernel() { return system_.kernel(); }
  [[nodiscard]] Task& subject() { return subject_; }
  [[nodiscard]] Task& rival() { return rival_; }

  void pass(std::uint64_t time_ns) { now_ns_ += time_ns; }
  void act(std::function<void()> what) { kernel().plan(now_ns_, std::move(what)); }
  void wake(Task& task, std::uint64_t exec_ns) {
    act([this, &task, exec_ns] {
      task.request = {.release_ns = kernel().now_ns(), .exec_ns = exec_ns};
      task.left_ns = exec_ns;
      kernel().wake(task, 0, false);
    });
  }
  // A job that nothing disturbs, up to its sleep of a millisecond.
  void job(std::uint64_t exec_ns) {
    wake(subject_, exec_ns);
    pass(exec_ns + ms);
  }
  void jobs(int count) {
    for (int i = 0; i < count; ++i) job(short_ns);
  }
  // Nobody else has the CPU for so long.
  void occupy(std::uint64_t time_ns) { wake(director_, time_ns); }
  void sleeps(Task& task) {
    act([this, &task] { kernel().cut_short(task); });
  }
  void set_real_time(std::uint32_t priority) {
    act([this, priority] { kernel().set_real_time(subject_, priority); });
  }
  void move_to(std::uint32_t unit) {
    act([this, unit] {
      subject_.unit = unit;
      kernel().move_to_group(subject_, system_.group(unit));
    });
  }

  [[nodiscard]] slo_stats end() {
    static_cast<void>(system_.run(now_ns_ + second));
    EXPECT_EQ(system_.ext().exit().kind, 0u) << system_.ext().exit().message;
    return system_.daemon().stats(counted);
  }

 private:
  static Policy policy_of(const Rules& rules) {
    Policy policy;
    policy.rules = rules;
    return policy;
  }
  Task& spawn(std::uint32_t unit) {
    Task& task = kernel().spawn(Told{}, system_.group(unit), unit);
    kernel().set_affinity(task, CpuMask::of(0));
    return task;
  }

  System system_;
  Task& subject_;
  Task& rival_;
  Task& director_;
  std::uint64_t now_ns_ = 300 * ms;  // the heartbeat has been there
};

void sleeps(Play& play, int rounds) {
  play.jobs(rounds + 1);
}

void spins(Play& play, int rounds) {
  for (int i = 0; i < rounds; ++i) play.job(3 * ms);
  play.jobs(1);
}

void starts_late(Play& play, int rounds) {
  play.jobs(1);
  for (int i = 0; i < rounds; ++i) {
    play.occupy(too_long_ns);
    play.pass(us);
    play.wake(play.subject(), 2 * ms);
    play.pass(50 * ms);
  }
}

void wait_after(Play& play, std::uint64_t exec_ns, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    play.wake(play.subject(), exec_ns + short_ns);
    play.pass(exec_ns);
    play.occupy(too_long_ns);
    play.pass(50 * ms);
  }
  play.jobs(1);
}

void is_preempted(Play& play, int rounds) {
  wait_after(play, 2 * ms, rounds);
}

void executes_too_long(Play& play, int rounds) {
  wait_after(play, 25 * ms, rounds);
}

void executes_over_its_budget(Play& play, int rounds) {
  for (int i = 0; i < rounds; ++i) play.job(15 * ms);
  play.jobs(1);
}

// Each time that it runs it yields, to one that does not sleep until then.
void yields(Play& play, int rounds) {
  play.wake(play.subject(), second);
  play.wake(play.rival(), second);
  for (int i = 0; i < rounds; ++i) {
    play.pass(100 * ms);
    for (int tries = 0; tries < 400; ++tries) {
      play.pass(500 * us);
      play.act([&play] {
        if (play.subject().is_current) play.kernel().yield(play.subject());
      });
    }
  }
  play.sleeps(play.subject());
  play.sleeps(play.rival());
}

// A child works and ends, which wakes its parent.
void fork_one(Play& play, const Behaviour& child, std::uint64_t exec_ns) {
  play.wake(play.subject(), 100 * us);
  play.pass(50 * us);
  play.act([&play, child] { play.kernel().on_cpu(0, [&] { play.kernel().fork(play.subject(), child); }); });
  play.pass(exec_ns + ms);
}

void forks(Play& play, int rounds) {
  for (int i = 0; i < rounds; ++i) fork_one(play, samples::script({{.exec_ns = 2 * ms}}), 2 * ms);
  play.jobs(1);
}

void kill_child(Play& play) {
  play.act([&play] { play.kernel().kill(play.kernel().tasks().back()); });
  play.pass(ms);
}

void has_children_killed(Play& play, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    fork_one(play, Hog{}, 2 * ms);
    kill_child(play);
    fork_one(play, Told{}, ms);
    kill_child(play);
  }
  play.jobs(1);
}

// SIGSTOP, the freezer and a debugger alike take it off its CPU for what is no sleep of its own.
void is_stopped(Play& play, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    play.wake(play.subject(), 4 * ms);
    play.pass(2 * ms);
    play.sleeps(play.subject());
    play.pass(ms);
    play.job(2 * ms);
  }
  play.jobs(1);
}

void migrates(Play& play, int rounds) {
  play.wake(play.subject(), ms * static_cast<std::uint64_t>(rounds + 1));
  for (int i = 0; i < rounds; ++i) {
    play.pass(ms);
    play.act([&play, i] { play.kernel().set_affinity(play.subject(), CpuMask::of(i % 2 == 0 ? 1 : 0)); });
  }
}

void is_moved_and_moved_back(Play& play, int rounds) {
  play.wake(play.subject(), 2 * ms);
  play.pass(ms);
  play.move_to(elsewhere);
  play.pass(2 * ms);
  play.jobs(1);
  play.wake(play.subject(), 2 * ms);
  play.pass(ms);
  play.move_to(counted);
  play.pass(2 * ms);
  play.jobs(rounds);
}

// Of the job that it becomes real-time in, nothing counts, nor of what it does up to its next sleep once it
// is ordinary again.
void is_real_time_for_a_while(Play& play, int rounds) {
  play.wake(play.subject(), 2 * ms);
  play.pass(ms);
  play.set_real_time(10);
  play.pass(2 * ms);
  play.jobs(2);
  play.wake(play.subject(), 4 * ms);
  play.pass(2 * ms);
  play.set_real_time(0);
  play.pass(3 * ms);
  play.jobs(rounds);
}

void is_real_time_without_a_sleep(Play& play, int rounds) {
  play.wake(play.subject(), 6 * ms);
  play.pass(2 * ms);
  play.set_real_time(10);
  play.pass(2 * ms);
  play.set_real_time(0);
  play.pass(3 * ms);
  play.jobs(rounds);
}

void is_preempted_when_ordinary_again(Play& play, int rounds) {
  play.set_real_time(10);
  play.jobs(3);
  play.wake(play.subject(), 4 * ms);
  play.pass(ms);
  play.set_real_time(0);
  play.pass(ms);
  play.occupy(too_long_ns);
  play.pass(50 * ms);
  play.jobs(rounds);
}

void changes_class_in_the_queue(Play& play, int rounds) {
  play.wake(play.subject(), 2 * ms);
  play.pass(ms);
  play.occupy(too_long_ns);
  play.pass(ms);
  play.set_real_time(10);
  play.set_real_time(0);
  play.pass(50 * ms);
  play.jobs(rounds);
}

const Unit short_budget{.name = "known", .budget_ns = 10 * ms};
const Unit response{.name = "known", .budget_ns = 10 * ms, .bounds_response = true};
const Unit covered_20ms{.name = "known", .budget_ns = 10 * ms, .max_exec_ns = 20 * ms};
const Unit ample{.name = "known", .budget_ns = second};

struct Case {
  const char* scenario;
  const Unit& settings;
  void (*play)(Play& play, int rounds);
  // What the program counts itself: its children's jobs, as many as it made, and its own.
  int jobs_per_round = 0;
  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.scenario; }
};

const Case cases[] = {
    {"sleeps", short_budget, sleeps},
    {"spins", short_budget, spins},
    {"late", short_budget, starts_late},
    {"late", response, starts_late},
    {"preempted", short_budget, is_preempted},
    {"preempted", response, is_preempted},
    {"overlong", covered_20ms, executes_too_long},
    {"overrun", response, executes_over_its_budget},
    {"yields", ample, yields},
    {"forks", ample, forks, 2},
    {"killed", ample, has_children_killed, 5},
    {"stopped", short_budget, is_stopped},
    {"migrated", ample, migrates},
    {"moved", short_budget, is_moved_and_moved_back},
    {"rt-sleeps", short_budget, is_real_time_for_a_while},
    {"rt-unswitched", short_budget, is_real_time_without_a_sleep},
    {"rt-back-preempted", short_budget, is_preempted_when_ordinary_again},
    {"rt-queued", short_budget, changes_class_in_the_queue},
};

class KnownJobs : public testing::TestWithParam<Case> {};

void play_by(const Rules& rules) {
  const Case& one = KnownJobs::GetParam();
  const auto scenarios = workload::scenarios();
  const auto scenario = std::ranges::find(scenarios, one.scenario,
                                          [](const auto& each) { return std::string_view(each.name); });
  ASSERT_NE(scenario, scenarios.end());
  Play play(one.settings, rules);
  one.play(play, scenario->rounds);
  const slo_stats stats = play.end();
  expectation expected = scenario->expected(scenario->rounds);
  if (one.jobs_per_round != 0) expected.jobs = one.jobs_per_round * scenario->rounds + 1;
  const auto misses = [&](std::uint32_t cause) {
    return static_cast<std::int64_t>(stats.misses_by_cause[cause]);
  };
  EXPECT_EQ(static_cast<std::int64_t>(stats.jobs), expected.jobs);
  EXPECT_EQ(misses(SLO_CAUSE_LATE_START), expected.late_start);
  EXPECT_EQ(misses(SLO_CAUSE_PREEMPTED), expected.preempted);
  EXPECT_EQ(misses(SLO_CAUSE_OVERLONG), expected.overlong);
  EXPECT_EQ(misses(SLO_CAUSE_OVERRUN), expected.overrun);
  EXPECT_EQ(misses(SLO_CAUSE_THROTTLED), 0);
}

TEST_P(KnownJobs, AreAsDefined) {
  play_by({});
}

TEST_P(KnownJobs, AreAsDefinedBy612) {
  play_by(rules_of_6_12());
}

INSTANTIATE_TEST_SUITE_P(, KnownJobs, testing::ValuesIn(cases), [](const auto& one) {
  std::string name = one.param.scenario;
  std::ranges::replace(name, '-', '_');
  return name + (one.param.settings.bounds_response ? "_response" : "");
});

}  // namespace
}  // namespace slo::sim
