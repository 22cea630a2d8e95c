// SPDX-License-Identifier: GPL-2.0-only
#include "recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

#include "bpf/slo_abi.h"

namespace slo {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;
constexpr std::uint64_t window = 600 * sec;

const SchedulerExit stall{.kind = 1026, .reason = "runnable task stall"};
const SchedulerExit sysrq{.kind = 67};
const SchedulerExit hotplug{.kind = 66, .exit_code = (1ULL << 48U) | (1ULL << 32U)};
const SchedulerExit unregistered{.kind = 64};
const Error no_luck{.tried = "load the scheduler"};

// A machine that does what is decided: attaching works unless `broken`.
class Machine {
 public:
  explicit Machine(Latch latch = {}) : recovery(std::move(latch)) { set_policy({}); }

  void set_policy(RecoveryPolicy policy) {
    if (policy.retry_window_ns == 0) policy.retry_window_ns = window;
    policy_ = policy;
    recovery.set_policy(policy_);
  }

  Decision look() {
    for (int round = 0; round < 10; ++round) {
      const Decision decision = recovery.decide(budgets, running, now);
      if (decision.check_first) {
        recovery.checked(found, now);
      } else if (decision.driver == running) {
        return decision;
      } else if (decision.driver == Driver::scheduler && broken) {
        ++attempts;
        recovery.attach_failed(no_luck, now);
      } else if (decision.driver == Driver::observer && blind) {
        recovery.observe_failed({.tried = "load the probes"}, now);
      } else {
        now += load_time;
        if (decision.driver == Driver::scheduler) ++attempts;
        if (decision.driver == Driver::scheduler) recovery.attached(now);
        if (decision.driver == Driver::observer) recovery.observe_loaded();
        running = decision.driver;
      }
    }
    ADD_FAILURE() << "no end to deciding";
    return {};
  }

  Decision end(const SchedulerExit& exit) {
    running = Driver::none;
    recovery.ended(exit, now);
    return look();
  }

  Decision after(std::uint64_t seconds) {
    now += seconds * sec;
    return look();
  }

  // What a daemon that is killed finds when it comes back.
  void restart() {
    const auto latch = parse_latch(to_text(recovery.latch()));
    recovery = Recovery(latch.value());
    recovery.set_policy(policy_);
    running = Driver::none;
  }

  Recovery recovery;
  Requirements found;
  std::size_t budgets = 2;
  Driver running = Driver::none;
  std::uint64_t now = 1000 * sec;
  std::uint64_t load_time = 0;
  bool broken = false;
  bool blind = false;
  int attempts = 0;

