// SPDX-License-Identifier: GPL-2.0-only
#include "client/figures/interval.h"

#include <algorithm>

namespace slo::client {
namespace {

constexpr double usec_per_sec = 1e6;
constexpr std::uint64_t nsec_per_usec = 1000;

// Subtracts counters, and remembers whether one of them went back.
class Difference {
 public:
  std::uint64_t operator()(std::uint64_t before, std::uint64_t now) {
    if (now >= before) return now - before;
    went_back_ = true;
    return 0;
  }

  Causes operator()(const Causes& before, const Causes& now) {
    return {.late_start = (*this)(before.late_start, now.late_start),
            .preempted = (*this)(before.preempted, now.preempted),
            .overlong = (*this)(before.overlong, now.overlong),
            .overrun = (*this)(before.overrun, now.overrun),
            .throttled = (*this)(before.throttled, now.throttled)};
  }

  Histogram operator()(const Histogram& before, const Histogram& now) {
    Histogram difference;
    auto old = before.begin();
    for (Bucket bucket : now) {
      // A bucket that had values has them for ever.
      if (old != before.end() && old->lower_ns < bucket.lower_ns) went_back_ = true;
      if (old != before.end() && old->lower_ns == bucket.lower_ns)
        bucket.count = (*this)((old++)->count, bucket.count);
      if (bucket.count > 0) difference.push_back(bucket);
    }
    if (old != before.end()) went_back_ = true;
    return difference;
  }

  [[nodiscard]] bool went_back() const { return went_back_; }

 private:
  bool went_back_ = false;
};

Latency make_latency(Histogram histogram, std::optional<std::uint64_t> max_usec) {
  const std::uint64_t max = max_usec.value_or(UINT64_MAX);
  const std::uint64_t max_ns = max > UINT64_MAX / nsec_per_usec ? UINT64_MAX : max * nsec_per_usec;
  const auto figure = [&](double q) {
    return quantile_ns(histogram, q, max_ns).transform([](std::uint64_t ns) {
      return (ns + nsec_per_usec / 2) / nsec_per_usec;
    });
  };
  Latency latency{
      .p50_usec = figure(0.5), .p90_usec = figure(0.9), .p99_usec = figure(0.99), .p999_usec = figure(0.999)};
  latency.histogram = std::move(histogram);
  return latency;
}

}  // namespace

double Interval::jobs_per_second() const {
  return usec == 0 ? 0 : static_cast<double>(jobs) * usec_per_sec / static_cast<double>(usec);
}

std::optional<double> Interval::miss_ratio() const {
  if (jobs == 0) return {};
  // A miss may be counted a moment before its job is.
  return std::min(1.0, static_cast<double>(misses) / static_cast<double>(jobs));
}

std::optional<Interval> interval_between(const UnitReport& before, const UnitReport& now,
                                         std::uint64_t usec) {
  Difference difference;
  Interval interval{.usec = usec,
                    .jobs = difference(before.jobs, now.jobs),
                    .misses = difference(before.misses, now.misses),
                    .causes = difference(before.causes, now.causes),
                    .demotions = difference(before.demotions, now.demotions),
                    .exec_usec = difference(before.exec_usec, now.exec_usec)};
  Histogram wait = difference(before.wait.histogram, now.wait.histogram);
  Histogram response = difference(before.response.histogram, now.response.histogram);
  if (difference.went_back()) return {};
  interval.wait = make_latency(std::move(wait), now.wait.max_usec);
  interval.response = make_latency(std::move(response), now.response.max_usec);
  return interval;
}

}  // namespace slo::client
