// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/totals.h"

#include <algorithm>

namespace slo::client {

TraceTotals::TraceTotals(const TraceInfo& info) {
  for (const TraceUnit& unit : info.units) units_.push_back({.unit = unit});
}

void TraceTotals::take(const slo_trace_record& record) {
  if (record.kind == SLO_TRACE_LOST) {
    tasks_.clear();  // what they did meanwhile is not known
    return;
  }
  UnitTotals& unit = units_.at(record.unit);
  Task& task = tasks_[record.tid];
  if (task.unit != record.unit) task = {.unit = record.unit};
  unit.tids.insert(record.tid);
  unit.real_time += (record.kind & SLO_TRACE_REAL_TIME) != 0 ? 1 : 0;
  pass(task, unit, record.time_ns);
  switch (kind_of(record)) {
    case SLO_TRACE_WAKE:
    case SLO_TRACE_FORK:
      ++unit.wakes;
      task.does = Does::waits;
      task.whole = true;
      task.wait_ns = task.exec_ns = 0;
      break;
    case SLO_TRACE_RUN:
      ++unit.runs;
      task.does = Does::runs;
      break;
    case SLO_TRACE_STOP:
      ++unit.stops;
      task.does = Does::waits;
      break;
    case SLO_TRACE_SLEEP:
      ++unit.sleeps;
      end_job(task, unit);
      break;
    case SLO_TRACE_EXIT:
      ++unit.exits;
      end_job(task, unit);
      tasks_.erase(record.tid);
      break;
    default:
      break;
  }
}

void TraceTotals::pass(Task& task, UnitTotals& unit, std::uint64_t now_ns) {
  const std::uint64_t passed_ns = now_ns - std::min(now_ns, task.since_ns);
  task.since_ns = now_ns;
  if (task.does == Does::waits) {
    task.wait_ns += passed_ns;
    unit.wait_ns += passed_ns;
  } else if (task.does == Does::runs) {
    task.exec_ns += passed_ns;
    unit.exec_ns += passed_ns;
  }
}

void TraceTotals::end_job(Task& task, UnitTotals& unit) {
  if (task.whole) {
    ++unit.jobs;
    unit.wait_max_ns = std::max(unit.wait_max_ns, task.wait_ns);
    const std::uint64_t bounded_ns = task.wait_ns + (unit.unit.bounds_response ? task.exec_ns : 0);
    if (unit.unit.budget_ns != 0 && bounded_ns > unit.unit.budget_ns) ++unit.over_budget;
  }
  task.does = Does::unknown;
  task.whole = false;
}

}  // namespace slo::client
