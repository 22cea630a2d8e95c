// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

namespace slo {
namespace {

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

}  // namespace

Manager::Manager(SchedulerKernel& kernel, UnitSource& source, Audience& audience, Units::Reader reader,
                 std::function<std::vector<std::string>()> missing_requirements)
    : kernel_(kernel),
      source_(source),
      audience_(audience),
      units_(std::move(reader)),
      missing_requirements_(std::move(missing_requirements)) {}

void Manager::units_listed(const std::vector<UnitFact>& facts) {
  tell_changes(units_.listed(facts), true);
}

void Manager::unit_changed(const UnitFact& fact) {
  tell_changes(units_.changed(fact), false);
}

void Manager::unit_gone(std::string_view name) {
  tell_changes(units_.gone(name), false);
}

void Manager::check_scheduler() {
  if (state_ != State::enforcing) return;
  auto exit = kernel_.exit_record();
  if (!exit && kernel_.driver() == Driver::scheduler) return;
  if (!exit) exit.emplace().reason = "it is no longer attached and left no exit record";
  kernel_.detach();  // frees what is left of it
  audience_.scheduler_ended(*exit);
  const char* const remains = kind_of(*exit) == EndKind::sysrq ? "; it stays down until told to attach" : "";
  set_state(State::failed, why_ended(*exit) + remains);
}

Result<void> Manager::attach() {
  check_scheduler();
  if (state_ == State::enforcing) return {};

  auto attached = [this]() -> Result<void> {
    const auto missing = missing_requirements_();
    if (missing.empty()) return kernel_.attach();
    return std::unexpected(
        Error{.tried = "attach the scheduler", .subject = "", .errno_value = 0, .advice = joined(missing)});
  }();
  if (!attached) {
    set_state(State::failed, attached.error().message());
    return attached;
  }
  set_state(State::enforcing, enforcing_reason());
  return {};
}

void Manager::detach(const std::string& why) {
  if (state_ == State::idle) return;
  if (state_ == State::enforcing) kernel_.detach();
  set_state(State::idle, why);
}

void Manager::reload() {
  source_.request_list();
}

State Manager::state() const {
  return state_;
}

const std::string& Manager::state_reason() const {
  return reason_;
}

const std::map<std::string, Unit, std::less<>>& Manager::units() const {
  return units_.configured();
}

bool Manager::knows(std::string_view unit) const {
  return units_.known(unit);
}

const Unit* Manager::effective(std::string_view unit) const {
  return units_.effective(unit);
}

std::optional<UnitStats> Manager::stats(std::string_view unit) const {
  const Unit* holder = units_.effective(unit);
  if (holder == nullptr || !holder->effective.budget) return {};
  return make_unit_stats(holder->name, holder->effective.budget->value.ns(),
                         kernel_.read_stats(holder->slot));
}

std::uint32_t Manager::config_errors() const {
  const auto errors =
      std::ranges::count(units_.problems(), ConfigProblem::Severity::error, &ConfigProblem::severity);
  return static_cast<std::uint32_t>(errors);
}

// all_anew: also what the kernel should know already is told again, so that a reload makes good what
// failed before.
void Manager::tell_changes(const std::vector<CfgChange>& changes, bool all_anew) {
  for (const auto& change : changes) {
    if (!change.cfg) apply(change);
  }
  // Between the two: a freed slot may already belong to a unit that is about to be told.
  for (const auto slot : units_.take_freed_slots()) kernel_.clear_stats(slot);
  for (const auto& change : all_anew ? units_.all_cfgs() : changes) {
    if (change.cfg) apply(change);
  }

  for (const auto& problem : units_.take_new_problems()) audience_.config_problem(problem);
  if (units_.take_changed()) audience_.units_changed();
  if (state_ == State::enforcing) set_state(State::enforcing, enforcing_reason());
}

void Manager::apply(const CfgChange& change) {
  const auto applied = kernel_.apply(change);
  // A cgroup that vanished in the meantime needs no settings; systemd's word about its unit is on the way.
  if (applied || applied.error().errno_value == ENOENT) return;
  audience_.failed(applied.error());
}

void Manager::set_state(State state, std::string reason) {
  if (state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = std::move(reason);
  audience_.state_changed(state_, reason_);
}

std::string Manager::enforcing_reason() const {
  const auto count = std::ranges::count_if(std::views::values(units_.configured()),
                                           [](const Unit& unit) { return unit.effective.has_budget(); });
  if (count == 0) return "no unit has a budget";
  return std::to_string(count) + (count == 1 ? " unit with a budget" : " units with a budget");
}

}  // namespace slo
