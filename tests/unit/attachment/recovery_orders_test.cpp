// SPDX-License-Identifier: GPL-2.0-only
// What an operator orders: to detach, to attach, a trial; and what holds whatever else happens besides.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>

#include "tests/unit/attachment/recovery_machine.h"

namespace slo {
namespace {

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

TEST(Recovery, what_nobody_could_read_is_as_an_order_to_detach_until_there_is_one) {
  Machine machine(Latch{.detached = true, .unreadable = "cannot read the latch"});
  const Decision decision = machine.look();
  EXPECT_EQ(decision.state, State::observing);
  EXPECT_EQ(decision.reason,
            "cannot read the latch; nobody knows whether an operator had detached the scheduler, so it is; "
            "`scx-slo attach` resumes");
  EXPECT_FALSE(decision.by_order) << "somebody should have a look";
  EXPECT_EQ(machine.after(3600).state, State::observing);
  machine.recovery.order_detach();
  EXPECT_EQ(machine.look().reason, "detached by an operator; `scx-slo attach` resumes");
  EXPECT_TRUE(machine.look().by_order);

  Machine other(Latch{.detached = true, .unreadable = "cannot read the latch"});
  other.restart();
  EXPECT_EQ(other.look().state, State::observing);
  other.recovery.order_attach(other.now, {});
  EXPECT_EQ(other.look().state, State::enforcing);
  EXPECT_EQ(other.recovery.latch(), Latch{});
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

// What has been ordered and has happened, as far as the promises depend on it.
struct Past {
  bool held = false;     // by an operator
  unsigned strikes = 0;  // since the last attach by order, with no pause as long as the window
};

void something_happens(std::mt19937& random, Machine& machine, Past& past) {
  const bool ran = machine.running == Driver::scheduler;
  switch (random() % 12) {
    case 0:
      machine.recovery.order_attach(machine.now, {});
      past.held = false;
      past.strikes = 0;
      break;
    case 1:
      machine.recovery.order_attach(machine.now, (1 + random() % 100) * sec);
      past.held = false;
      past.strikes = 0;
      break;
    case 2:
      machine.recovery.order_detach();
      past.held = true;
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
      if (ran) past.held = true;
      if (ran) machine.end(sysrq);
      break;
    case 7:
    case 8:
      if (ran) ++past.strikes;
      if (ran) machine.end(random() % 2 == 0 ? stall : unregistered);
      break;
    case 9:
      if (ran) machine.end(hotplug);
      break;
    default:
      machine.now += random() % 3 * sec;
  }
}

void check_promises(Machine& machine, const Past& past, unsigned retries) {
  const Decision decision = machine.look();
  ASSERT_FALSE(decision.reason.empty());
  ASSERT_EQ(machine.running == Driver::scheduler, decision.state == State::enforcing);
  ASSERT_EQ(machine.running == Driver::none, decision.state == State::idle);
  ASSERT_EQ(machine.budgets == 0, decision.state == State::idle);
  if (past.held) {
    ASSERT_NE(machine.running, Driver::scheduler) << "attached against an order";
  }
  ASSERT_LE(past.strikes, retries);
  if (past.strikes == retries) {
    ASSERT_NE(machine.running, Driver::scheduler) << "not given up";
  }
}

// Whatever happens, in whatever order.
TEST(Recovery, no_sequence_of_events_breaks_the_promises) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Machine machine;
    const unsigned retries = 1 + seed % 4;
    machine.set_policy({.retries = retries});
    Past past;
    for (int step = 0; step < 200; ++step) {
      something_happens(random, machine, past);
      ASSERT_NO_FATAL_FAILURE(check_promises(machine, past, retries));
    }
  }
}

}  // namespace
}  // namespace slo
