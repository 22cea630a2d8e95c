// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// The arithmetic of deadline_jobs: which jobs there are, what became of them, and the figures printed. No
// clocks. All times are nanoseconds; instants are of one clock, whichever the caller uses.
namespace slo::workload {

// The jobs of one thread: released at first, first + period, … strictly before end.
struct release_grid {
  std::int64_t first = 0;
  std::int64_t period = 1;  // > 0
  std::int64_t end = 0;

  [[nodiscard]] std::size_t count() const {
    return end > first ? static_cast<std::size_t>((end - first + period - 1) / period) : 0;
  }
  [[nodiscard]] std::int64_t release(std::size_t job) const {
    return first + period * static_cast<std::int64_t>(job);
  }
};

// When thread `index` of `threads` (> 0) releases its first job, relative to the common start: spread evenly
// over a period so that the threads of a unit do not all ask at one instant.
[[nodiscard]] inline std::int64_t stagger_offset(std::size_t index, std::size_t threads,
                                                 std::int64_t period) {
  return static_cast<std::int64_t>(index) * period / static_cast<std::int64_t>(threads);
}

// What became of the jobs released in the measured time.
struct job_log {
  std::vector<std::int64_t>
      responses;               // of finished jobs, and the age at the stop of those counted as unfinished
  std::size_t misses = 0;      // responses over the limit, unfinished ones included
  std::size_t unfinished = 0;  // not finished when the run stopped, although their limit had passed
  std::size_t open = 0;        // not finished when the run stopped, limit not yet passed: not judged

  void finished(std::int64_t response, std::int64_t limit) {
    responses.push_back(response);
    misses += response > limit ? 1 : 0;
  }
};

// Accounts for the jobs from `next` on, none of which was finished when the run stopped at `stop`. Jobs
// released before measure_from are warm-up and jobs not released before the stop never were.
inline void close_log(job_log& log, const release_grid& grid, std::size_t next, std::int64_t measure_from,
                      std::int64_t stop, std::int64_t limit) {
  for (std::size_t job = next; job < grid.count() && grid.release(job) < stop; ++job) {
    if (grid.release(job) < measure_from) continue;
    const auto age = stop - grid.release(job);
    if (age > limit) {
      log.finished(age, limit);
      ++log.unfinished;
    } else {
      ++log.open;
    }
  }
}

// Jobs of the grid that are released in [measure_from, stop): all of them must be in the log or open.
[[nodiscard]] inline std::size_t measured_jobs(const release_grid& grid, std::int64_t measure_from,
                                               std::int64_t stop) {
  const release_grid before{grid.first, grid.period, std::min(measure_from, grid.end)};
  const release_grid all{grid.first, grid.period, std::min(stop, grid.end)};
  return all.count() > before.count() ? all.count() - before.count() : 0;
}

// The smallest value that at least permille/1000 of the sorted values do not exceed; values must not be
// empty.
[[nodiscard]] inline std::int64_t quantile(std::span<const std::int64_t> sorted, std::size_t permille) {
  const auto rank = (sorted.size() * permille + 999) / 1000;
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

struct summary {
  std::size_t n = 0;  // jobs judged
  std::size_t misses = 0;
  std::size_t unfinished = 0;
  std::size_t open = 0;
  std::size_t skipped = 0;  // released, yet in none of the above: anything but 0 is a fault of the program
  std::int64_t p50 = 0, p99 = 0, p999 = 0, max = 0;  // of the response; 0 without jobs
};

// `measured` is the sum of measured_jobs() over all threads.
[[nodiscard]] inline summary summarize(std::span<const job_log> logs, std::size_t measured) {
  summary result;
  std::vector<std::int64_t> all;
  for (const auto& log : logs) {
    all.insert(all.end(), log.responses.begin(), log.responses.end());
    result.misses += log.misses;
    result.unfinished += log.unfinished;
    result.open += log.open;
  }
  result.n = all.size();
  result.skipped = measured - std::min(measured, result.n + result.open);
  if (all.empty()) return result;
  std::ranges::sort(all);
  result.p50 = quantile(all, 500);
  result.p99 = quantile(all, 990);
  result.p999 = quantile(all, 999);
  result.max = all.back();
  return result;
}

// How many loop turns to burn before looking at the CPU clock again. Three quarters of what is left, so that
// a calibration that was up to a third off cannot overshoot, and few looks are needed: each is a system call.
[[nodiscard]] inline std::uint64_t next_turns(std::int64_t remaining, double turns_per_ns) {
  const auto turns = static_cast<double>(remaining) * 0.75 * turns_per_ns;
  return std::max<std::uint64_t>(static_cast<std::uint64_t>(std::max(turns, 0.0)), 1);
}

}  // namespace slo::workload
