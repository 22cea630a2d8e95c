// SPDX-License-Identifier: GPL-2.0-only
#include "attachment/recovery.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/printable.h"
#include "base/time_span.h"
#include "bpf/abi/slo_abi.h"

namespace slo {
namespace {

constexpr std::uint64_t second_ns = SLO_NSEC_PER_SEC;
constexpr std::uint64_t first_pause_ns = second_ns;
constexpr std::uint64_t longest_pause_ns = 60 * second_ns;
// Often enough for an operator who has just stopped the other one, and a few small files only.
constexpr std::uint64_t other_scheduler_poll_ns = 5 * second_ns;
// The kernel takes a scheduler down after its daemon was killed; a loaded machine needs a while for that.
constexpr std::uint64_t leaving_patience_ns = 10 * second_ns;
constexpr std::uint64_t observe_again_ns = 60 * second_ns;

constexpr std::string_view own_name = "scx_slo";

// One that is being taken down loses its name before it is gone; requirements then say so in brackets.
bool may_be_our_own(const std::string& scheduler) {
  return scheduler.starts_with(own_name) || scheduler.starts_with('(');
}

constexpr std::string_view resume_hint = "; `scx-slo attach` resumes";
constexpr std::size_t max_reason = 400;

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

}  // namespace

void Recovery::checked(Requirements requirements, std::uint64_t now_ns) {
  if (!may_be_our_own(requirements.other_scheduler)) {
    leaving_since_ns_.reset();
  } else if (!leaving_since_ns_) {
    leaving_since_ns_ = now_ns;
  }
  const std::string refusal = std::exchange(busy_, {});
  if (!refusal.empty() && requirements.other_scheduler.empty()) strike(refusal, now_ns);
  requirements_ = std::move(requirements);
  checked_ns_ = now_ns;
}

void Recovery::ended(const SchedulerExit& exit, std::uint64_t now_ns) {
  const bool counted = std::exchange(dead_, false);
  switch (kind_of(exit)) {
    case EndKind::sysrq:
      latch_.sysrq = true;
      return;
    case EndKind::restart:
      return;
    case EndKind::failure:
      if (counted) {
        last_failure_ = why_ended(exit);
      } else {
        strike(why_ended(exit), now_ns);
      }
      return;
  }
}

void Recovery::attach_failed(const Error& error, std::uint64_t now_ns) {
  if (error.errno_value == EBUSY) {
    busy_ = error.message();
    requirements_.reset();
  } else {
    strike(error.message(), now_ns);
  }
}

// A trial begins when there is something to try: loading may take longer than it is to last.
void Recovery::attached(std::uint64_t now_ns) {
  if (!trial_ || std::exchange(trial_->begun, true)) return;
  trial_->end_ns = now_ns + std::min(trial_->length_ns, UINT64_MAX - now_ns);
}

void Recovery::observe_failed(const Error& error, std::uint64_t now_ns) {
  observe_error_ = error.message();
  observe_failed_ns_ = now_ns;
}

void Recovery::heartbeat_stopped(std::uint64_t now_ns) {
  if (std::exchange(dead_, true)) return;
  strike("the scheduler stopped serving its queues", now_ns);
}

void Recovery::order_attach(std::uint64_t now_ns, std::optional<std::uint64_t> trial_ns) {
  latch_ = {};
  last_failure_.clear();
  requirements_.reset();
  trial_.reset();
  if (!trial_ns) return;
  latch_.trial = true;
  trial_ = Trial{.end_ns = now_ns + std::min(*trial_ns, UINT64_MAX - now_ns), .length_ns = *trial_ns};
}

void Recovery::order_detach() {
  latch_.detached = true;
  latch_.unreadable.clear();
  latch_.trial = false;
  trial_.reset();
}

bool Recovery::confirm(std::uint64_t now_ns) {
  if (!on_trial(now_ns)) return false;
  latch_.trial = false;
  trial_.reset();
  return true;
}

Decision Recovery::decide(std::size_t budgets, Driver running, std::uint64_t now_ns) {
  forget_old_failures(now_ns);
  if (trial_ && !on_trial(now_ns)) trial_.reset();
  if (running != Driver::scheduler) dead_ = false;
  if (running == Driver::scheduler && trial_) trial_->begun = true;

  if (budgets == 0)
    return {.state = State::idle,
            .reason =
                "no unit has a budget; give one with: systemctl edit UNIT, lines \"[X-Slo]\" and "
                "\"SloBudget=5ms\""};
  if (policy_.observe_only)
    return observe_by_order(
        "Mode=observe; to enforce, set Mode=auto in /etc/scx-slo/scx-slo.conf and type: systemctl reload "
        "scx-slo",
        now_ns);
  if (!dead_) {
    if (const std::string held = held_by_operator(); !held.empty())
      return latch_.unreadable.empty() ? observe_by_order(held, now_ns) : observe(held, now_ns);
    if (const std::string held = held_by_failures(); !held.empty()) return observe(held, now_ns);
  }
  if (running == Driver::scheduler) return enforce(budgets);

  if (!requirements_) return {.check_first = true};
  if (!requirements_->enforcing.empty()) {
    Decision decision = observe(joined(requirements_->enforcing), now_ns);
    decision.cannot_enforce = true;
    return decision;
  }
  if (now_ns < resume_ns()) return pause(now_ns);
  const bool other = !requirements_->other_scheduler.empty();
  const bool check_is_fresh = checked_ns_ == now_ns ||
                              (other && !leaving_since_ns_ && now_ns < checked_ns_ + other_scheduler_poll_ns);
  if (!check_is_fresh) return {.check_first = true};
  return other ? wait_for_other(now_ns) : enforce(budgets);
}

std::size_t Recovery::failures(std::uint64_t now_ns) const {
  return static_cast<std::size_t>(std::ranges::count_if(latch_.failures_ns, [&](std::uint64_t stamp) {
    return stamp <= now_ns && now_ns - stamp <= policy_.retry_window_ns;
  }));
}

bool Recovery::on_trial(std::uint64_t now_ns) const {
  return trial_ && now_ns < trial_->end_ns;
}

void Recovery::strike(std::string why, std::uint64_t now_ns) {
  last_failure_ = printable(why, max_reason);
  latch_.failures_ns.push_back(now_ns);
  forget_old_failures(now_ns);
  if (latch_.failures_ns.size() >= std::max(policy_.retries, 1U)) latch_.gave_up = last_failure_;
}

// The last one stays while its pause lasts, however short the window is.
void Recovery::forget_old_failures(std::uint64_t now_ns) {
  auto& stamps = latch_.failures_ns;
  // A stamp from the future would hold for ever; a failure that is forgotten would be repeated for ever.
  for (auto& stamp : stamps) stamp = std::min(stamp, now_ns);
  if (now_ns < resume_ns()) return;
  std::erase_if(stamps, [&](std::uint64_t stamp) { return now_ns - stamp > policy_.retry_window_ns; });
}

std::uint64_t Recovery::resume_ns() const {
  if (latch_.failures_ns.empty()) return 0;
  constexpr std::size_t most_doublings = 6;
  static_assert(first_pause_ns << most_doublings >= longest_pause_ns);
  const std::size_t doublings = std::min(latch_.failures_ns.size() - 1, most_doublings);
  return latch_.failures_ns.back() + std::min(first_pause_ns << doublings, longest_pause_ns);
}

// Measuring goes on whatever keeps us from enforcing. Where not even the probes can be loaded, they are tried
// again now and then.
Decision Recovery::observe(std::string reason, std::uint64_t now_ns) const {
  if (observe_error_.empty())
    return {.driver = Driver::observer, .state = State::observing, .reason = std::move(reason)};
  return {.driver = now_ns >= observe_failed_ns_ + observe_again_ns ? Driver::observer : Driver::none,
          .state = State::failed,
          .reason = std::move(reason) + "; and nothing is measured: " + observe_error_};
}

Decision Recovery::observe_by_order(std::string reason, std::uint64_t now_ns) const {
  Decision decision = observe(std::move(reason), now_ns);
  decision.by_order = true;
  return decision;
}

// What an operator has ordered and has to lift; empty: nothing.
std::string Recovery::held_by_operator() const {
  if (latch_.sysrq) return "an operator ended the scheduler with sysrq-S" + std::string(resume_hint);
  if (!latch_.unreadable.empty())
    return latch_.unreadable + "; nobody knows whether an operator had detached the scheduler, so it is" +
           std::string(resume_hint);
  if (latch_.detached) return "detached by an operator" + std::string(resume_hint);
  if (latch_.trial && !trial_) return "the trial was not confirmed" + std::string(resume_hint);
  return {};
}

// What nobody has ordered and an operator has to lift; empty: nothing.
std::string Recovery::held_by_failures() const {
  if (latch_.gave_up.empty()) return {};
  return latch_.gave_up + "; given up after too many failures within " + window_text() +
         std::string(resume_hint);
}

Decision Recovery::pause(std::uint64_t now_ns) const {
  const std::string why = last_failure_.empty() ? "the scheduler failed" : last_failure_;
  const std::size_t count = latch_.failures_ns.size();
  Decision decision =
      observe(why + "; failure " + std::to_string(count) + " of " +
                  std::to_string(std::max(policy_.retries, 1U)) + " within " + window_text() +
                  ", attaching again after " + format_time_span_ns(resume_ns() - latch_.failures_ns.back()),
              now_ns);
  decision.state = State::recovering;
  decision.cannot_enforce = true;
  return decision;
}

Decision Recovery::wait_for_other(std::uint64_t now_ns) {
  if (leaving_since_ns_ && now_ns - *leaving_since_ns_ < leaving_patience_ns) {
    Decision decision = observe("an earlier scheduler is still leaving", now_ns);
    decision.state = State::recovering;
    return decision;
  }
  Decision decision = observe(other_scheduler_sentence(requirements_->other_scheduler), now_ns);
  decision.cannot_enforce = true;
  return decision;
}

Decision Recovery::enforce(std::size_t budgets) const {
  std::string reason =
      std::to_string(budgets) + (budgets == 1 ? " unit with a budget" : " units with a budget");
  if (trial_)
    reason += "; on trial for " + format_time_span_ns(trial_->length_ns) +
              ", then detached unless confirmed: scx-slo confirm";
  return {.driver = Driver::scheduler, .state = State::enforcing, .reason = std::move(reason)};
}

std::string Recovery::window_text() const {
  return format_time_span_ns(policy_.retry_window_ns);
}

}  // namespace slo
