// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/watch_report.h"

#include <array>
#include <format>
#include <optional>
#include <utility>

#include "base/printable.h"
#include "base/time_span.h"
#include "client/print/bars.h"
#include "client/print/cells.h"
#include "client/print/report.h"
#include "client/print/table.h"
#include "client/print/unit_table.h"

namespace slo::client {
namespace {

using enum Table::Align;

// A cell about the last interval; a dash where there is none.
template <class Figure>
std::string of_last(const WatchedUnit& unit, Figure figure) {
  return unit.last ? figure(*unit.last) : "-";
}

std::string all_units(const std::vector<WatchedUnit>& units) {
  using enum UnitColumn;
  constexpr std::array columns{unit,       budget,     jobs,     jobs_per_second, misses,
                               new_misses, miss_share, p99_wait, max_wait};
  return units.empty() ? no_units_text() : unit_table(units, columns);
}

// The greatest value of an interval is known only to lie in its highest bucket.
std::string greatest_text(const Histogram& histogram) {
  if (histogram.empty()) return "-";
  const Bucket& highest = histogram.back();
  return highest.upper_ns == UINT64_MAX ? format_latency_ns(highest.lower_ns) + " or more"
                                        : "<" + format_latency_ns(highest.upper_ns);
}

// Each row: of the last interval, and of all jobs.
class Figures {
 public:
  explicit Figures(const WatchedUnit& unit)
      : unit_(unit),
        table_({{""},
                {unit.last ? "LAST " + format_latency_ns(to_ns(unit.last->usec)) : "LAST", right},
                {"IN ALL", right}}) {}

  template <class Figure>
  void add(std::string name, Figure last, std::string all) {
    table_.add_row({std::move(name), of_last(unit_, last), std::move(all)});
  }

  // Only causes that there were.
  void add_cause(const char* name, std::uint64_t Causes::* cause) {
    if (unit_.report.causes.*cause == 0) return;
    add(
        name, [cause](const Interval& i) { return std::to_string(i.causes.*cause); },
        std::to_string(unit_.report.causes.*cause));
  }

  void add_quantile(const std::string& name, std::optional<std::uint64_t> Latency::* figure) {
    const UnitReport& report = unit_.report;
    add(
        name, [&](const Interval& i) { return quantile_text(i.bounded(report).*figure, i.jobs); },
        quantile_text(report.bounded().*figure, report.jobs));
  }

  [[nodiscard]] std::string to_string() const { return table_.to_string(); }

 private:
  const WatchedUnit& unit_;
  Table table_;
};

std::string misses_text(std::uint64_t misses, std::optional<double> ratio) {
  return std::format("{} ({})", misses, percent_text(ratio));
}

// Few rows, so that the bars below fit on a terminal of 24 lines too; stats without --watch has the others.
std::string figures_text(const WatchedUnit& unit) {
  const UnitReport& report = unit.report;
  Figures figures(unit);
  figures.add(
      "Jobs", [](const Interval& last) { return std::to_string(last.jobs); }, std::to_string(report.jobs));
  figures.add("Jobs per second", [](const Interval& last) { return rate_text(last.jobs_per_second()); }, "");
  figures.add(
      "Misses", [](const Interval& last) { return misses_text(last.misses, last.miss_ratio()); },
      misses_text(report.misses, report.miss_ratio));
  figures.add_cause("  late-start", &Causes::late_start);
  figures.add_cause("  preempted", &Causes::preempted);
  figures.add_cause("  overlong", &Causes::overlong);
  figures.add_cause("  overrun", &Causes::overrun);
  figures.add_cause("  throttled", &Causes::throttled);
  figures.add(
      "CPU time", [](const Interval& last) { return latency_text(last.exec_usec); },
      latency_text(report.exec_usec));
  const std::string bounded = report.bounds_response() ? "Response " : "Wait ";
  figures.add_quantile(bounded + "p50", &Latency::p50_usec);
  figures.add_quantile(bounded + "p99", &Latency::p99_usec);
  figures.add(
      bounded + "max", [&](const Interval& last) { return greatest_text(last.bounded(report).histogram); },
      latency_text(report.bounded().max_usec));
  return figures.to_string();
}

std::string one_unit(const WatchedUnit& unit, std::string_view asked, std::size_t columns) {
  const UnitReport& report = unit.report;
  std::string text =
      std::format("{}: budget {}, objective {}\n", asked, budget_sentence(report), objective_text(report));
  if (asked != report.name) text += "Settings and figures of " + report.name + ", which it is part of\n";
  if (report.pending) text += std::format("Pending: {}\n", pending_sentence);
  text += "\n";
  if (report.counted_with) return text + "Counted " + counted_sentence(*report.counted_with) + ".\n";
  if (report.jobs == 0) return text + "No job has ended yet.\n";
  text += figures_text(unit);
  const std::string bars = bars_text(report, unit.last ? &*unit.last : nullptr, columns);
  return bars.empty() ? text : text + "\n" + bars;
}

// Why there are dashes where one would expect figures.
std::string remarks(const Print& print) {
  if (print.restarted) return "scx-slo has been started again since the last print and counts from 0.\n";
  std::string names;
  for (const WatchedUnit& unit : print.units)
    if (unit.counted_anew) names += (names.empty() ? "" : ", ") + unit.report.name;
  return names.empty() ? names : "Counted from 0 since the last print: " + names + "\n";
}

}  // namespace

std::string watch_text(const Print& print, std::string_view asked, std::string_view clock,
                       std::size_t columns) {
  std::string text = std::string(clock) + "  " + state_text({.state = print.state, .reason = print.reason});
  text += remarks(print);
  if (asked.empty()) return printable_lines(text + "\n" + all_units(print.units));
  for (const WatchedUnit& unit : print.units) text += one_unit(unit, asked, columns);
  return printable_lines(text);
}

std::string watch_trouble_text(std::string_view explanation, std::string_view clock,
                               std::uint64_t interval_usec) {
  return std::format("{}  {}\nTrying again every {}; Ctrl-C ends this.\n", clock, explanation,
                     format_time_span_ns(to_ns(interval_usec)));
}

}  // namespace slo::client