 private:
  RecoveryPolicy policy_;
};

TEST(Recovery, without_a_budget_nothing_is_loaded_and_the_first_one_attaches) {
  Machine machine;
  machine.budgets = 0;
  EXPECT_EQ(machine.look().state, State::idle);
  EXPECT_EQ(machine.running, Driver::none);
  machine.budgets = 1;
  EXPECT_EQ(machine.look().reason, "1 unit with a budget");
  EXPECT_EQ(machine.running, Driver::scheduler);
  machine.budgets = 0;
  EXPECT_EQ(machine.look().state, State::idle);
  EXPECT_EQ(machine.running, Driver::none);
}

TEST(Recovery, mode_observe_measures_and_says_how_to_enforce) {
  Machine machine;
  machine.set_policy({.observe_only = true});
  const Decision decision = machine.look();
  EXPECT_EQ(decision.state, State::observing);
  EXPECT_EQ(machine.running, Driver::observer);
  EXPECT_THAT(decision.reason, HasSubstr("Mode=auto"));
  EXPECT_FALSE(decision.cannot_enforce);
  machine.set_policy({});
  EXPECT_EQ(machine.look().state, State::enforcing);
}

TEST(Recovery, what_the_machine_lacks_is_the_reason_for_observing) {
  Machine machine;
  machine.found.enforcing = {"the kernel has no sched_ext", "isolcpus= is set"};
  const Decision decision = machine.look();
  EXPECT_EQ(decision.state, State::observing);
  EXPECT_EQ(decision.reason, "the kernel has no sched_ext; isolcpus= is set");
  EXPECT_TRUE(decision.cannot_enforce);
  machine.found = {};
  EXPECT_EQ(machine.after(3600).state, State::observing) << "it does not come by itself";
  machine.recovery.forget_check();
  EXPECT_EQ(machine.look().state, State::enforcing);
}

TEST(Recovery, another_scheduler_is_never_replaced_and_ours_follows_when_it_has_left) {
  Machine machine;
  machine.found.other_scheduler = "flash";
  EXPECT_THAT(machine.look().reason, HasSubstr("flash"));
  EXPECT_EQ(machine.running, Driver::observer);
  machine.found = {};
  EXPECT_EQ(machine.after(4).state, State::observing) << "looked at every 5 s";
  EXPECT_EQ(machine.after(1).state, State::enforcing);
  EXPECT_EQ(machine.attempts, 1);
  EXPECT_EQ(machine.recovery.failures(machine.now), 0U);
}

TEST(Recovery, another_scheduler_that_was_faster_is_no_failure_of_ours) {
  Machine machine;
  machine.recovery.checked({}, machine.now);
  machine.recovery.attach_failed({.tried = "attach", .errno_value = EBUSY}, machine.now);
  machine.found.other_scheduler = "flash";
  EXPECT_EQ(machine.look().state, State::observing);
  EXPECT_EQ(machine.recovery.failures(machine.now), 0U);
  machine.found = {};
  machine.recovery.attach_failed({.tried = "attach", .errno_value = EBUSY}, machine.now);
  EXPECT_EQ(machine.look().state, State::recovering) << "nobody was there: it counts";
}

TEST(Recovery, an_earlier_scheduler_of_ours_is_waited_for_but_not_for_ever) {
  Machine machine;
  machine.found.other_scheduler = "scx_slo_1.0";
  EXPECT_EQ(machine.look().state, State::recovering);
  EXPECT_EQ(machine.after(9).state, State::recovering);
  machine.found = {};
  EXPECT_EQ(machine.after(0).state, State::recovering) << "once per instant is enough";
  EXPECT_EQ(machine.after(1).state, State::enforcing);

  Machine stuck;
  stuck.found.other_scheduler = "scx_slo_1.0";
  stuck.look();
  const Decision decision = stuck.after(11);
  EXPECT_EQ(decision.state, State::observing);
  EXPECT_TRUE(decision.cannot_enforce);
}

TEST(Recovery, a_failure_is_followed_by_a_pause_in_which_the_probes_measure) {
  Machine machine;
  machine.look();
  const Decision decision = machine.end(stall);
  EXPECT_EQ(decision.state, State::recovering);
  EXPECT_EQ(machine.running, Driver::observer);
  EXPECT_EQ(
      decision.reason,
      "the kernel ended the scheduler: runnable task stall; failure 1 of 3 within 10min, attaching again "
      "after 1s");
  EXPECT_EQ(machine.after(1).state, State::enforcing);
}

TEST(Recovery, too_many_failures_end_in_observing_until_an_operator_attaches) {
  Machine machine;
  machine.look();
  machine.end(stall);
  machine.after(60);
  machine.end(unregistered);
  machine.after(60);
  const Decision decision = machine.end(stall);
  EXPECT_EQ(decision.state, State::observing);
  EXPECT_THAT(decision.reason,
              HasSubstr("given up after too many failures within 10min; `scx-slo attach` resumes"));
  EXPECT_EQ(machine.after(10 * 3600).state, State::observing);
  machine.restart();
  EXPECT_THAT(machine.look().reason, HasSubstr("runnable task stall; given up"));
  machine.recovery.order_attach(machine.now, {});
  EXPECT_EQ(machine.look().state, State::enforcing);
  EXPECT_EQ(machine.recovery.latch(), Latch{});
}

TEST(Recovery, failures_far_apart_never_add_up) {
  Machine machine;
  machine.look();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(machine.end(stall).state, State::recovering);
    EXPECT_EQ(machine.after(301).state, State::enforcing) << i;
  }
}

TEST(Recovery, an_attach_that_fails_counts_as_a_failure) {
  Machine machine;
  machine.broken = true;
  EXPECT_EQ(machine.look().state, State::recovering);
  EXPECT_EQ(machine.after(1).state, State::recovering);
  EXPECT_EQ(machine.after(2).state, State::observing);
  EXPECT_EQ(machine.attempts, 3);
}

