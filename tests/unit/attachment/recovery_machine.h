// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "attachment/recovery.h"
#include "bpf/abi/slo_abi.h"

namespace slo::fakes {

inline constexpr std::uint64_t sec = SLO_NSEC_PER_SEC;

inline const SchedulerExit stall{.kind = 1026, .reason = "runnable task stall"};
inline const SchedulerExit sysrq{.kind = 67};
inline const SchedulerExit hotplug{.kind = 66, .exit_code = (1ULL << 48U) | (1ULL << 32U)};
inline const SchedulerExit unregistered{.kind = 64};

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
        recovery.attach_failed({.tried = "load the scheduler"}, now);
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
  static constexpr std::uint64_t window = 600 * sec;
  RecoveryPolicy policy_;
};

}  // namespace slo::fakes

// All tests of the recovery speak in these words.
namespace slo {

using fakes::hotplug;
using fakes::Machine;
using fakes::sec;
using fakes::stall;
using fakes::sysrq;
using fakes::unregistered;

}  // namespace slo
