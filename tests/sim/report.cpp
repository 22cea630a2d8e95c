// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>

#include "client/print/cells.h"
#include "client/print/table.h"

namespace slo::sim {
namespace {

using client::Table;
using Align = Table::Align;

constexpr std::array cause_names = {"none", "late-start", "preempted", "overlong", "overrun", "throttled"};
static_assert(cause_names.size() == SLO_CAUSES);

std::string budget_text(const Unit& unit) {
  if (unit.budget_ns == 0) return "-";
  return ms_text(unit.budget_ns) + (unit.bounds_response ? " (response)" : "");
}

std::string units_table(const Workload& workload, std::span<const Arm> arms) {
  Table table({{.title = "UNIT"},
               {.title = "SCHEDULER"},
               {.title = "BUDGET", .align = Align::right},
               {.title = "JOBS", .align = Align::right},
               {.title = "MISSES", .align = Align::right},
               {.title = "LATE", .align = Align::right},
               {.title = "P50", .align = Align::right},
               {.title = "P99", .align = Align::right},
               {.title = "MAX", .align = Align::right},
               {.title = "CPU", .align = Align::right}});
  for (std::size_t i = 0; i < workload.units.size(); ++i)
    for (const Arm& arm : arms) {
      const UnitRecord& unit = arm.record.units[i];
      const bool has_budget = workload.units[i].budget_ns != 0;
      table.add_row({workload.units[i].name, arm.name, budget_text(workload.units[i]),
                     std::to_string(unit.jobs), has_budget ? ratio_text(unit.misses, unit.jobs) : "-",
                     has_budget ? ratio_text(unit.late, unit.requests) : "-",
                     ms_text(quantile_ns(unit.waits_ns, 0.5)), ms_text(quantile_ns(unit.waits_ns, 0.99)),
                     ms_text(quantile_ns(unit.waits_ns, 1)), ratio_text(unit.exec_ns, arm.record.span_ns)});
    }
  return table.to_string();
}

std::string machine_table(const Workload& workload, std::span<const Arm> arms) {
  Table table({{.title = "SCHEDULER"},
               {.title = "BEST EFFORT", .align = Align::right},
               {.title = "GAP", .align = Align::right},
               {.title = "SLO", .align = Align::right},
               {.title = "IDLE", .align = Align::right},
               {.title = "SWITCHES/S", .align = Align::right},
               {.title = "KICKS/S", .align = Align::right}});
  for (const Arm& arm : arms) {
    const Record& record = arm.record;
    table.add_row({arm.name, client::percent_text(best_effort_share(workload, record)),
                   ms_text(record.best_effort_gap_ns), client::percent_text(share(record, Doing::slo)),
                   client::percent_text(share(record, Doing::nothing)),
                   std::to_string(per_cpu_second(record, switches(record))),
                   std::to_string(per_cpu_second(record, kicks(record)))});
  }
  return table.to_string();
}

nlohmann::json json_unit(const Unit& unit, const UnitRecord& record) {
  nlohmann::json causes;
  for (std::size_t cause = 1; cause < SLO_CAUSES; ++cause)
    causes[cause_names[cause]] = record.misses_by_cause[cause];
  return {{"name", unit.name},
          {"budget_ns", unit.budget_ns},
          {"metric", unit.bounds_response ? "response" : "wait"},
          {"jobs", record.jobs},
          {"misses", record.misses},
          {"misses_by_cause", causes},
          {"requests", record.requests},
          {"late", record.late},
          {"exec_ns", record.exec_ns},
          {"wait_p50_ns", quantile_ns(record.waits_ns, 0.5)},
          {"wait_p99_ns", quantile_ns(record.waits_ns, 0.99)},
          {"wait_max_ns", quantile_ns(record.waits_ns, 1)},
          {"response_p99_ns", quantile_ns(record.responses_ns, 0.99)}};
}

}  // namespace

std::string ratio_text(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return client::percent_text(std::nullopt);
  return client::percent_text(static_cast<double>(part) / static_cast<double>(all));
}

std::string ms_text(std::uint64_t time_ns) {
  return std::format("{:.2f}ms", static_cast<double>(time_ns) / SLO_NSEC_PER_MSEC);
}

std::uint64_t per_cpu_second(const Record& record, std::uint64_t count) {
  const double cpu_seconds = static_cast<double>(record.span_ns) / SLO_NSEC_PER_SEC *
                             static_cast<double>(std::max<std::size_t>(1, record.cpus.size()));
  return cpu_seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(count) / cpu_seconds) : 0;
}

std::string text_report(const Workload& workload, std::span<const Arm> arms) {
  return units_table(workload, arms) + "\n" + machine_table(workload, arms);
}

nlohmann::json json_report(const Workload& workload, std::span<const Arm> arms) {
  nlohmann::json all = nlohmann::json::array();
  for (const Arm& arm : arms) {
    nlohmann::json units = nlohmann::json::array();
    for (std::size_t i = 0; i < workload.units.size(); ++i)
      units.push_back(json_unit(workload.units[i], arm.record.units[i]));
    all.push_back({{"scheduler", arm.name},
                   {"span_ns", arm.record.span_ns},
                   {"cpus", arm.record.cpus.size()},
                   {"best_effort_share", best_effort_share(workload, arm.record)},
                   {"best_effort_gap_ns", arm.record.best_effort_gap_ns},
                   {"idle_share", share(arm.record, Doing::nothing)},
                   {"switches", switches(arm.record)},
                   {"kicks", kicks(arm.record)},
                   {"units", std::move(units)}});
  }
  return {{"workload", workload.name}, {"arms", std::move(all)}};
}

}  // namespace slo::sim