TEST(Recovery, pauses_double_up_to_a_minute) {
  Machine machine;
  machine.set_policy({.retries = 20, .retry_window_ns = 24 * 3600 * sec});
  machine.broken = true;
  machine.look();
  for (const std::uint64_t pause : {1, 2, 4, 8, 16, 32, 60, 60, 60}) {
    const int before = machine.attempts;
    EXPECT_EQ(machine.after(pause - 1).state, State::recovering);
    EXPECT_EQ(machine.attempts, before) << "attached before its pause of " << pause << " s was over";
    machine.after(1);
    EXPECT_EQ(machine.attempts, before + 1) << "not attached after " << pause << " s";
  }
}

TEST(Recovery, a_pause_is_kept_however_short_the_window_and_across_a_restart) {
  Machine machine;
  machine.set_policy({.retries = 3, .retry_window_ns = 1});
  machine.look();
  machine.end(stall);
  machine.restart();
  EXPECT_EQ(machine.look().state, State::recovering);
  EXPECT_EQ(machine.after(1).state, State::enforcing);
}

TEST(Recovery, a_failure_counts_even_where_its_stamp_is_ahead_of_the_clock) {
  Machine machine;
  machine.look();
  machine.running = Driver::none;
  machine.recovery.ended(stall, machine.now + 1);
  EXPECT_EQ(machine.look().state, State::recovering);
  EXPECT_EQ(machine.recovery.failures(machine.now), 1U);
}

TEST(Recovery, a_hotplug_restart_attaches_at_once_without_a_strike) {
  Machine machine;
  machine.look();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(machine.end(hotplug).state, State::enforcing);
  EXPECT_EQ(machine.recovery.latch(), Latch{});
}

TEST(Recovery, sysrq_is_never_answered_by_attaching) {
  Machine machine;
  machine.look();
  EXPECT_EQ(machine.end(sysrq).reason,
            "an operator ended the scheduler with sysrq-S; `scx-slo attach` resumes");
  machine.restart();
  EXPECT_EQ(machine.after(3600).state, State::observing);
  machine.budgets = 0;
  EXPECT_EQ(machine.look().state, State::idle);
  machine.budgets = 2;
  EXPECT_EQ(machine.look().state, State::observing);
  machine.recovery.order_attach(machine.now, {});
  EXPECT_EQ(machine.look().state, State::enforcing);
}

TEST(Recovery, detached_stays_detached_until_attach) {
  Machine machine;
  machine.look();
  machine.recovery.order_detach();
  EXPECT_EQ(machine.look().reason, "detached by an operator; `scx-slo attach` resumes");
  EXPECT_EQ(machine.running, Driver::observer);
  machine.restart();
  EXPECT_EQ(machine.after(3600).state, State::observing);
  machine.recovery.order_attach(machine.now, {});
  EXPECT_EQ(machine.look().state, State::enforcing);
}

TEST(Recovery, a_trial_ends_by_itself) {
  Machine machine;
  machine.look();
  machine.recovery.order_attach(machine.now, 600 * sec);
  EXPECT_EQ(machine.look().reason,
            "2 units with a budget; on trial for 10min, then detached unless confirmed: scx-slo confirm");
  EXPECT_EQ(machine.after(599).state, State::enforcing);
  EXPECT_TRUE(machine.recovery.on_trial(machine.now));
  EXPECT_EQ(machine.after(1).reason, "the trial was not confirmed; `scx-slo attach` resumes");
  EXPECT_FALSE(machine.recovery.confirm(machine.now)) << "too late";
  machine.restart();
  EXPECT_EQ(machine.look().state, State::observing);
}

TEST(Recovery, a_confirmed_trial_stays) {
  Machine machine;
  machine.recovery.order_attach(machine.now, 600 * sec);
  machine.look();
  EXPECT_TRUE(machine.recovery.confirm(machine.now));
  EXPECT_EQ(machine.recovery.latch(), Latch{});
  EXPECT_EQ(machine.after(3600).reason, "2 units with a budget");
  EXPECT_FALSE(machine.recovery.confirm(machine.now)) << "nothing left to confirm";
}

TEST(Recovery, a_daemon_that_comes_back_in_a_trial_does_not_attach) {
  Machine machine;
  machine.recovery.order_attach(machine.now, 600 * sec);
  EXPECT_TRUE(machine.recovery.latch().trial) << "before anything is attached";
  machine.look();
  machine.restart();
  EXPECT_EQ(machine.after(1).state, State::observing);
}

