// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <sdbus-c++/sdbus-c++.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <map>
#include <string>

#include "bus/documents.h"
#include "manager.h"

namespace slo {

// Microseconds as the bus has them: rounded to nearest; UINT64_MAX stays what it is, infinity.
[[nodiscard]] std::uint64_t to_usec(std::uint64_t ns);

// One bucket of a histogram: its edges in nanoseconds, and how many jobs lie between them.
using EncodedBucket = sdbus::Struct<std::uint64_t, std::uint64_t, std::uint64_t>;

// What GetStats answers. Durations in microseconds, but the edges of histograms exactly and in nanoseconds;
// what is not yet known is absent.
[[nodiscard]] std::map<std::string, sdbus::Variant> encode_stats(const UnitStats& stats);

// The same, appended to a reply. Throws std::system_error.
void append_stats(sd_bus_message* reply, const UnitStats& stats);

// The same under the same names as a JSON object. All keys are there: what is not yet known is null, and so
// is infinity, which is no number of JSON. A bucket of a histogram is an array of three.
[[nodiscard]] std::string stats_json(const UnitStats& stats);

// A limit as a JSON object, with durations in microseconds.
[[nodiscard]] std::string limit_json(const LimitFigures& limit);

// What GetAllStats answers, part by part: stats_json() of every unit with a budget, each as it is at that
// moment, and limit_json() of every limit (null: the scheduler keeps none now, as it does not run). Needs
// memory for one unit at a time. The manager outlives it.
[[nodiscard]] Documents::Parts all_stats(const Manager& manager);

}  // namespace slo
