// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>

#include "tests/unit/attachment/recovery_machine.h"

namespace slo {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace slo
