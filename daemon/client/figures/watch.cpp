// SPDX-License-Identifier: GPL-2.0-only
#include "client/figures/watch.h"

#include <algorithm>
#include <utility>

namespace slo::client {

WatchedUnit Watch::compare(const UnitReport& report, std::uint64_t now_usec) const {
  WatchedUnit unit{.report = report, .last = {}};
  if (!before_) return unit;
  const auto old = std::ranges::find(before_->units, report.name, &UnitReport::name);
  if (old == before_->units.end() || old->counted_with || report.counted_with) return unit;
  unit.last = interval_between(*old, report, now_usec - before_usec_);
  unit.counted_anew = !unit.last;
  return unit;
}

Print Watch::take(Reading reading, std::uint64_t now_usec) {
  Print print{.state = reading.state, .reason = reading.reason, .units = {}};
  print.restarted = before_ && before_->daemon != reading.daemon;
  // Its counters may have overtaken the old ones by now, which would look like a difference.
  if (print.restarted) before_.reset();
  for (const UnitReport& report : reading.units) print.units.push_back(compare(report, now_usec));
  before_ = std::move(reading);
  before_usec_ = now_usec;
  return print;
}

std::uint64_t next_due_usec(std::uint64_t due_usec, std::uint64_t interval_usec, std::uint64_t now_usec) {
  const std::uint64_t late = now_usec > due_usec ? now_usec - due_usec : 0;
  return due_usec + (late / interval_usec + 1) * interval_usec;
}

}  // namespace slo::client
