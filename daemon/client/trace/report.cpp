// SPDX-License-Identifier: GPL-2.0-only
#include "client/trace/report.h"

#include <format>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/time_span.h"
#include "client/print/table.h"

namespace slo::client {
namespace {

using enum Table::Align;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t nsec_per_usec = SLO_NSEC_PER_USEC;

std::string bytes_text(std::uint64_t bytes) {
  constexpr double kib = 1024;
  const auto size = static_cast<double>(bytes);
  if (bytes < 1024) return std::format("{} B", bytes);
  return size < kib * kib ? std::format("{:.1f} KiB", size / kib)
                          : std::format("{:.1f} MiB", size / kib / kib);
}

std::string seconds_text(std::uint64_t ns) {
  constexpr std::uint64_t exact_ns = 100 * SLO_NSEC_PER_MSEC;
  return format_time_span_ns((ns + exact_ns / 2) / exact_ns * exact_ns);
}

std::uint64_t until(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? to_ns - from_ns : 0;
}

const char* end_word(const std::optional<TraceEnd>& end) {
  if (!end) return "cut-short";
  switch (end->reason) {
    case SLO_TRACE_END_TIME:
      return "time";
    case SLO_TRACE_END_INTERRUPTED:
      return "interrupted";
    default:
      return "daemon";
  }
}

// Why it is shorter than it was to be; empty when it is not.
std::string shortened(const std::optional<TraceEnd>& end) {
  if (!end) return "; the file was cut short";
  if (end->reason == SLO_TRACE_END_TIME) return {};
  return end->reason == SLO_TRACE_END_INTERRUPTED ? "; interrupted"
                                                  : "; scx-slod ended it, or the reader was too slow";
}

std::string lost_text(std::uint64_t lost) {
  return lost == 0 ? "none lost" : std::format("{} LOST", lost);
}

std::string budget_text(const TraceUnit& unit) {
  return unit.budget_ns == 0 ? "-" : format_time_span_ns(unit.budget_ns);
}

std::string mean_wait(const UnitTotals& unit) {
  return unit.jobs == 0 ? "-" : format_latency_ns(unit.wait_ns / unit.jobs);
}

std::string totals_table(const TraceTotals& totals) {
  Table table({{"UNIT"},
               {"BUDGET", right},
               {"TASKS", right},
               {"JOBS", right},
               {"MISSES", right},
               {"CPU TIME", right},
               {"WAIT/JOB", right},
               {"MAX WAIT", right},
               {"STOPS", right}});
  for (const UnitTotals& unit : totals.units()) {
    table.add_row({unit.unit.name, budget_text(unit.unit), std::to_string(unit.tids.size()),
                   std::to_string(unit.jobs),
                   unit.unit.budget_ns == 0 ? "-" : std::to_string(unit.over_budget),
                   format_latency_ns(unit.exec_ns), mean_wait(unit),
                   unit.jobs == 0 ? "-" : format_latency_ns(unit.wait_max_ns), std::to_string(unit.stops)});
  }
  return table.to_string();
}

Json unit_json(const UnitTotals& totals) {
  const TraceUnit& unit = totals.unit;
  return {{"unit", unit.name},
          {"control_group_id", unit.cgroup_id},
          {"budget_usec", unit.budget_ns == 0 ? Json(nullptr) : Json(unit.budget_ns / nsec_per_usec)},
          {"max_exec_usec", unit.max_exec_ns == 0 ? Json(nullptr) : Json(unit.max_exec_ns / nsec_per_usec)},
          {"metric", unit.bounds_response ? "response" : "wait"},
          {"tasks", totals.tids.size()},
          {"jobs", totals.jobs},
          {"misses", unit.budget_ns == 0 ? Json(nullptr) : Json(totals.over_budget)},
          {"exec_usec", totals.exec_ns / nsec_per_usec},
          {"wait_usec", totals.wait_ns / nsec_per_usec},
          {"wait_max_usec", totals.jobs == 0 ? Json(nullptr) : Json(totals.wait_max_ns / nsec_per_usec)},
          {"wakes", totals.wakes},
          {"runs", totals.runs},
          {"stops", totals.stops},
          {"sleeps", totals.sleeps},
          {"exits", totals.exits},
          {"real_time_records", totals.real_time}};
}

std::string text(const Json& json) {
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string progress_text(const RecordProgress& progress) {
  const std::uint64_t seconds = (progress.left_ns + SLO_NSEC_PER_SEC - 1) / SLO_NSEC_PER_SEC;
  return std::format("{}s left, {} records, {}, {}", seconds, progress.records, lost_text(progress.lost),
                     bytes_text(progress.bytes));
}

std::string recorded_text(const Recorded& recorded) {
  return std::format("{}: {} records in {}, {}, {}{}\n", printable(recorded.file), recorded.end.records,
                     seconds_text(until(recorded.info.start_ns, recorded.end.time_ns)),
                     lost_text(recorded.end.lost), bytes_text(recorded.bytes), shortened(recorded.end));
}

std::string recorded_json(const Recorded& recorded) {
  return text({{"file", recorded.file},
               {"ended", end_word(recorded.end)},
               {"recorded_usec", until(recorded.info.start_ns, recorded.end.time_ns) / nsec_per_usec},
               {"records", recorded.end.records},
               {"lost", recorded.end.lost},
               {"bytes", recorded.bytes}});
}

std::string trace_text(const ShownTrace& trace, const TraceTotals& totals, std::string_view start) {
  const TraceInfo& info = trace.info;
  const std::uint64_t until_ns = trace.end ? trace.end->time_ns : trace.last_ns;
  Table about({{""}, {""}});
  about.add_row({"Begun", std::string(start)});
  about.add_row({"Recorded", std::format("{} of {}{}", seconds_text(until(info.start_ns, until_ns)),
                                         seconds_text(info.planned_ns), shortened(trace.end))});
  about.add_row({"State", info.state});
  about.add_row(
      {"Machine", std::format("{} CPU{}, Linux {}", info.cpus, info.cpus == 1 ? "" : "s", info.kernel)});
  about.add_row({"Records", std::format("{}, {}", trace.records, lost_text(trace.lost))});
  return about.to_string() + "\n" + totals_table(totals);
}

std::string trace_json(const ShownTrace& trace, const TraceTotals& totals) {
  const TraceInfo& info = trace.info;
  const std::uint64_t until_ns = trace.end ? trace.end->time_ns : trace.last_ns;
  Json units = Json::array();
  for (const UnitTotals& unit : totals.units()) units.push_back(unit_json(unit));
  return text({{"file", trace.file},
               {"ended", end_word(trace.end)},
               {"time_usec", info.start_realtime_ns / nsec_per_usec},
               {"planned_usec", info.planned_ns / nsec_per_usec},
               {"recorded_usec", until(info.start_ns, until_ns) / nsec_per_usec},
               {"state", info.state},
               {"cpus", info.cpus},
               {"kernel", info.kernel},
               {"records", trace.records},
               {"lost", trace.lost},
               {"units", std::move(units)}});
}

std::string record_text(const TraceInfo& info, const slo_trace_record& record) {
  const std::uint64_t since_ns = until(info.start_ns, record.time_ns);
  const std::string time =
      std::format("{:>5}.{:09}", since_ns / SLO_NSEC_PER_SEC, since_ns % SLO_NSEC_PER_SEC);
  if (record.kind == SLO_TRACE_LOST) return std::format("{}  lost {} records\n", time, record.tid);
  const bool real_time = (record.kind & SLO_TRACE_REAL_TIME) != 0;
  return std::format("{}  cpu {:<3} {:<5} {:>7} {}{}\n", time, record.cpu, kind_name(kind_of(record)),
                     record.tid, printable(info.units.at(record.unit).name), real_time ? " real-time" : "");
}

}  // namespace slo::client
