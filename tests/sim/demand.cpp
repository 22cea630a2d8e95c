// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor demand criterion (S. Baruah, L. Rosier, R. Howell: Algorithms and Complexity Concerning the
 * Preemptive Scheduling of Periodic, Real-Time Tasks on One Processor, Real-Time Systems 2 (1990)): EDF keeps
 *all deadlines exactly where, for each deadline t after a release of all tasks at 0,
 *
 *	sum over tasks i with D_i <= t of (floor((t - D_i) / T_i) + 1) * C_i  <=  t - taken(t)
 *
 * Here C_i includes what one job costs the CPU: its wakeup, the kick, the switch to it and the one back to
 *whom it preempted. taken(t) is what is not there for the tasks: one turn of the floor at the worst moment
 *and one more per gap between turns, and likewise the ticks.
 *
 *	taken(t) = turn * (1 + floor(t / turn_gap)) + per_tick * (1 + floor(t / tick))
 *
 * A turn of length L is owed when SLO tasks have executed L * (1 - p) / p since the last, so turns are L / p
 * apart for a floor of p. (The scheduler may take turns earlier, where it sees slack: for it this is no
 * guarantee, for an ideal one it is.) Only t below K / (1 - U) can fail, U being the sum of all rates and K
 *that of all constant parts, as both sides are bounded by straight lines.
 */
#include "demand.h"

#include <algorithm>
#include <cmath>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

// Closer to full load, the horizon is further than it is worth to look: such sets do not pass.
constexpr double utilisation_max = 0.995;

struct Line {
  double rate = 0;
  double constant_ns = 0;
};

void add_steps(Line& line, std::uint64_t step_ns, std::uint64_t every_ns, double first_ns) {
  if (step_ns == 0) return;
  const double rate = static_cast<double>(step_ns) / static_cast<double>(every_ns);
  line.rate += rate;
  line.constant_ns += static_cast<double>(step_ns) - rate * first_ns;
}

// An upper bound on demand and what is taken, for all t.
Line bound_of(std::span<const Need> needs, const Overheads& overheads) {
  Line line;
  for (const Need& need : needs) {
    const std::uint64_t cost_ns = need.exec_ns + overheads.per_job_ns;
    add_steps(line, cost_ns, need.period_ns, static_cast<double>(std::min(need.deadline_ns, need.period_ns)));
  }
  if (overheads.turn_ns != 0) add_steps(line, overheads.turn_ns, overheads.turn_gap_ns, 0);
  add_steps(line, overheads.per_tick_ns, overheads.tick_ns, 0);
  return line;
}

std::uint64_t demand_ns(std::span<const Need> needs, const Overheads& overheads, std::uint64_t t_ns) {
  std::uint64_t sum_ns = 0;
  for (const Need& need : needs)
    if (need.deadline_ns <= t_ns)
      sum_ns += ((t_ns - need.deadline_ns) / need.period_ns + 1) * (need.exec_ns + overheads.per_job_ns);
  return sum_ns;
}

struct Job {
  std::uint64_t release_ns = 0;
  std::uint64_t deadline_ns = 0;
  std::uint64_t cost_ns = 0;
};

// By deadline.
std::vector<Job> jobs_until(std::span<const Need> needs, const Overheads& overheads,
                            std::uint64_t horizon_ns) {
  std::vector<Job> jobs;
  for (const Need& need : needs)
    for (std::uint64_t at_ns = need.phase_ns; at_ns + need.deadline_ns <= horizon_ns; at_ns += need.period_ns)
      jobs.push_back({at_ns, at_ns + need.deadline_ns, need.exec_ns + overheads.per_job_ns});
  std::ranges::sort(jobs, {}, &Job::deadline_ns);
  return jobs;
}

}  // namespace

std::vector<Need> needs_of(const Workload& workload) {
  std::vector<Need> needs;
  for (const TaskSpec& task : workload.tasks) {
    const Unit& unit = workload.units[task.unit];
    const auto* periodic = std::get_if<Periodic>(&task.behaviour);
    if (periodic == nullptr || unit.budget_ns == 0) continue;
    needs.push_back({.exec_ns = periodic->exec_ns,
                     .period_ns = periodic->period_ns,
                     .deadline_ns = unit.budget_ns + (unit.bounds_response ? 0 : periodic->exec_ns),
                     .phase_ns = periodic->phase_ns});
  }
  return needs;
}

Overheads overheads_of(const Machine& machine, const Workload& workload, const Policy& policy) {
  Overheads overheads{.per_job_ns = machine.wakeup_ns + machine.kick_ns + 2 * machine.switch_ns,
                      .tick_ns = machine.tick_ns,
                      .per_tick_ns = machine.tick_cost_ns};
  const auto is_best_effort = [&](const TaskSpec& task) { return workload.units[task.unit].budget_ns == 0; };
  const std::uint64_t permille = policy.tunables.best_effort_floor_permille;
  if (permille == 0 || std::ranges::none_of(workload.tasks, is_best_effort)) return overheads;
  std::uint64_t smallest_ns = 0;
  for (const Unit& unit : workload.units)
    if (unit.budget_ns != 0 && (smallest_ns == 0 || unit.budget_ns < smallest_ns))
      smallest_ns = unit.budget_ns;
  const std::uint64_t turn_ns = slo_floor_turn_ns(smallest_ns);
  overheads.turn_ns = turn_ns + machine.kick_ns + 2 * machine.switch_ns;
  overheads.turn_gap_ns = turn_ns * 1000 / permille;
  return overheads;
}

std::uint64_t taken_ns(const Overheads& overheads, std::uint64_t window_ns) {
  std::uint64_t sum_ns = 0;
  if (overheads.turn_ns != 0) sum_ns += overheads.turn_ns * (1 + window_ns / overheads.turn_gap_ns);
  if (overheads.per_tick_ns != 0) sum_ns += overheads.per_tick_ns * (1 + window_ns / overheads.tick_ns);
  return sum_ns;
}

bool fits_at_any_phase(std::span<const Need> needs, const Overheads& overheads) {
  const Line bound = bound_of(needs, overheads);
  if (bound.rate > utilisation_max) return false;
  const double horizon_ns = std::max(0.0, bound.constant_ns) / (1 - bound.rate);
  for (const Need& need : needs)
    for (std::uint64_t t_ns = need.deadline_ns; static_cast<double>(t_ns) <= horizon_ns;
         t_ns += need.period_ns)
      if (demand_ns(needs, overheads, t_ns) + taken_ns(overheads, t_ns) > t_ns) return false;
  return true;
}

bool fits_at_phases(std::span<const Need> needs, const Overheads& overheads, std::uint64_t horizon_ns) {
  const auto jobs = jobs_until(needs, overheads, horizon_ns);
  for (const Job& first : jobs) {
    std::uint64_t demanded_ns = 0;
    for (const Job& job : jobs) {
      if (job.release_ns < first.release_ns) continue;
      demanded_ns += job.cost_ns;
      const std::uint64_t window_ns = job.deadline_ns - first.release_ns;
      if (demanded_ns + taken_ns(overheads, window_ns) > window_ns) return false;
    }
  }
  return true;
}

}  // namespace slo::sim
