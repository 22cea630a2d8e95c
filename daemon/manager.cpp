// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <algorithm>
#include <cerrno>
#include <ranges>
#include <utility>

#include "base/time_span.h"

namespace slo {
namespace {

// The scheduler beats four times a second; a loaded machine may hold back a timer, but never that long.
constexpr std::uint64_t heartbeat_patience_ns = 10 * SLO_NSEC_PER_SEC;

// Look at the machine, try the scheduler, fail, try the probes, fail: more changes at one moment mean that
// the world moves faster than we look, and the next tick looks again.
constexpr int most_changes_at_once = 8;

RecoveryPolicy policy_of(const Config& config) {
  return {.observe_only = config.mode == Mode::observe,
          .retries = config.retries,
          .retry_window_ns = config.retry_window_ns};
}

std::uint32_t count_errors(const std::vector<ConfigProblem>& problems) {
  return static_cast<std::uint32_t>(
      std::ranges::count(problems, ConfigProblem::Severity::error, &ConfigProblem::severity));
}

}  // namespace

Manager::Manager(Surroundings surroundings, ConfigReading config, Latch latch)
    : around_(std::move(surroundings)),
      config_(std::move(config)),
      units_(around_.read_unit_files, config_.config.tunables.capacity),
      misses_(config_.config.tunables.event_global_interval_ns),
      recovery_(latch),
      recording_(around_.tick_often),
      kept_latch_(std::move(latch)) {
  recovery_.set_policy(policy_of(config_.config));
  // No unit yet whose settings could change.
  static_cast<void>(units_.set_defaults(config_.config.defaults));
  static_cast<void>(units_.set_capacity(capacity_permille()));
  for (const auto& problem : config_.problems) around_.audience.config_problem(problem);
}

void Manager::units_listed(const std::vector<UnitFact>& facts) {
  listed_ = true;
  tell_changes(units_.listed(facts), true);
}

void Manager::unit_changed(const UnitFact& fact) {
  tell_changes(units_.changed(fact), false);
}

void Manager::unit_gone(std::string_view name) {
  tell_changes(units_.gone(name), false);
}

void Manager::tick() {
  watch_heartbeat();
  settle();
  tell_misses();
}

void Manager::look_at_load() {
  const auto samples = state_ == State::enforcing ? load_samples() : std::vector<LoadSample>{};
  const std::uint64_t now_ns = around_.now().monotonic_ns;
  const double capacity = static_cast<double>(capacity_permille()) / 1000;
  for (const auto& leaner : leaning_.step(now_ns, samples, capacity)) around_.audience.leans(leaner);
  const auto overloaded = config_.config.shedding ? std::span(samples) : std::span<const LoadSample>{};
  const auto changes = overload_.step(now_ns, overloaded, capacity);
  if (changes.empty() && units_.shed() == overload_.shed()) return;
  tell_changes(units_.set_shed(overload_.shed()), false);
  for (const auto& change : changes) around_.audience.shed_changed(change);
}

std::vector<LoadSample> Manager::load_samples() const {
  std::vector<LoadSample> samples;
  for (const auto& unit : std::views::values(units_.configured())) {
    // One that shares its counters with others cannot be told from them.
    if (!unit.effective.has_budget() || unit.cgroup_id == 0 || unit.counted_with) continue;
    const LoadCounters counters = around_.kernel.read_load(unit.slot);
    const auto share = units_.reserves().share_of.find(unit.name);
    const auto server = units_.reserves().server_of.find(unit.name);
    const double objective =
        unit.effective.objective ? unit.effective.objective->value.ratio() : Objective::standard().ratio();
    samples.push_back(
        {.unit = unit.name,
         .importance = unit.effective.importance ? unit.effective.importance->value.value()
                                                 : Importance::standard().value(),
         .error_budget = 1 - objective,
         .share = share == units_.reserves().share_of.end() ? 0 : share->second,
         .has_reserve = server != units_.reserves().server_of.end() && server->second != SLO_NO_SLOT,
         // A task that has more to do than it gets to sleeps no more, so its jobs do not end.
         .jobs = counters.jobs + counters.renewals,
         .lost_jobs = counters.lost_jobs + counters.renewals,
         .key_exec_ns = counters.key_exec_ns});
  }
  return samples;
}

std::uint64_t Manager::capacity_permille() const {
  return std::uint64_t{around_.machine().cpus} * (1000 - config_.config.tunables.best_effort_floor_permille);
}

void Manager::take_event(std::span<const std::byte> record) {
  has_missed_ = true;
  misses_.take(record, [this](std::uint32_t slot, std::uint32_t unit) { return whose(slot, unit); });
}

void Manager::tell_misses() {
  if (std::exchange(has_missed_, false) && overload_.is_due_after_miss(around_.now().monotonic_ns))
    look_at_load();
  for (const auto& report : misses_.due(around_.now().monotonic_ns)) around_.audience.deadline_missed(report);
}

Result<void> Manager::attach(std::optional<std::uint64_t> trial_ns) {
  const Recovery before = recovery_;
  recovery_.order_attach(around_.now().boot_ns, trial_ns);
  // A trial that nobody would remember after the daemon was killed is none.
  if (const auto kept = keep_latch(); !kept && trial_ns) {
    recovery_ = before;
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

Result<void> Manager::confirm() {
  if (!recovery_.confirm(around_.now().boot_ns))
    return std::unexpected(Error{
        .tried = "confirm", .advice = "no trial is under way; start one with: scx-slo attach --for 10min"});
  settle();
  return {};
}

void Manager::detach() {
  recovery_.order_detach();
  settle();
}

void Manager::reload() {
  take_config(around_.read_config());
  recovery_.forget_check();
  settle();
  around_.source.request_list();
}

Result<Fd> Manager::record(const std::vector<std::string>& names, std::uint64_t for_ns) {
  around_.loading(true);
  auto source = around_.load_recorder();
  around_.loading(false);
  if (!source) return std::unexpected(source.error());
  const Instant now = around_.now();  // not before: loading may take seconds
  Machine machine = around_.machine();
  TraceInfo info{.cpus = machine.cpus,
                 .start_ns = now.monotonic_ns,
                 .start_realtime_ns = now.realtime_ns,
                 .planned_ns = for_ns,
                 .state = std::string(to_string(state_)),
                 .kernel = std::move(machine.kernel)};
  for (const auto& name : names) info.units.push_back(trace_unit(name));
  return recording_.begin(*std::move(source), info);
}

void Manager::forward_recording() {
  recording_.forward(around_.now().monotonic_ns);
}

void Manager::stop() {
  recording_.stop(around_.now().monotonic_ns);
  attached_ = false;
  around_.kernel.detach();
  set_state(State::idle, "scx-slo was stopped");
}

std::size_t Manager::failures() const {
  return recovery_.failures(around_.now().boot_ns);
}

std::vector<NamedSetting> Manager::settings(std::string_view unit) const {
  return named(units_.in_force(unit));
}

std::optional<UnitStats> Manager::stats(std::string_view unit) const {
  const Unit* holder = units_.effective(unit);
  if (holder == nullptr || !holder->effective.budget) return {};
  const std::uint64_t budget_ns = holder->effective.budget->value.ns();
  if (!holder->counted_with)
    return make_unit_stats(holder->name, budget_ns, around_.kernel.read_stats(holder->slot));
  UnitStats stats;
  stats.unit = holder->name;
  stats.budget_ns = budget_ns;
  stats.counted_with = holder->counted_with;
  return stats;
}

std::uint32_t Manager::config_errors() const {
  return count_errors(units_.problems()) + count_errors(config_.problems);
}

// all_anew: also what the kernel should know already is told again, so that a reload makes good what failed
// before.
void Manager::tell_changes(const std::vector<CfgChange>& changes, bool all_anew) {
  for (const auto& change : changes) {
    if (!change.cfg) apply(change);
  }
  // Between the two: a freed slot may already belong to a unit that is about to be told.
  for (const auto slot : units_.take_freed_slots()) around_.kernel.clear_stats(slot);
  tell_servers(all_anew);
  for (const auto& change : all_anew ? units_.all_cfgs() : changes) {
    if (change.cfg) apply(change);
  }
  for (const auto& problem : units_.take_new_problems()) around_.audience.config_problem(problem);
  if (units_.take_changed()) around_.audience.units_changed();
  recording_.follow(units_);
  settle();
}

void Manager::apply(const CfgChange& change) {
  const auto applied = around_.kernel.apply(change);
  // A cgroup that vanished in the meantime needs no settings; systemd's word about its unit is on the way.
  if (applied || applied.error().errno_value == ENOENT) return;
  around_.audience.failed(applied.error());
}

void Manager::tell_servers(bool anew) {
  if (!anew && told_servers_ == units_.reserves().servers) return;
  told_servers_ = units_.reserves().servers;
  if (const auto told = around_.kernel.set_servers(told_servers_); !told)
    around_.audience.failed(told.error());
}

TraceUnit Manager::trace_unit(const std::string& name) const {
  TraceUnit unit{.name = name};
  if (const UnitFact* fact = units_.fact(name)) unit.cgroup_id = fact->cgroup_id;
  const SloSettings settings = units_.in_force(name);
  if (!settings.budget || settings.budget->value.is_infinite()) return unit;
  unit.budget_ns = settings.budget->value.ns();
  unit.max_exec_ns = settings.max_exec ? settings.max_exec->value.ns() : 0;
  unit.bounds_response = settings.metric && settings.metric->value.is_response();
  return unit;
}

// Brings what runs in line with what is decided, and says what came of it.
void Manager::settle() {
  if (!listed_) return;
  std::uint64_t now_ns = around_.now().boot_ns;
  for (int changes = 0; changes < most_changes_at_once; ++changes) {
    notice_end(now_ns);
    Decision decision = recovery_.decide(budgets(), around_.kernel.driver(), now_ns);
    static_cast<void>(keep_latch());
    if (decision.check_first) {
      recovery_.checked(around_.check_requirements(), now_ns);
      continue;
    }
    if (decision.driver == around_.kernel.driver()) {
      cannot_enforce_ = decision.cannot_enforce;
      set_state(decision.state, std::move(decision.reason));
      return;
    }
    carry_out(decision.driver, now_ns);
    now_ns = around_.now().boot_ns;
  }
}

void Manager::notice_end(std::uint64_t now_ns) {
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

void Manager::carry_out(Driver wanted, std::uint64_t now_ns) {
  if (wanted == Driver::scheduler) {
    around_.loading(true);
    const auto attached = around_.kernel.attach();
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
    return;
  }
  attached_ = false;
  if (wanted == Driver::observer) {
    around_.loading(true);
    const auto observing = around_.kernel.observe();
    around_.loading(false);
    if (observing) {
      recovery_.observe_loaded();
      return;
    }
    around_.audience.failed(observing.error());
    recovery_.observe_failed(observing.error(), now_ns);
  }
  around_.kernel.detach();  // whatever is wrong with the probes, the scheduler is not to stay
}

Result<void> Manager::keep_latch() {
  if (recovery_.latch() == kept_latch_) return {};
  auto kept = around_.keep_latch(recovery_.latch());
  if (!kept) around_.audience.failed(kept.error());
  kept_latch_ = recovery_.latch();  // tried once: a full /run is not to fill the journal too
  return kept;
}

void Manager::watch_heartbeat() {
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

void Manager::take_config(ConfigReading reading) {
  for (const auto& problem : reading.problems) {
    if (!std::ranges::contains(config_.problems, problem)) around_.audience.config_problem(problem);
  }
  slo_tunables& tunables = reading.config.tunables;
  if (tunables.capacity != config_.config.tunables.capacity) {
    around_.audience.failed({.tried = "apply the new Capacity= while running",
                             .advice = "it counts from the next: systemctl restart scx-slo"});
    tunables.capacity = config_.config.tunables.capacity;
  }
  const bool anew = !same_tunables(tunables, config_.config.tunables);
  config_ = std::move(reading);
  recovery_.set_policy(policy_of(config_.config));
  misses_.set_global_interval(config_.config.tunables.event_global_interval_ns);
  if (anew) {  // they are fixed while something is loaded; settle() loads it again
    around_.kernel.set_tunables(config_.config.tunables);
    attached_ = false;
    around_.kernel.detach();
  }
  tell_changes(units_.set_defaults(config_.config.defaults), false);
  tell_changes(units_.set_capacity(capacity_permille()), false);
}

void Manager::set_state(State state, std::string reason) {
  if (state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = std::move(reason);
  around_.audience.state_changed(state_, reason_);
}

std::optional<Whose> Manager::whose(std::uint32_t slot, std::uint32_t number) const {
  const Unit* const counted = units_.owner_of_slot(slot);
  const Unit* const unit = units_.numbered(number);
  if (counted == nullptr || unit == nullptr) return {};
  return Whose{.counted = counted->name, .unit = unit->name};
}

std::size_t Manager::budgets() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      std::views::values(units_.configured()), [](const Unit& unit) { return unit.effective.has_budget(); }));
}

}  // namespace slo
