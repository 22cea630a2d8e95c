// SPDX-License-Identifier: GPL-2.0-only
#include "comparison.h"

#include <algorithm>
#include <format>

#include "client/print/cells.h"
#include "client/print/table.h"
#include "report.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using client::Table;
using Align = Table::Align;

void add_units(std::vector<UnitSummary>& summaries, const Workload& workload, const Record& record) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < workload.units.size(); ++i) {
    if (workload.units[i].budget_ns == 0) continue;
    if (at == summaries.size())
      summaries.push_back({.name = workload.units[i].name, .budget_ns = workload.units[i].budget_ns});
    UnitSummary& summary = summaries[at++];
    summary.jobs += record.units[i].jobs;
    summary.misses += record.units[i].misses;
    summary.requests += record.units[i].requests;
    summary.late += record.units[i].late;
    summary.wait_max_ns = std::max(summary.wait_max_ns, quantile_ns(record.units[i].waits_ns, 1));
  }
}

Summary summarise(const Comparison& comparison, const Case& one, const ComparisonSpan& span) {
  Summary summary;
  for (std::uint32_t i = 0; i < span.seeds; ++i) {
    const std::uint64_t seed = span.seed + i;
    const Experiment experiment{.machine = one.machine,
                                .workload = comparison.make(one.machine.cpus, seed),
                                .span_ns = span.span_ns,
                                .seed = seed};
    const Record record =
        one.is_reference ? run_edf(experiment, one.policy) : run_policy(experiment, one.policy);
    add_units(summary.units, experiment.workload, record);
    summary.best_effort_share += best_effort_share(experiment.workload, record) / span.seeds;
    summary.best_effort_gap_ns = std::max(summary.best_effort_gap_ns, record.best_effort_gap_ns);
    summary.switches_per_second += per_cpu_second(record, switches(record)) / span.seeds;
    summary.kicks_per_second += per_cpu_second(record, kicks(record)) / span.seeds;
  }
  return summary;
}

// Of the longest wait of any job that ended, per budget: above 1 is a miss.
double worst(const Summary& summary) {
  double ratio = 0;
  for (const UnitSummary& unit : summary.units)
    ratio = std::max(ratio, static_cast<double>(unit.wait_max_ns) / static_cast<double>(unit.budget_ns));
  return ratio;
}

}  // namespace

std::vector<Summary> compare(const Comparison& comparison, const ComparisonSpan& span) {
  std::vector<Summary> summaries;
  for (const Case& one : comparison.cases) summaries.push_back(summarise(comparison, one, span));
  return summaries;
}

std::string to_text(const Comparison& comparison, const std::vector<Summary>& summaries) {
  std::vector<Table::Column> columns = {{.title = "CASE"}};
  for (const UnitSummary& unit : summaries.front().units)
    columns.push_back({.title = unit.name + " misses/late", .align = Align::right});
  for (const char* title : {"WORST WAIT/BUDGET", "BEST EFFORT", "GAP", "SWITCHES/S", "KICKS/S"})
    columns.push_back({.title = title, .align = Align::right});
  Table table(std::move(columns));
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const Summary& summary = summaries[i];
    std::vector<std::string> row = {comparison.cases[i].label};
    for (const UnitSummary& unit : summary.units)
      row.push_back(ratio_text(unit.misses, unit.jobs) + " / " + ratio_text(unit.late, unit.requests));
    row.push_back(std::format("{:.2f}", worst(summary)));
    row.push_back(client::percent_text(summary.best_effort_share));
    row.push_back(ms_text(summary.best_effort_gap_ns));
    row.push_back(std::to_string(summary.switches_per_second));
    row.push_back(std::to_string(summary.kicks_per_second));
    table.add_row(std::move(row));
  }
  return comparison.title + "\n" + table.to_string();
}

nlohmann::json to_json(const Comparison& comparison, const std::vector<Summary>& summaries) {
  nlohmann::json cases = nlohmann::json::array();
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    nlohmann::json units = nlohmann::json::array();
    for (const UnitSummary& unit : summaries[i].units)
      units.push_back({{"name", unit.name},
                       {"budget_ns", unit.budget_ns},
                       {"jobs", unit.jobs},
                       {"misses", unit.misses},
                       {"requests", unit.requests},
                       {"late", unit.late},
                       {"wait_max_ns", unit.wait_max_ns}});
    cases.push_back({{"case", comparison.cases[i].label},
                     {"cpus", comparison.cases[i].machine.cpus},
                     {"units", std::move(units)},
                     {"best_effort_share", summaries[i].best_effort_share},
                     {"best_effort_gap_ns", summaries[i].best_effort_gap_ns},
                     {"switches_per_second", summaries[i].switches_per_second},
                     {"kicks_per_second", summaries[i].kicks_per_second}});
  }
  return {{"title", comparison.title}, {"cases", std::move(cases)}};
}

}  // namespace slo::sim
