// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "attachment/kernel.h"
#include "attachment/latch.h"
#include "attachment/recovery.h"
#include "attachment/requirements.h"
#include "attachment/scheduler_exit.h"
#include "attachment/state.h"
#include "base/error.h"
#include "base/this_machine.h"

namespace slo {

// Who is told what becomes of the scheduler. Calls come from inside the keeper's methods: do not call back
// into it.
class AttachmentAudience {
 public:
  virtual ~AttachmentAudience() = default;
  virtual void state_changed(State /*state*/, const std::string& /*reason*/) {}
  virtual void scheduler_ended(const SchedulerExit& /*exit*/) {}  // log it with its dump
  // One with other tunables has taken over; for so long the kernel's own was in charge. Log it.
  virtual void scheduler_renewed(std::uint64_t /*gap_ns*/) {}
  virtual void failed(const Error& /*error*/) {}  // log it
};

// Keeps attached what is to be: asks Recovery, carries out its answer, and notices when the scheduler has
// ended or serves its queues no more.
class AttachmentKeeper {
 public:
  // What it works with; all of it outlives the keeper.
  struct Surroundings {
    Kernel& kernel;
    AttachmentAudience& audience;
    std::function<std::size_t()> budgets;  // units with a finite budget
    std::function<Requirements()> check_requirements;
    std::function<Result<void>(const Latch&)> keep_latch;
    std::function<Instant()> now;
    // Around each load of BPF programs, which the kernel's verifier may make take a minute or more.
    std::function<void(bool begins)> loading;
    // Loading takes the verifier seconds on a slow machine, and nobody else is to stand still for so long.
    Hurrying hurrying;
  };

  // latch: what an earlier run left behind.
  AttachmentKeeper(Surroundings surroundings, Latch latch);

  // Nothing is loaded before.
  void begin() { begun_ = true; }
  void set_policy(const RecoveryPolicy& policy) { recovery_.set_policy(policy); }
  // Brings what runs in line with what is decided, and says what came of it.
  void settle();
  // While no unit has a budget: has loaded ahead what the first one will need. About once a second, when
  // there is nothing else to do, as it may take seconds.
  void prepare();
  void watch_heartbeat();
  // What was missing may be there now.
  void forget_check() {
    recovery_.forget_check();
    prepares_from_ns_ = 0;
    renewal_error_.reset();
  }
  void stop();  // the daemon ends

  // Orders, as Manager has them.
  [[nodiscard]] Result<void> attach(std::optional<std::uint64_t> trial_ns);
  [[nodiscard]] Result<void> confirm();
  // Ends the scheduler at once. What measures in its place is loaded by a settle() that comes a second later
  // or after: on a machine that has too much to do loading takes seconds, and who orders this wants the
  // kernel's own scheduler back, and an answer. An error where it is detached, and the next daemon would
  // attach it again, as it could not be written down.
  [[nodiscard]] Result<void> detach();

  // What could not be written down is tried again; about once a second.
  void retry_latch();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // Enforcing was not possible at the last look, against the will of everybody.
  [[nodiscard]] bool cannot_enforce() const { return cannot_enforce_; }
  // false: the scheduler is attached and has stopped serving its queues.
  [[nodiscard]] bool alive() const { return alive_; }
  // What runs is what is wanted; false: somebody should have a look.
  [[nodiscard]] bool healthy() const;
  [[nodiscard]] std::size_t failures() const;  // of the scheduler, within the window

 private:
  void drop();
  void notice_end(std::uint64_t now_ns);
  void carry_out(Driver wanted, std::uint64_t now_ns);
  void put_scheduler(std::uint64_t now_ns);
  void renew(std::uint64_t now_ns);
  // Whether it runs.
  [[nodiscard]] bool put_observer(std::uint64_t now_ns);
  [[nodiscard]] Result<void> loaded(Result<void> (Kernel::*load)());
  // Once for each latch, as many things settle() in a second; retry_latch() does the rest.
  void keep_latch();
  // Whether the latch is written down now.
  [[nodiscard]] Result<void> write_latch();
  [[nodiscard]] std::string unwritten_text() const;
  [[nodiscard]] std::string outdated_text() const;
  void set_state(State state, std::string reason);

  Surroundings around_;
  Recovery recovery_;
  Latch kept_latch_;   // what is written down
  Latch tried_latch_;  // what was last to be
  std::optional<Error> latch_error_;
  std::optional<Error> renewal_error_;  // the new tunables could not be loaded: those of before hold
  bool begun_ = false;
  std::uint64_t rests_until_ns_ = 0;    // settle() does nothing before, since detach()
  std::uint64_t prepares_from_ns_ = 0;  // prepare() does nothing before
  bool attached_ = false;               // by us, and its end not yet noticed
  std::uint64_t attached_monotonic_ns_ = 0;
  bool alive_ = true;
  bool cannot_enforce_ = false;
  bool by_order_ = false;
  State state_ = State::idle;
  std::string reason_ = "starting";
};

}  // namespace slo
