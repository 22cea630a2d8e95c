// SPDX-License-Identifier: GPL-2.0-only
#include "interleaving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

#include "litmus.h"

namespace slo::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr bool in_order = false, weak = true;

// Both sides of a race at once, many times; what is told of each end.
template <typename Tell>
auto ends_of(const std::function<void(litmus*, int)>& race, bool is_weak, Tell tell) {
  std::set<decltype(tell(litmus{}))> ends;
  Kernel kernel({.cpus = 2}, 1);
  Interleaving interleaving(kernel, {.seed = 1, .switch_every = 3, .is_weak = is_weak});
  for (int i = 0; i < 2000; ++i) {
    litmus shared = {};
    int begun = 0;
    interleaving.run_together([&] { return begun < 2 ? 0 : UINT64_MAX; }, [&] { race(&shared, begun++); });
    ends.insert(tell(shared));
  }
  return ends;
}

std::pair<slo_u64, slo_u64> both_seen(const litmus& shared) {
  return {shared.seen[0], shared.seen[1]};
}

TEST(SimInterleaving, WithoutABarrierNeitherSeesTheOther) {
  EXPECT_THAT(ends_of(litmus_says_then_looks, in_order, both_seen), Contains(Pair(0, 0)));
}

TEST(SimInterleaving, WithABarrierOneSeesTheOther) {
  for (const bool is_weak : {in_order, weak}) {
    const auto ends = ends_of(litmus_exchanges_then_looks, is_weak, both_seen);
    EXPECT_THAT(ends, Not(Contains(Pair(0, 0))));
    EXPECT_THAT(ends, testing::IsSupersetOf({Pair(0, 1), Pair(1, 0), Pair(1, 1)}));
  }
}

TEST(SimInterleaving, AnAtomicThatReturnsNothingIsABarrierOnStrongMachinesAlone) {
  EXPECT_THAT(ends_of(litmus_adds_then_looks, in_order, both_seen), Not(Contains(Pair(0, 0))));
  EXPECT_THAT(ends_of(litmus_adds_then_looks, weak, both_seen), Contains(Pair(0, 0)));
}

TEST(SimInterleaving, StoresAreSeenInOrderOnStrongMachinesAlone) {
  const auto seen = [](const litmus& shared) { return slo_u64{shared.seen[1]}; };
  EXPECT_THAT(ends_of(litmus_message, in_order, seen), ElementsAre(0, 2));
  EXPECT_THAT(ends_of(litmus_message, weak, seen), ElementsAre(0, 1, 2));
}

TEST(SimInterleaving, APlainIncrementIsLostNowAndThen) {
  const auto x = [](const litmus& shared) { return slo_u64{shared.x}; };
  EXPECT_THAT(ends_of(litmus_counts, in_order, x), ElementsAre(1, 2));
  for (const bool is_weak : {in_order, weak})
    EXPECT_THAT(ends_of(litmus_counts_atomically, is_weak, x), ElementsAre(2));
}

TEST(SimInterleaving, ALockKeepsOthersOut) {
  const auto sum = [](const litmus& shared) { return shared.x + shared.y; };
  EXPECT_THAT(ends_of(litmus_moves, in_order, sum), Contains(testing::Ne(0)));
  Lock lock;
  const auto locked = [&lock](litmus* shared, int side) {
    const Held held(Interleaving::present(), lock);
    litmus_moves(shared, side);
  };
  for (const bool is_weak : {in_order, weak}) EXPECT_THAT(ends_of(locked, is_weak, sum), ElementsAre(0));
}

TEST(SimInterleaving, WhoHoldsALockMayTakeItAgain) {
  Kernel kernel({.cpus = 1}, 1);
  Interleaving interleaving(kernel, {});
  Lock lock;
  {
    const Held once(&interleaving, lock);
    const Held twice(&interleaving, lock);
  }
  EXPECT_EQ(lock.holder, 0u);
}

TEST(SimInterleaving, ADeadlockIsTold) {
  Kernel kernel({.cpus = 2}, 1);
  Interleaving interleaving(kernel, {.switch_every = 1});
  Lock a, b;
  int begun = 0;
  const auto cross = [&] {
    const bool is_first = begun++ == 0;
    interleaving.lock(is_first ? a : b);
    interleaving.may_switch();
    interleaving.lock(is_first ? b : a);
    interleaving.unlock(a);
    interleaving.unlock(b);
  };
  const auto until_they_meet = [&] {
    for (;;) {
      begun = 0;
      interleaving.run_together([&] { return begun < 2 ? 0 : UINT64_MAX; }, cross);
    }
  };
  EXPECT_THROW(until_they_meet(), std::runtime_error);
}

TEST(SimInterleaving, TheStoryTellsWhoWasStoppedBeforeWhat) {
  Kernel kernel({.cpus = 2}, 1);
  Interleaving interleaving(kernel, {.switch_every = 1});
  static litmus shared;
  int begun = 0;
  interleaving.run_together([&] { return begun < 2 ? 0 : UINT64_MAX; },
                            [&] { litmus_counts(&shared, begun++); });
  EXPECT_THAT(interleaving.story(), Contains(HasSubstr("litmus_counts reads ")));
}

}  // namespace
}  // namespace slo::sim
