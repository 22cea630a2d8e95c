// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/unit_table.h"

#include <utility>

#include "client/print/cells.h"
#include "client/print/table.h"

namespace slo::client {
namespace {

using enum Table::Align;

Table::Column heading(UnitColumn column) {
  switch (column) {
    case UnitColumn::unit:
      return {"UNIT"};
    case UnitColumn::budget:
      return {"BUDGET", right};
    case UnitColumn::importance:
      return {"IMPORTANCE", right};
    case UnitColumn::reserve:
      return {"RESERVE", right};
    case UnitColumn::jobs:
      return {"JOBS", right};
    case UnitColumn::jobs_per_second:
      return {"JOBS/S", right};
    case UnitColumn::misses:
      return {"MISSES", right};
    case UnitColumn::new_misses:
      return {"NEW", right};
    case UnitColumn::miss_share:
      return {"MISS %", right};
    case UnitColumn::objective:
      return {"OBJECTIVE"};
    case UnitColumn::p50_wait:
      return {"P50 WAIT", right};
    case UnitColumn::p99_wait:
      return {"P99 WAIT", right};
    case UnitColumn::max_wait:
      return {"MAX WAIT", right};
    case UnitColumn::set_in:
      return {"SET IN"};
  }
  std::unreachable();
}

// last: a null pointer where there is no interval.
std::string cell(UnitColumn column, const UnitReport& unit, const Interval* last) {
  switch (column) {
    case UnitColumn::unit:
      return unit.name;
    case UnitColumn::budget:
      return budget_text(unit);
    case UnitColumn::importance:
      return unit.importance ? std::to_string(*unit.importance) : "-";
    case UnitColumn::reserve:
      return reserve_text(unit.reserve_per_sec_usec);
    case UnitColumn::jobs:
      return jobs_text(unit);
    case UnitColumn::jobs_per_second:
      return last == nullptr ? "-" : rate_text(last->jobs_per_second());
    case UnitColumn::misses:
      return unit.counted_with ? "-" : std::to_string(unit.misses);
    case UnitColumn::new_misses:
      return last == nullptr ? "-" : std::to_string(last->misses);
    case UnitColumn::miss_share:
      return percent_text(unit.miss_ratio);
    case UnitColumn::objective:
      return objective_text(unit);
    case UnitColumn::p50_wait:
      return quantile_text(unit.wait.p50_usec, unit.jobs);
    case UnitColumn::p99_wait:
      return quantile_text(unit.wait.p99_usec, unit.jobs);
    case UnitColumn::max_wait:
      return latency_text(unit.wait.max_usec);
    case UnitColumn::set_in:
      return unit.budget_origin;
  }
  std::unreachable();
}

Table headed(std::span<const UnitColumn> columns) {
  std::vector<Table::Column> headings;
  headings.reserve(columns.size());
  for (const UnitColumn column : columns) headings.push_back(heading(column));
  return Table(std::move(headings));
}

void add_row(Table& table, std::span<const UnitColumn> columns, const UnitReport& unit,
             const Interval* last) {
  std::vector<std::string> cells;
  cells.reserve(columns.size());
  for (const UnitColumn column : columns) cells.push_back(cell(column, unit, last));
  table.add_row(std::move(cells));
}

}  // namespace

std::string unit_table(const std::vector<UnitReport>& units, std::span<const UnitColumn> columns) {
  Table table = headed(columns);
  for (const UnitReport& unit : units) add_row(table, columns, unit, nullptr);
  return table.to_string();
}

std::string unit_table(const std::vector<WatchedUnit>& units, std::span<const UnitColumn> columns) {
  Table table = headed(columns);
  for (const auto& [report, last, counted_anew] : units)
    add_row(table, columns, report, last ? &*last : nullptr);
  return table.to_string();
}

}  // namespace slo::client
