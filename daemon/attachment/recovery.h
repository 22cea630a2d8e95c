// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "attachment/latch.h"
#include "attachment/requirements.h"
#include "attachment/scheduler_exit.h"
#include "attachment/state.h"
#include "base/error.h"
#include "base/time_limits.h"
#include "bpf/abi/slo_abi.h"

namespace slo {

// For what has to be done in the operator's sight: long enough to look, and short enough to be a trial.
inline constexpr TimeLimits trial_limits{.shortest_ns = SLO_NSEC_PER_SEC,
                                         .longest_ns = 7ULL * 24 * 3600 * SLO_NSEC_PER_SEC};

// What the daemon-wide settings say about attaching.
struct RecoveryPolicy {
  bool observe_only = false;  // Mode=observe
  unsigned retries = 3;       // failures within the window before giving up; 0 is as 1
  std::uint64_t retry_window_ns = 0;
};

// What is to be done now.
struct Decision {
  Driver driver = Driver::none;  // what is to run
  // The machine is to be looked at first (Recovery::checked), then asked again; the rest says nothing.
  bool check_first = false;
  State state = State::idle;    // true once `driver` runs
  std::string reason = {};      // one sentence, with what to type where something can be done
  bool cannot_enforce = false;  // not by order, but because something is missing, in the way or failing
  bool by_order = false;        // of an operator, or of the settings: it is observed only, as somebody wants
};

// When to attach, when to observe, when to wait, when to give up. Does nothing itself: facts in, decision
// out. All instants are CLOCK_BOOTTIME and never go back.
class Recovery {
 public:
  // latch: what an earlier run of the daemon left behind.
  explicit Recovery(Latch latch = {}) : latch_(std::move(latch)) {}

  void set_policy(const RecoveryPolicy& policy) { policy_ = policy; }

  // Facts.
  void checked(Requirements requirements, std::uint64_t now_ns);
  void forget_check() { requirements_.reset(); }  // what was missing may be there now
  void ended(const SchedulerExit& exit, std::uint64_t now_ns);
  void attach_failed(const Error& error, std::uint64_t now_ns);
  void attached(std::uint64_t now_ns);
  // The probes could not be loaded; loaded: they could.
  void observe_failed(const Error& error, std::uint64_t now_ns);
  void observe_loaded() { observe_error_.clear(); }
  // The scheduler is still attached, but seems to be dead: it counts as a failure, and somebody else will end
  // it.
  void heartbeat_stopped(std::uint64_t now_ns);

  // Orders of an operator. attach clears all latches; with trial_ns it sets the one that holds until
  // confirm(), and the scheduler is detached when the time is over.
  void order_attach(std::uint64_t now_ns, std::optional<std::uint64_t> trial_ns);
  void order_detach();
  // false: no trial is under way.
  [[nodiscard]] bool confirm(std::uint64_t now_ns);

  // budgets: units with a finite budget; running: what runs now.
  [[nodiscard]] Decision decide(std::size_t budgets, Driver running, std::uint64_t now_ns);

  // To be kept where it survives before a decision is carried out.
  [[nodiscard]] const Latch& latch() const { return latch_; }
  [[nodiscard]] std::size_t failures(std::uint64_t now_ns) const;  // within the window
  [[nodiscard]] bool on_trial(std::uint64_t now_ns) const;

 private:
  struct Trial {
    std::uint64_t end_ns = 0;
    std::uint64_t length_ns = 0;
    bool begun = false;
  };

  void strike(std::string why, std::uint64_t now_ns);
  void forget_old_failures(std::uint64_t now_ns);
  [[nodiscard]] std::uint64_t resume_ns() const;
  [[nodiscard]] Decision observe(std::string reason, std::uint64_t now_ns) const;
  [[nodiscard]] Decision observe_by_order(std::string reason, std::uint64_t now_ns) const;
  [[nodiscard]] std::string held_by_operator() const;
  [[nodiscard]] std::string held_by_failures() const;
  [[nodiscard]] Decision pause(std::uint64_t now_ns) const;
  [[nodiscard]] Decision wait_for_other(std::uint64_t now_ns);
  [[nodiscard]] Decision enforce(std::size_t budgets) const;
  [[nodiscard]] std::string window_text() const;

  RecoveryPolicy policy_;
  Latch latch_;
  std::optional<Requirements> requirements_;
  std::uint64_t checked_ns_ = 0;
  std::optional<std::uint64_t> leaving_since_ns_;  // an earlier scheduler of ours is still there
  std::string busy_;  // the last attach found another scheduler, it said; to be checked
  std::string last_failure_;
  bool dead_ = false;  // the scheduler that runs has been counted as a failure
  std::optional<Trial> trial_;
  std::string observe_error_;
  std::uint64_t observe_failed_ns_ = 0;
};

}  // namespace slo
