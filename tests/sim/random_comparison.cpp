// SPDX-License-Identifier: GPL-2.0-only
#include "random_comparison.h"

#include <format>

#include "client/print/table.h"
#include "random_set.h"
#include "report.h"
#include "simulate.h"

namespace slo::sim {
namespace {

using client::Table;
using Align = Table::Align;

void add(Score& score, const Workload& workload, const Record& record) {
  std::uint64_t misses = 0;
  for (std::size_t i = 0; i < workload.units.size(); ++i) {
    if (workload.units[i].budget_ns == 0) continue;
    score.jobs += record.units[i].jobs;
    misses += record.units[i].misses;
  }
  score.misses += misses;
  if (misses == 0) ++score.clean;
}

RandomRow compare_at(std::uint32_t cpus, double utilisation, const RandomSpan& span) {
  RandomRow row{.cpus = cpus, .utilisation = utilisation};
  const Machine machine{.cpus = cpus};
  Policy tick;
  tick.kicks_wait_for_tick = true;
  Random random(span.seed);
  for (std::uint32_t i = 0; i < span.sets; ++i) {
    const auto workload = random_set(random, machine, {}, {.utilisation = utilisation});
    if (!workload) continue;
    const Experiment experiment{
        .machine = machine, .workload = *workload, .span_ns = span.span_ns, .seed = span.seed + i};
    ++row.sets;
    add(row.policy, *workload, run_policy(experiment, {}));
    add(row.tick, *workload, run_policy(experiment, tick));
    add(row.reference, *workload, run_edf(experiment, {}));
  }
  return row;
}

nlohmann::json json_score(const Score& score) {
  return {{"sets_without_misses", score.clean}, {"jobs", score.jobs}, {"misses", score.misses}};
}

}  // namespace

std::vector<RandomRow> compare_random_sets(const RandomSpan& span) {
  std::vector<RandomRow> rows;
  for (const double utilisation : {0.5, 0.6, 0.7, 0.8, 0.85, 0.9})
    rows.push_back(compare_at(1, utilisation, span));
  for (const std::uint32_t cpus : {2, 4, 16})
    for (const double utilisation : {0.6, 0.8}) rows.push_back(compare_at(cpus, utilisation, span));
  return rows;
}

std::string to_text(const std::vector<RandomRow>& rows) {
  Table table({{.title = "CPUS", .align = Align::right},
               {.title = "UTILISATION", .align = Align::right},
               {.title = "SETS", .align = Align::right},
               {.title = "as shipped: clean", .align = Align::right},
               {.title = "misses", .align = Align::right},
               {.title = "no kicks: clean", .align = Align::right},
               {.title = "misses", .align = Align::right},
               {.title = "ideal EDF: clean", .align = Align::right},
               {.title = "misses", .align = Align::right}});
  for (const RandomRow& row : rows) {
    std::vector<std::string> cells = {std::to_string(row.cpus), std::format("{:.0f}%", 100 * row.utilisation),
                                      std::to_string(row.sets)};
    for (const Score& score : {row.policy, row.tick, row.reference}) {
      cells.push_back(ratio_text(score.clean, row.sets));
      cells.push_back(ratio_text(score.misses, score.jobs));
    }
    table.add_row(std::move(cells));
  }
  return "Random sets that an ideal scheduler can keep: sets without a miss, and misses of all jobs\n" +
         table.to_string();
}

nlohmann::json to_json(const std::vector<RandomRow>& rows) {
  nlohmann::json all = nlohmann::json::array();
  for (const RandomRow& row : rows)
    all.push_back({{"cpus", row.cpus},
                   {"utilisation", row.utilisation},
                   {"sets", row.sets},
                   {"as_shipped", json_score(row.policy)},
                   {"no_kicks", json_score(row.tick)},
                   {"ideal_edf", json_score(row.reference)}});
  return {{"title", "random sets"}, {"rows", std::move(all)}};
}

}  // namespace slo::sim
