// SPDX-License-Identifier: GPL-2.0-only
#include "client/print/bars.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/time_span.h"
#include "client/print/cells.h"
#include "client/print/table.h"

namespace slo::client {
namespace {

// On a narrower screen the share is left out, so that a bar still fits.
constexpr std::size_t roomy = 60;
constexpr std::size_t narrowest_bar = 4;
constexpr std::size_t gap = 2;

struct Line {
  std::uint64_t lower_ns = 0;
  std::uint64_t upper_ns = 0;
  std::uint64_t all = 0;
  std::uint64_t last = 0;

  [[nodiscard]] bool holds(std::uint64_t ns) const { return lower_ns <= ns && (ns < upper_ns || is_open()); }
  [[nodiscard]] bool is_open() const { return upper_ns == UINT64_MAX; }
};

std::uint64_t doubled(std::uint64_t ns) {
  return ns > UINT64_MAX / 2 ? UINT64_MAX : 2 * ns;
}

// The powers of two from the first to the last bucket, also those between them that have no values.
std::vector<Line> lines_of(const Histogram& all, const Histogram& of_last) {
  std::vector<Line> lines;
  for (const Bucket& bucket : all) {
    if (lines.empty()) {
      const std::uint64_t lower = std::bit_floor(bucket.lower_ns);
      lines.push_back(
          {.lower_ns = lower,
           .upper_ns = lower == 0 ? std::max<std::uint64_t>(bucket.upper_ns, 1) : doubled(lower)});
    }
    while (!lines.back().is_open() && lines.back().upper_ns <= bucket.lower_ns)
      lines.push_back({.lower_ns = lines.back().upper_ns, .upper_ns = doubled(lines.back().upper_ns)});
    if (bucket.upper_ns == UINT64_MAX) lines.back().upper_ns = UINT64_MAX;
    lines.back().all += bucket.count;
  }
  for (const Bucket& bucket : of_last) {
    const auto line = std::ranges::find_if(lines, [&](const Line& l) { return l.holds(bucket.lower_ns); });
    if (line != lines.end()) line->last += bucket.count;
  }
  return lines;
}

std::string range_text(const Line& line) {
  if (line.is_open()) return format_latency_ns(line.lower_ns) + " or more";
  if (line.lower_ns == 0) return "<" + format_latency_ns(line.upper_ns);
  return format_latency_ns(line.lower_ns) + "-" + format_latency_ns(line.upper_ns);
}

// A few among many are a dot, as a whole character would say too much and none would hide them.
std::string bar(std::uint64_t count, std::uint64_t most, std::size_t width) {
  if (count == 0 || most == 0) return {};
  const auto length = static_cast<std::size_t>(static_cast<double>(count) / static_cast<double>(most) *
                                               static_cast<double>(width));
  return length == 0 ? "." : std::string(std::min(length, width), '#');
}

using Cells = std::vector<std::string>;

// The width of a table of these cells, with the gap before one more column.
std::size_t width_of(const Cells& titles, const std::vector<Cells>& rows) {
  std::size_t total = 0;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    std::size_t widest = titles[i].size();
    for (const Cells& row : rows) widest = std::max(widest, row[i].size());
    total += widest + gap;
  }
  return total;
}

Cells cells_of(const Line& line, std::uint64_t total, bool with_last, bool with_share) {
  Cells cells{range_text(line)};
  if (with_last) cells.push_back(std::to_string(line.last));
  cells.push_back(std::to_string(line.all));
  if (with_share) cells.push_back(percent_text(static_cast<double>(line.all) / static_cast<double>(total)));
  return cells;
}

// What stands below when no line holds the budget.
std::string beyond_text(const std::vector<Line>& lines, const UnitReport& report) {
  if (!report.budget_usec) return {};
  const std::uint64_t budget_ns = to_ns(*report.budget_usec);
  const std::string budget = "The budget, " + budget_text(report.budget_usec) + ", is ";
  if (budget_ns < lines.front().lower_ns) return budget + "shorter than all of these.\n";
  if (lines.back().is_open() || budget_ns < lines.back().upper_ns) return {};
  return budget + "longer than all of these.\n";
}

Cells titles_of(const UnitReport& report, const Interval* last, bool with_share) {
  Cells titles{report.bounds_response() ? "WAIT + CPU TIME" : "WAIT FOR CPU"};
  if (last != nullptr) titles.push_back("LAST " + format_latency_ns(to_ns(last->usec)));
  titles.emplace_back(last != nullptr ? "IN ALL" : "JOBS");
  if (with_share) titles.emplace_back("SHARE");
  return titles;
}

// Empty where no line has it.
std::string mark_text(const UnitReport& report, std::size_t columns) {
  if (!report.budget_usec) return {};
  return columns >= roomy ? "<- budget " + budget_text(report.budget_usec) : "<- budget";
}

Table table_of(const Cells& titles) {
  std::vector<Table::Column> columns;
  for (const std::string& title : titles) columns.push_back({title, Table::Align::right});
  columns.push_back({""});
  return Table(std::move(columns));
}

}  // namespace

std::string bars_text(const UnitReport& report, const Interval* last, std::size_t columns) {
  const bool with_last = last != nullptr;
  const bool with_share = columns >= roomy && !with_last;
  const auto lines =
      lines_of(report.bounded().histogram, with_last ? last->bounded(report).histogram : Histogram());
  if (lines.empty()) return {};

  const auto barred = [with_last](const Line& line) { return with_last ? line.last : line.all; };
  const std::uint64_t most = barred(*std::ranges::max_element(lines, {}, barred));
  std::uint64_t total = 0;
  for (const Line& line : lines) total += line.all;

  const Cells titles = titles_of(report, last, with_share);
  std::vector<Cells> rows;
  rows.reserve(lines.size());
  for (const Line& line : lines) rows.push_back(cells_of(line, total, with_last, with_share));

  const std::string mark = mark_text(report, columns);
  const std::size_t taken = width_of(titles, rows) + (mark.empty() ? 0 : mark.size() + 1);
  const std::size_t room = columns > taken ? columns - taken : 0;
  Table table = table_of(titles);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string tail = room < narrowest_bar ? "" : bar(barred(lines[i]), most, room);
    if (report.budget_usec && lines[i].holds(to_ns(*report.budget_usec)))
      tail += (tail.empty() ? "" : " ") + mark;
    rows[i].push_back(std::move(tail));
    table.add_row(std::move(rows[i]));
  }
  return table.to_string() + beyond_text(lines, report);
}

}  // namespace slo::client
