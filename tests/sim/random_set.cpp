// SPDX-License-Identifier: GPL-2.0-only
#include "random_set.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "demand.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t ms = SLO_NSEC_PER_MSEC;
constexpr std::uint32_t tries_max = 2000;
constexpr std::uint64_t exec_min_ns = 50 * SLO_NSEC_PER_USEC;

// Each order of magnitude is as likely as another.
std::uint64_t log_uniform(Random& random, std::uint64_t least, std::uint64_t most) {
  const double low = std::log(static_cast<double>(least));
  const double high = std::log(static_cast<double>(most));
  return static_cast<std::uint64_t>(std::exp(low + (high - low) * fraction(random)));
}

// A job is due before the next is released, so that it is always clear which one was late. False: that leaves
// no room for a budget.
bool add_task(Workload& workload, Random& random, double share) {
  const std::uint64_t period_ns = log_uniform(random, 10 * ms, 200 * ms);
  const auto exec_ns = static_cast<std::uint64_t>(share * static_cast<double>(period_ns));
  if (exec_ns < exec_min_ns || period_ns < exec_ns + ms) return false;
  const std::uint64_t budget_ns = log_uniform(random, ms, std::min(100 * ms, period_ns - exec_ns));
  const auto unit = static_cast<std::uint32_t>(workload.units.size());
  workload.units.push_back({.name = "unit" + std::to_string(unit), .budget_ns = budget_ns});
  workload.tasks.push_back(
      {.unit = unit,
       .behaviour =
           Periodic{.exec_ns = exec_ns, .period_ns = period_ns, .phase_ns = below(random, period_ns)}});
  return true;
}

std::optional<Workload> try_set(Random& random, const RandomSetSpec& spec) {
  Workload workload;
  for (const double share : uunifast(random, spec.tasks_per_cpu, spec.utilisation))
    if (!add_task(workload, random, share)) return {};
  add_hogs(workload, spec.hogs_per_cpu);
  return workload;
}

std::optional<Workload> one_cpu_set(Random& random, const Machine& machine, const Policy& policy,
                                    const RandomSetSpec& spec) {
  for (std::uint32_t tries = 0; tries < tries_max; ++tries) {
    auto workload = try_set(random, spec);
    if (!workload) continue;
    if (!spec.is_feasible || fits_at_any_phase(needs_of(*workload), overheads_of(machine, *workload, policy)))
      return workload;
  }
  return {};
}

}  // namespace

// E. Bini, G. Buttazzo: Measuring the Performance of Schedulability Tests, Real-Time Systems 30 (2005).
std::vector<double> uunifast(Random& random, std::uint32_t count, double sum) {
  std::vector<double> shares;
  for (std::uint32_t left = count; left > 1; --left) {
    const double rest = sum * std::pow(fraction(random), 1.0 / (left - 1));
    shares.push_back(sum - rest);
    sum = rest;
  }
  if (count != 0) shares.push_back(sum);
  return shares;
}

std::optional<Workload> random_set(Random& random, const Machine& machine, const Policy& policy,
                                   const RandomSetSpec& spec) {
  Workload all{.name = "random", .units = {}, .tasks = {}};
  for (std::uint32_t cpu = 0; cpu < machine.cpus; ++cpu) {
    const auto one = one_cpu_set(random, machine, policy, spec);
    if (!one) return {};
    const auto offset = static_cast<std::uint32_t>(all.units.size());
    all.units.insert(all.units.end(), one->units.begin(), one->units.end());
    for (TaskSpec task : one->tasks) {
      task.unit += offset;
      all.tasks.push_back(std::move(task));
    }
  }
  return all;
}

}  // namespace slo::sim
