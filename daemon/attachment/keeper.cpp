// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/keeper.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "base/time_span.h"

namespace slo {
namespace {

// The scheduler beats four times a second; a loaded machine may hold back a timer, but never that long.
constexpr std::uint64_t heartbeat_patience_ns = 10 * SLO_NSEC_PER_SEC;

// Look at the machine, try the scheduler, fail, try the probes, fail: more changes at one moment mean that
// the world moves faster than we look, and the next tick looks again.
constexpr int most_changes_at_once = 8;

// After an order to detach nothing is loaded for so long: whoever gave it asks what has become of it.
constexpr std::uint64_t rest_ns = SLO_NSEC_PER_SEC;

// What keeps us from enforcing is looked for all over the machine, so not every second while nobody waits.
constexpr std::uint64_t prepare_again_ns = 60 * SLO_NSEC_PER_SEC;

}  // namespace

AttachmentKeeper::AttachmentKeeper(Surroundings surroundings, Latch latch)
    : around_(std::move(surroundings)),
      recovery_(latch),
      kept_latch_(latch),
      tried_latch_(std::move(latch)) {}

Result<void> AttachmentKeeper::attach(std::optional<std::uint64_t> trial_ns) {
  const Recovery before = recovery_;
  rests_until_ns_ = 0;
  prepares_from_ns_ = 0;
  recovery_.order_attach(around_.now().boot_ns, trial_ns);
  // A trial that nobody would remember after the daemon was killed is none.
  if (const auto kept = write_latch(); !kept && trial_ns) {
    recovery_ = before;
    static_cast<void>(write_latch());
    return kept;
  }
  settle();
  if (state_ == State::enforcing) return {};
  Error error{.tried = "attach the scheduler", .advice = reason_};
  if (trial_ns) {
    recovery_ = before;
    settle();
  }
  return std::unexpected(std::move(error));
}

Result<void> AttachmentKeeper::confirm() {
  if (!recovery_.confirm(around_.now().boot_ns))
    return std::unexpected(Error{
        .tried = "confirm", .advice = "no trial is under way; start one with: scx-slo attach --for 10min"});
  settle();
  return {};
}

Result<void> AttachmentKeeper::detach() {
  recovery_.order_detach();
  auto kept = write_latch();
  if (around_.kernel.driver() != Driver::scheduler) {
    settle();
  } else {
    drop();
    const std::uint64_t now_ns = around_.now().boot_ns;
    rests_until_ns_ = now_ns + rest_ns;
    set_state(State::idle, recovery_.decide(around_.budgets(), Driver::none, now_ns).reason);
  }
  if (kept || kept_latch_.holds()) return {};
  kept.error().advice =
      "the scheduler is detached now, but the daemon, if started again, would attach it; this is tried again "
      "every second";
  return kept;
}

void AttachmentKeeper::retry_latch() {
  if (latch_error_) static_cast<void>(write_latch());
}

void AttachmentKeeper::drop() {
  attached_ = false;
  around_.kernel.detach();
}

void AttachmentKeeper::stop() {
  retry_latch();
  drop();
  set_state(State::idle, "scx-slo was stopped");
}

std::size_t AttachmentKeeper::failures() const {
  return recovery_.failures(around_.now().boot_ns);
}

bool AttachmentKeeper::healthy() const {
  if (!unwritten_text().empty() || !outdated_text().empty()) return false;
  switch (state_) {
    case State::idle:
      return true;
    case State::enforcing:
      return alive_;
    case State::observing:
      return by_order_;
    case State::recovering:
    case State::failed:
      return false;
  }
  std::unreachable();
}

void AttachmentKeeper::settle() {
  std::uint64_t now_ns = around_.now().boot_ns;
  if (!begun_ || now_ns < rests_until_ns_) return;
  for (int changes = 0; changes < most_changes_at_once; ++changes) {
    notice_end(now_ns);
    Decision decision = recovery_.decide(around_.budgets(), around_.kernel.driver(), now_ns);
    keep_latch();
    if (decision.check_first) {
      recovery_.checked(around_.check_requirements(), now_ns);
      continue;
    }
    const bool is_there = decision.driver == around_.kernel.driver();
    if (is_there && around_.kernel.outdated() && !renewal_error_) {
      renew(now_ns);
      now_ns = around_.now().boot_ns;
      continue;
    }
    if (is_there) {
      cannot_enforce_ = decision.cannot_enforce;
      by_order_ = decision.by_order;
      set_state(decision.state, std::move(decision.reason));
      return;
    }
    carry_out(decision.driver, now_ns);
    now_ns = around_.now().boot_ns;
  }
}

void AttachmentKeeper::prepare() {
  const std::uint64_t now_ns = around_.now().boot_ns;
  if (!begun_ || now_ns < rests_until_ns_ || now_ns < prepares_from_ns_) return;
  if (around_.budgets() > 0 || around_.kernel.driver() != Driver::none || around_.kernel.prepared()) return;
  // As if there were a budget: what would only be observed then need not be loaded.
  Decision first = recovery_.decide(1, Driver::none, now_ns);
  if (first.check_first) {
    recovery_.checked(around_.check_requirements(), now_ns);
    first = recovery_.decide(1, Driver::none, now_ns);
  }
  if (first.driver != Driver::scheduler) {
    prepares_from_ns_ = now_ns + prepare_again_ns;
    return;
  }
  if (const auto prepared = loaded(&Kernel::prepare); !prepared) {
    around_.audience.failed(prepared.error());
    prepares_from_ns_ = UINT64_MAX;  // said once; the first budget tries again, and so does a reload
  }
}

void AttachmentKeeper::notice_end(std::uint64_t now_ns) {
  if (!attached_ || around_.kernel.driver() == Driver::scheduler) return;
  attached_ = false;
  auto exit = around_.kernel.exit_record();
  if (!exit) exit.emplace().reason = "it is no longer attached and left no exit record";
  around_.kernel.detach();  // frees what is left of it
  around_.audience.scheduler_ended(*exit);
  recovery_.ended(*exit, now_ns);
  // Loading what comes next may take seconds, in which nobody must be told that we enforce.
  set_state(State::recovering, why_ended(*exit));
}

void AttachmentKeeper::carry_out(Driver wanted, std::uint64_t now_ns) {
  if (wanted == Driver::scheduler) {
    put_scheduler(now_ns);
    return;
  }
  attached_ = false;
  if (wanted == Driver::observer && put_observer(now_ns)) return;
  around_.kernel.detach();  // whatever is wrong with the probes, the scheduler is not to stay
}

void AttachmentKeeper::put_scheduler(std::uint64_t now_ns) {
  around_.loading(true);
  const auto attached = around_.kernel.attach(around_.hurrying);
  around_.loading(false);
  if (!attached) {
    around_.audience.failed(attached.error());
    recovery_.attach_failed(attached.error(), now_ns);
    return;
  }
  attached_ = true;
  const Instant now = around_.now();
  attached_monotonic_ns_ = now.monotonic_ns;
  recovery_.attached(now.boot_ns);
}

// Tunables are fixed while a program is loaded. The one that runs goes on until the next is loaded and
// verified, which may take seconds.
void AttachmentKeeper::renew(std::uint64_t now_ns) {
  const Driver runs = around_.kernel.driver();
  std::optional<std::uint64_t> from_ns;
  std::uint64_t gap_ns = 0;
  const Hurrying timed = [&](bool begins) {
    around_.hurrying(begins);
    const std::uint64_t now = around_.now().monotonic_ns;
    if (!from_ns) from_ns = now;
    gap_ns = now - *from_ns;
  };
  around_.loading(true);
  const auto renewed = runs == Driver::scheduler ? around_.kernel.attach(timed) : around_.kernel.observe();
  around_.loading(false);
  if (renewed) {
    if (runs != Driver::scheduler) return;
    attached_monotonic_ns_ = around_.now().monotonic_ns;
    around_.audience.scheduler_renewed(gap_ns);
    return;
  }
  around_.audience.failed(renewed.error());
  if (around_.kernel.driver() == runs) {
    renewal_error_ = renewed.error();
    return;
  }
  attached_ = false;
  recovery_.attach_failed(renewed.error(), now_ns);
}

bool AttachmentKeeper::put_observer(std::uint64_t now_ns) {
  const auto observing = loaded(&Kernel::observe);
  if (observing) {
    recovery_.observe_loaded();
  } else {
    around_.audience.failed(observing.error());
    recovery_.observe_failed(observing.error(), now_ns);
  }
  return observing.has_value();
}

Result<void> AttachmentKeeper::loaded(Result<void> (Kernel::*load)()) {
  around_.loading(true);
  auto result = (around_.kernel.*load)();
  around_.loading(false);
  return result;
}

void AttachmentKeeper::keep_latch() {
  if (recovery_.latch() != tried_latch_) static_cast<void>(write_latch());
}

Result<void> AttachmentKeeper::write_latch() {
  tried_latch_ = recovery_.latch();
  if (tried_latch_ != kept_latch_) {
    const auto kept = around_.keep_latch(tried_latch_);
    if (!kept) {
      // Said once: a full /run is not to fill the journal too.
      if (!latch_error_ || latch_error_->message() != kept.error().message())
        around_.audience.failed(kept.error());
      latch_error_ = kept.error();
      return kept;
    }
    kept_latch_ = tried_latch_;
  }
  latch_error_.reset();
  return {};
}

// Only where it makes a difference: failures that are forgotten are counted anew.
std::string AttachmentKeeper::unwritten_text() const {
  const bool holds = recovery_.latch().holds();
  if (!latch_error_ || holds == kept_latch_.holds()) return {};
  return std::string("; the daemon, if started again, would ") + (holds ? "attach again" : "not attach") +
         ": " + latch_error_->message();
}

std::string AttachmentKeeper::outdated_text() const {
  if (!renewal_error_ || !around_.kernel.outdated()) return {};
  return "; with the settings of before, as those that the files have now could not be loaded: " +
         renewal_error_->message() + "; to try again: systemctl reload scx-slo";
}

void AttachmentKeeper::watch_heartbeat() {
  const bool was_alive = std::exchange(alive_, true);
  const std::uint64_t beat_ns = around_.kernel.counters().heartbeat_ns;
  if (around_.kernel.driver() != Driver::scheduler || beat_ns == 0) return;
  const Instant now = around_.now();
  const std::uint64_t since_ns = std::max(beat_ns, attached_monotonic_ns_);
  alive_ = now.monotonic_ns <= since_ns || now.monotonic_ns - since_ns <= heartbeat_patience_ns;
  if (alive_ || !was_alive) return;
  around_.audience.failed(
      {.tried = "hear the heartbeat of the scheduler",
       .advice = "it has not served its queues for " + format_time_span_ns(heartbeat_patience_ns) +
                 "; unless that changes, the kernel ends the scheduler or systemd's watchdog this daemon"});
  recovery_.heartbeat_stopped(now.boot_ns);
}

void AttachmentKeeper::set_state(State state, std::string reason) {
  reason = printable(reason + unwritten_text() + outdated_text());  // it may name a scheduler or a file
  if (state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = std::move(reason);
  around_.audience.state_changed(state_, reason_);
}

}  // namespace slo
