// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bpf/abi/slo_abi.h"
#include "figures/histogram.h"

namespace slo {

// Adds the counters and histograms of `more` (the maxima are maxima).
void add_stats(slo_stats& total, const slo_stats& more);

// How one time is distributed over the jobs of a unit.
struct Distribution {
  std::optional<std::uint64_t> mean_ns;                          // empty without jobs
  std::optional<std::uint64_t> p50_ns, p90_ns, p99_ns, p999_ns;  // empty: not yet known
  std::uint64_t max_ns = 0;
  Histogram histogram = {};
};

// Missed jobs by SLO_CAUSE_*.
struct Causes {
  std::uint64_t late_start = 0;
  std::uint64_t preempted = 0;
  std::uint64_t overlong = 0;
  std::uint64_t overrun = 0;
  std::uint64_t throttled = 0;
};

// One unit's figures at one moment, ready to be shown.
struct UnitStats {
  std::string unit;             // whose counters these are
  std::uint64_t budget_ns = 0;  // UINT64_MAX: no budget
  // As Unit::counted_with; where it is set there are no figures of the unit, and nothing below is known.
  std::optional<std::string> counted_with = {};
  std::uint64_t jobs = 0;
  std::uint64_t misses = 0;
  Causes causes;
  std::uint64_t demotions = 0;
  std::uint64_t renewals = 0;  // of keys of very late jobs, when their turn came
  std::uint64_t exec_ns = 0;
  std::uint64_t key_exec_ns = 0;        // of it, what was served by key; only while enforcing
  std::uint64_t throttled_exec_ns = 0;  // of it, as best effort while a reserve was used up
  std::uint64_t events_suppressed = 0;  // misses without an event, because of the rate limits
  std::uint64_t events_lost = 0;        // events that found no room
  std::optional<double> miss_ratio;     // empty without jobs
  Distribution wait;
  Distribution response;
};

[[nodiscard]] UnitStats make_unit_stats(std::string unit, std::uint64_t budget_ns, const slo_stats& counters);

}  // namespace slo