TEST(Recovery, a_trial_lasts_its_time_however_long_the_loading_takes) {
  Machine machine;
  machine.load_time = 60 * sec;
  machine.recovery.order_attach(machine.now, 10 * sec);
  EXPECT_EQ(machine.look().state, State::enforcing);
  EXPECT_EQ(machine.after(9).state, State::enforcing);
  machine.load_time = 0;
  EXPECT_EQ(machine.end(hotplug).state, State::enforcing);
  EXPECT_EQ(machine.after(1).state, State::observing) << "another load does not lengthen it";

  machine.recovery.order_attach(machine.now, {});
  machine.look();
  machine.recovery.order_attach(machine.now, 10 * sec);
  machine.look();
  EXPECT_EQ(machine.after(9).state, State::enforcing);
  machine.end(hotplug);
  EXPECT_EQ(machine.after(1).state, State::observing) << "nor does one in a trial of what ran already";
}

TEST(Recovery, a_trial_of_any_length_does_not_wrap) {
  Machine machine;
  machine.recovery.order_attach(machine.now, UINT64_MAX);
  EXPECT_EQ(machine.look().state, State::enforcing);
}

TEST(Recovery, a_dead_scheduler_counts_once_and_is_not_detached_here) {
  Machine machine;
  machine.set_policy({.retries = 1});
  machine.look();
  machine.recovery.heartbeat_stopped(machine.now);
  machine.recovery.heartbeat_stopped(machine.now);
  EXPECT_EQ(machine.look().state, State::enforcing);
  EXPECT_EQ(machine.recovery.failures(machine.now), 1U);
  EXPECT_EQ(machine.end(stall).state, State::observing);
  EXPECT_EQ(machine.recovery.failures(machine.now), 1U);
}

TEST(Recovery, where_not_even_the_probes_load_it_has_failed_and_tries_again) {
  Machine machine;
  machine.blind = true;
  machine.set_policy({.observe_only = true});
  const Decision decision = machine.look();
  EXPECT_EQ(decision.state, State::failed);
  EXPECT_THAT(decision.reason, HasSubstr("and nothing is measured: cannot load the probes"));
  EXPECT_EQ(machine.after(59).state, State::failed);
  machine.blind = false;
  EXPECT_EQ(machine.after(1).state, State::observing);
}

TEST(Recovery, blind_and_pausing_it_still_recovers) {
  Machine machine;
  machine.blind = true;
  machine.look();
  EXPECT_EQ(machine.end(stall).state, State::recovering);
  EXPECT_EQ(machine.after(1).state, State::enforcing);
}

// Whatever happens, in whatever order.
TEST(Recovery, no_sequence_of_events_breaks_the_promises) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Machine machine;
    const unsigned retries = 1 + seed % 4;
    machine.set_policy({.retries = retries});
    bool held = false;     // by an operator
    unsigned strikes = 0;  // since the last attach by order, with no pause as long as the window
    for (int step = 0; step < 200; ++step) {
      const bool ran = machine.running == Driver::scheduler;
      switch (random() % 12) {
        case 0:
          machine.recovery.order_attach(machine.now, {});
          held = false;
          strikes = 0;
          break;
        case 1:
          machine.recovery.order_attach(machine.now, (1 + random() % 100) * sec);
          held = false;
          strikes = 0;
          break;
        case 2:
          machine.recovery.order_detach();
          held = true;
          break;
        case 3:
          static_cast<void>(machine.recovery.confirm(machine.now));
          break;
        case 4:
          machine.restart();
          break;
        case 5:
          machine.budgets = random() % 3;
          break;
        case 6:
          if (ran) held = true;
          if (ran) machine.end(sysrq);
          break;
        case 7:
        case 8:
          if (ran) ++strikes;
          if (ran) machine.end(random() % 2 == 0 ? stall : unregistered);
          break;
        case 9:
          if (ran) machine.end(hotplug);
          break;
        default:
          machine.now += random() % 3 * sec;
      }
      const Decision decision = machine.look();
      ASSERT_FALSE(decision.reason.empty());
      ASSERT_EQ(machine.running == Driver::scheduler, decision.state == State::enforcing);
      ASSERT_EQ(machine.running == Driver::none, decision.state == State::idle);
      ASSERT_EQ(machine.budgets == 0, decision.state == State::idle);
      if (held) {
        ASSERT_NE(machine.running, Driver::scheduler) << "attached against an order, seed " << seed;
      }
      ASSERT_LE(strikes, retries) << "seed " << seed;
      if (strikes == retries) {
        ASSERT_NE(machine.running, Driver::scheduler) << "not given up, seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace slo
