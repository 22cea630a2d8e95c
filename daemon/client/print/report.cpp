// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/report.h"

#include <array>
#include <cstdint>
#include <format>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "client/print/bars.h"
#include "client/print/cells.h"
#include "client/print/limit_table.h"
#include "client/print/table.h"
#include "client/print/unit_table.h"

namespace slo::client {
namespace {

using enum Table::Align;

std::string misses_text(const UnitReport& unit) {
  std::string text = std::format("{} ({})", unit.misses, percent_text(unit.miss_ratio));
  const std::pair<const char*, std::uint64_t> causes[] = {{"late-start", unit.causes.late_start},
                                                          {"preempted", unit.causes.preempted},
                                                          {"overlong", unit.causes.overlong},
                                                          {"overrun", unit.causes.overrun},
                                                          {"throttled", unit.causes.throttled}};
  const char* separator = ": ";
  for (const auto& [word, count] : causes) {
    if (count > 0) text += std::format("{}{} {}", std::exchange(separator, ", "), count, word);
  }
  return text;
}

std::string short_table(const std::vector<UnitReport>& units) {
  using enum UnitColumn;
  constexpr std::array columns{unit, budget, jobs, misses, objective, p99_wait};
  return unit_table(units, columns);
}

std::string scheduler_text(const Overview& overview) {
  if (overview.scheduler.empty()) return "the kernel's own";
  return overview.scheduler + (overview.state == "enforcing" ? "" : ", which is not ours");
}

// What an operator can count on while it is enforced.
std::string operator_text(const Overview& overview) {
  if (overview.operator_reserve_usec == 0)
    return "nothing is reserved for root's sessions: OperatorReserve=0%";
  return reserve_text(overview.operator_reserve_usec) + " of a CPU is for root's sessions and logins";
}

std::string units_text(std::uint64_t number) {
  return number == 1 ? "1 unit" : std::to_string(number) + " units";
}

std::string limits_text(const Overview& overview) {
  return std::format("{} with CPUQuota=, {} used up now", units_text(overview.limited_units),
                     overview.throttled_units == 0 ? "none" : std::to_string(overview.throttled_units));
}

std::vector<std::string> changed_on_disk(const std::vector<UnitReport>& units) {
  std::vector<std::string> names;
  for (const UnitReport& unit : units)
    if (unit.need_daemon_reload) names.push_back(unit.name);
  return names;
}

// Of units that have no counters of their own; empty where each has.
std::string folded_text(const std::vector<UnitReport>& units) {
  std::size_t with_others = 0;
  std::size_t uncounted = 0;
  for (const UnitReport& unit : units)
    if (unit.counted_with) ++(unit.counted_with->empty() ? uncounted : with_others);
  std::string text;
  if (with_others > 0) text += std::format(", {} counted with a unit above them", with_others);
  if (uncounted > 0) text += std::format(", {} not counted", uncounted);
  return text;
}

// Nothing is served by key where nothing is enforced.
std::string cpu_time_text(const UnitReport& unit) {
  std::string text = latency_text(unit.exec_usec);
  if (unit.key_exec_usec > 0) text += std::format(", {} of it by key", latency_text(unit.key_exec_usec));
  if (unit.throttled_exec_usec > 0)
    text += std::format(", {} throttled by its reserve", latency_text(unit.throttled_exec_usec));
  return text;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string shed_text(const std::vector<std::string>& units) {
  return joined(units) + "; too much work for all, so these come after the others for now";
}

// What an operator should know and mostly need not.
void add_troubles(Table& table, const Overview& overview, const std::vector<UnitReport>& units) {
  if (!overview.shed.empty()) table.add_row({"Shed", shed_text(overview.shed)});
  for (const auto& [unit, setting, why] : overview.unkept)
    table.add_row({"Not kept", std::format("{} for {}: {}", setting, unit, why)});
  if (overview.config_errors > 0)
    table.add_row({"Settings", std::format("{} ignored as wrong; see: journalctl -b -u scx-slo",
                                           overview.config_errors)});
  if (overview.pending > 0)
    table.add_row(
        {"Pending",
         std::format("{} refused by the kernel so far, not in force, and tried again; see: "
                     "journalctl -b -u scx-slo",
                     overview.pending == 1 ? "1 setting" : std::format("{} settings", overview.pending))});
  if (const std::string folded = folded_text(units); !folded.empty())
    table.add_row({"Capacity", std::format("{0} of {0} units", overview.capacity) + folded});
  if (const auto names = changed_on_disk(units); !names.empty())
    table.add_row({"Changed", joined(names) + "; what was read before holds until: systemctl daemon-reload"});
  if (!overview.waiting.empty())
    table.add_row({"Waiting", joined(overview.waiting) + "; nothing of [X-Slo] holds for " +
                                  (overview.waiting.size() == 1 ? "it" : "them") +
                                  " until: systemctl daemon-reload"});
  if (overview.failures > 0)
    table.add_row(
        {"Failures", std::format("{} of the scheduler within RetryWindow=; see: journalctl -b -u scx-slo",
                                 overview.failures)});
  if (overview.events_lost > 0)
    table.add_row({"Lost", std::format("{} reports of single misses; they are counted all the same",
                                       overview.events_lost)});
  if (overview.systemd_behind)
    table.add_row(
        {"Systemd", "does not answer; what it said of units before stays in force, and it is asked again"});
  if (overview.log_lines_lost > 0)
    table.add_row({"Journal", std::format("{} lines are lost: the journal had no room for them",
                                          overview.log_lines_lost)});
  if (overview.late_budgets > 0)
    table.add_row(
        {"Late",
         std::format("{} got a budget only after the start, at most {} later: nothing told of it before",
                     units_text(overview.late_budgets), latency_text(overview.late_budget_max_usec))});
  if (overview.untracked > 0)
    table.add_row({"Untracked", std::format("{} times a task could not be followed; its jobs are not counted",
                                            overview.untracked)});
}

}  // namespace

std::string no_units_text() {
  return "No unit has a budget. Give one with: systemctl edit UNIT, lines \"[X-Slo]\" and "
         "\"SloBudget=5ms\".\n";
}

std::string state_text(const Overview& overview) {
  const std::string state = printable(overview.state);
  return overview.reason.empty() ? state + "\n" : state + ": " + printable(overview.reason) + "\n";
}

std::string status_text(const Overview& overview, const std::vector<UnitReport>& units) {
  std::string state = state_text(overview);
  state.pop_back();
  Table table({{""}, {""}});
  table.add_row({"State", state});
  table.add_row({"Scheduler", scheduler_text(overview)});
  table.add_row({"Mode", overview.mode});
  table.add_row({"Version", overview.version});
  if (overview.state == "enforcing") table.add_row({"Operator", operator_text(overview)});
  if (overview.limited_units > 0) table.add_row({"Limits", limits_text(overview)});
  add_troubles(table, overview, units);
  return table.to_string() + "\n" + (units.empty() ? no_units_text() : short_table(units));
}

std::string list_text(const std::vector<UnitReport>& units) {
  using enum UnitColumn;
  constexpr std::array columns{unit, budget, importance, reserve, jobs, misses, miss_share, p99_wait, set_in};
  return units.empty() ? no_units_text() : unit_table(units, columns);
}

std::string stats_text(const std::vector<UnitReport>& units, const Limits& limits) {
  using enum UnitColumn;
  constexpr std::array columns{unit, budget, jobs, misses, miss_share, p50_wait, p99_wait, max_wait};
  const std::string of_units = units.empty() ? no_units_text() : unit_table(units, columns);
  const std::string of_limits = limit_text(limits);
  return of_limits.empty() ? of_units : of_units + "\n" + of_limits;
}

std::string stats_text(std::string_view asked, const UnitReport& report, const LimitReport* limit,
                       std::size_t columns) {
  Table facts({{""}, {""}});
  facts.add_row({"Unit", std::string(asked)});
  if (asked != report.name)
    facts.add_row({"Settings of", report.name + " (the figures are of all that runs under it)"});
  facts.add_row({"Budget", budget_sentence(report)});
  if (report.pending) facts.add_row({"Pending", pending_sentence});
  if (!report.budget_origin.empty()) facts.add_row({"Set in", report.budget_origin});
  facts.add_row({"Control group", report.control_group.empty() ? "none now" : report.control_group});
  if (limit != nullptr) add_limit(facts, *limit);
  if (report.counted_with) {
    facts.add_row({"Counted", counted_sentence(*report.counted_with)});
    return facts.to_string();
  }
  facts.add_row({"Jobs", std::to_string(report.jobs)});
  facts.add_row({"Misses", misses_text(report)});
  facts.add_row({"Objective", objective_text(report)});
  facts.add_row({"Demoted jobs", std::to_string(report.demotions)});
  facts.add_row({"CPU time", cpu_time_text(report)});
  if (report.jobs == 0) return facts.to_string() + "\nNo job has ended yet.\n";

  Table latencies({{""}, {"WAIT FOR CPU", right}, {"WAIT + CPU TIME", right}});
  const auto add = [&](const char* name, std::optional<std::uint64_t> Latency::* figure) {
    latencies.add_row({name, quantile_text(report.wait.*figure, report.jobs),
                       quantile_text(report.response.*figure, report.jobs)});
  };
  add("mean", &Latency::mean_usec);
  add("p50", &Latency::p50_usec);
  add("p90", &Latency::p90_usec);
  add("p99", &Latency::p99_usec);
  add("p99.9", &Latency::p999_usec);
  add("max", &Latency::max_usec);
  const std::string bars = bars_text(report, nullptr, columns);
  return facts.to_string() + "\n" + latencies.to_string() + (bars.empty() ? "" : "\n" + bars);
}

}  // namespace slo::client
