// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "attachment/limits.h"
#include "base/time_span.h"

namespace slo {
namespace {

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
      attachment_({.kernel = around_.kernel,
                   .audience = around_.audience,
                   .budgets = [this] { return units_.with_budget(); },
                   .check_requirements = [this] { return check_requirements(); },
                   .keep_latch = around_.keep_latch,
                   .now = around_.now,
                   .loading = around_.loading,
                   .hurrying = around_.hurrying},
                  std::move(latch)),
      teller_(around_.kernel),
      recording_(around_.tick_often) {
  attachment_.set_policy(policy_of(config_.config));
  // No unit yet whose settings could change.
  static_cast<void>(units_.set_defaults(config_.config.defaults));
  static_cast<void>(units_.set_capacity(capacity_permille()));
  static_cast<void>(units_.set_operator_reserve(config_.config.operator_permille));
  for (const auto& problem : config_.problems) around_.audience.config_problem(problem);
}

void Manager::units_listed(const std::vector<UnitFact>& facts) {
  for (const auto& spare : around_.kernel.take_spares()) units_.taken(spare);
  attachment_.begin();
  list_under_way_ = false;
  tell_changes(units_.listed(facts), true);
}

void Manager::patterns_found(const std::vector<UnitPattern>& patterns) {
  // What is wrong in files is told with the list, which has the units that share the mistake.
  list_under_way_ = true;
  tell_kernel(units_.found_patterns(patterns), false);
}

void Manager::list_failed() {
  list_under_way_ = false;
  tell_problems();
}

void Manager::unit_changed(const UnitFact& fact) {
  for (const auto& spare : around_.kernel.take_spares()) units_.taken(spare);
  tell_changes(units_.changed(fact), false);
}

void Manager::unit_gone(std::string_view name) {
  tell_changes(units_.gone(name), false);
}

void Manager::tick() {
  attachment_.watch_heartbeat();
  attachment_.retry_latch();
  attachment_.settle();
  attachment_.prepare();
  teller_.tell_again(around_.now().monotonic_ns);
  show_pending();
  look_at_limits();
  tell_misses();
  tend_spares();
  tell_health();
}

// A scheduler that stops serving its queues changes neither state nor reason.
void Manager::tell_health() {
  const bool is_healthy = healthy();
  if (std::exchange(was_healthy_, is_healthy) != is_healthy) around_.audience.units_changed({});
}

void Manager::look_at_load() {
  const auto samples = state() == State::enforcing ? load_samples() : std::vector<LoadSample>{};
  const std::uint64_t now_ns = around_.now().monotonic_ns;
  const double capacity = static_cast<double>(capacity_permille()) / 1000;
  for (const auto& leaner : leaning_.step(now_ns, samples, capacity)) around_.audience.leans(leaner);
  const auto overloaded = config_.config.shedding ? std::span(samples) : std::span<const LoadSample>{};
  const auto changes = overload_.step(now_ns, overloaded, capacity);
  if (changes.empty() && units_.shed() == overload_.shed()) return;
  tell_changes(units_.set_shed(overload_.shed()), false);
  for (const auto& change : changes) around_.audience.shed_changed(change);
}

std::vector<LoadSample> Manager::load_samples() {
  std::vector<LoadSample> samples;
  for (const auto& unit : std::views::values(units_.configured())) {
    // One that shares its counters with others cannot be told from them.
    if (!unit.effective.has_budget() || unit.cgroup_id == 0 || unit.counted_with) continue;
    units_.update_shares();  // of interest to those who are sampled alone
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
  if (record.size() == sizeof(slo_lag_event)) return;  // no job has ended yet
  misses_.take(record, [this](std::uint32_t slot, std::uint32_t unit) { return whose(slot, unit); });
}

void Manager::tell_misses() {
  if (std::exchange(has_missed_, false) && overload_.is_due_after_miss(around_.now().monotonic_ns))
    look_at_load();
  for (const auto& report : misses_.due(around_.now().monotonic_ns)) around_.audience.deadline_missed(report);
}

void Manager::reload() {
  take_config(around_.read_config());
  attachment_.forget_check();
  attachment_.settle();
  around_.source.request_list();
}

Requirements Manager::check_requirements() {
  Requirements requirements = around_.check_requirements();
  found_unkept_ = around_.find_unkept(strict());
  if (strict()) require_kept(found_unkept_, requirements);
  return requirements;
}

// Who is not kept within a limit shows only once its tasks run.
void Manager::look_at_limits() {
  std::vector<UnkeptSetting> unkept;
  if (state() == State::enforcing) {
    const auto by_scheduler = around_.kernel.read_unkept_limits();
    if (!by_scheduler.empty()) unkept = unkept_limits(by_scheduler, units_.names());
    for (auto& found : found_unkept_)
      if (!std::ranges::contains(unkept, found)) unkept.push_back(found);
  }
  if (unkept == unkept_) return;
  const auto before = std::exchange(unkept_, std::move(unkept));
  std::vector<UnkeptSetting> news;
  for (const auto& setting : unkept_)
    if (!std::ranges::contains(before, setting)) news.push_back(setting);
  around_.audience.unkept_changed(news);
}

std::optional<std::vector<LimitFigures>> Manager::limits() const {
  if (state() != State::enforcing) return std::nullopt;
  return current_limits(around_.kernel.read_limits(), units_.names(), around_.now().monotonic_ns);
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
                 .state = std::string(to_string(state())),
                 .kernel = std::move(machine.kernel)};
  for (const auto& name : names) info.units.push_back(trace_unit(name));
  return recording_.begin(*std::move(source), info);
}

void Manager::forward_recording() {
  recording_.forward(around_.now().monotonic_ns);
}

void Manager::stop() {
  recording_.stop(around_.now().monotonic_ns);
  attachment_.stop();
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
  return units_.config_errors() + count_errors(config_.problems);
}

// all_anew: also what the kernel should know already is told again, so that a reload makes good what failed
// before.
void Manager::tell_kernel(const std::vector<CfgChange>& changes, bool all_anew) {
  for (const auto cgroup_id : units_.take_started()) judge_start(cgroup_id);
  for (const auto& change : changes) {
    if (!change.cfg) teller_.tell(change);
  }
  // Between the two: a freed slot may already belong to a unit that is about to be told.
  for (const auto slot : units_.take_freed_slots()) around_.kernel.clear_stats(slot);
  teller_.tell_servers(units_.reserves().servers, all_anew);
  for (const auto& change : all_anew ? units_.all_cfgs() : changes) {
    if (change.cfg) teller_.tell(change);
  }
  tell_paths();
  show_pending();
}

void Manager::tell_changes(const std::vector<CfgChange>& changes, bool all_anew) {
  tell_kernel(changes, all_anew);
  if (!list_under_way_) tell_problems();
  if (const auto names = units_.take_changed()) around_.audience.units_changed(*names);
  recording_.follow(units_);
  attachment_.settle();
}

void Manager::tell_problems() {
  for (const auto& problem : units_.take_new_problems()) around_.audience.config_problem(problem);
}

void Manager::show_pending() {
  if (const auto cgroup_ids = teller_.take_changed())
    around_.audience.units_changed(units_.names_in(*cgroup_ids));
  if (const auto news = teller_.take_news()) around_.audience.pending_changed(*news);
}

void Manager::tell_paths() {
  const PathChanges changes = units_.take_path_changes();
  teller_.tell_paths(changes);
  tell_left_out(changes.left_out);
  tend_spares();
}

void Manager::tell_left_out(std::size_t left_out) {
  if (left_out > paths_left_out_)
    around_.audience.failed(
        {.tried = "know all budgets before units start",
         .advice = std::to_string(left_out) + " beyond the " + std::to_string(SLO_PATHS_MAX) +
                   " paths there is room for; they hold from when systemd tells of the unit on, "
                   "which status counts as late"});
  paths_left_out_ = left_out;
}

// What the kernel has given a cgroup by its place is to be what systemd's word about its unit comes to. Units
// that were there before we looked are not judged.
void Manager::judge_start(std::uint64_t cgroup_id) {
  const auto placed = around_.kernel.placed(cgroup_id);
  if (!placed || placed->made_ns == 0) return;
  const slo_cfg* const wanted = units_.told(cgroup_id);
  if (wanted != nullptr && !placed->cfg) {
    if (wanted->unit == SLO_NO_UNIT) return;
    ++late_.number;
    late_.latest_ns = std::max(late_.latest_ns, around_.now().monotonic_ns - placed->made_ns);
    around_.audience.units_changed({});
    return;
  }
  if (!placed->cfg || (wanted != nullptr && same_settings(*wanted, *placed->cfg))) return;
  around_.audience.failed({.tried = "know the settings of a unit before it starts",
                           .subject = "(cgroup " + std::to_string(cgroup_id) + ")",
                           .advice = "by its name it was given a budget of " +
                                     format_time_span_ns(placed->cfg->budget_ns) +
                                     ", by systemd it has another one; the latter holds from now on"});
  if (wanted == nullptr) teller_.tell({.cgroup_id = cgroup_id, .cfg = {}});
}

// Slots and numbers for units that the kernel hears of before we do.
void Manager::tend_spares() {
  for (const auto& spare : around_.kernel.take_spares()) units_.taken(spare);
  units_.forget_claims([this](std::uint64_t cgroup_id) { return !around_.kernel.placed(cgroup_id); });
  for (auto wanted = around_.kernel.spares_wanted(); wanted > 0; --wanted) {
    const auto spare = units_.make_spare();
    if (!spare) return;
    around_.kernel.offer(*spare);
  }
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
  attachment_.set_policy(policy_of(config_.config));
  misses_.set_global_interval(config_.config.tunables.event_global_interval_ns);
  if (anew) around_.kernel.set_tunables(config_.config.tunables);
  tell_changes(units_.set_defaults(config_.config.defaults), false);
  tell_changes(units_.set_capacity(capacity_permille()), false);
  tell_changes(units_.set_operator_reserve(config_.config.operator_permille), false);
}

std::optional<Whose> Manager::whose(std::uint32_t slot, std::uint32_t number) const {
  const Unit* const counted = units_.owner_of_slot(slot);
  const Unit* const unit = units_.numbered(number);
  if (counted == nullptr || unit == nullptr) return {};
  return Whose{.counted = counted->name, .unit = unit->name};
}

}  // namespace slo
