// SPDX-License-Identifier: GPL-2.0-only
#include "counter_judge.h"

#include <format>
#include <numeric>

namespace slo::sim {

CounterJudge::CounterJudge(Kernel& kernel, Ext& ext, Daemon& daemon)
    : kernel_(kernel), ext_(ext), daemon_(daemon) {
  kernel.watch(*this);
}

CounterJudge::Job& CounterJudge::job_of(const Task& task) {
  if (jobs_.size() <= task.id) jobs_.resize(task.id + 1);
  return jobs_[task.id];
}

std::uint32_t CounterJudge::unit_of(const Task& task) const {
  std::uint32_t unit = task.unit;
  while (unit != no_unit && daemon_.unit(unit).budget_ns == 0) unit = daemon_.unit(unit).slice;
  return unit;
}

void CounterJudge::wakes(const Task& task, std::uint64_t now_ns) {
  Job& job = job_of(task);
  if (!ext_.is_attached() || task.real_time != 0 || job.job.state != SLO_JOB_NONE) return;
  job.unit = unit_of(task);
  job.counts = job.unit != no_unit;
  job.is_sure = !kernel_.here().ext.is_bypassing;
  if (job.counts) {
    job.budget_ns = daemon_.unit(job.unit).budget_ns;
    job.flags = daemon_.unit(job.unit).bounds_response ? SLO_CFG_RESPONSE : 0U;
  }
  slo_job_wakes(&job.job, now_ns);
}

void CounterJudge::runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t now_ns) {
  slo_job& job = job_of(task).job;
  if (job.state != SLO_JOB_NONE) slo_job_runs(&job, now_ns);
}

void CounterJudge::stops(const Task& task, bool is_runnable, std::uint64_t now_ns) {
  Job& job = job_of(task);
  slo_job_stops(&job.job, now_ns);
  slo_job_end end{};
  if (is_runnable || slo_job_sleeps(&job.job, now_ns, &end) == 0) return;
  const std::uint32_t unit = unit_of(task);
  // One of which the scheduler heard later may have moved before that.
  if (!job.is_sure && unit != no_unit)
    ++sums_of(unit).unsure;
  else if (job.counts && unit == job.unit)
    count(job, end);
}

CounterJudge::Sums& CounterJudge::sums_of(std::uint32_t unit) {
  if (sums_.size() <= unit) sums_.resize(unit + 1);
  return sums_[unit];
}

void CounterJudge::count(const Job& job, const slo_job_end& end) {
  Sums& sums = sums_of(job.unit);
  ++sums.jobs;
  if (slo_job_miss_ns(&end, job.budget_ns, job.flags) != 0) ++sums.misses;
  sums.wait_ns += end.wait_ns;
  sums.exec_ns += end.exec_ns;
}

void CounterJudge::forget(const Task& task) {
  job_of(task) = {};
}

void CounterJudge::begin_anew() {
  jobs_.clear();
  sums_.clear();
}

void CounterJudge::compare(std::uint64_t now_ns) {
  for (std::uint32_t unit = 0; unit < sums_.size(); ++unit) compare(unit, daemon_.stats(unit), now_ns);
}

void CounterJudge::compare(std::uint32_t unit, const slo_stats& counted, std::uint64_t now_ns) {
  const Sums& sums = sums_[unit];
  const auto is_within = [&](std::uint64_t value, std::uint64_t least) {
    return value >= least && value <= least + sums.unsure;
  };
  const std::uint64_t causes = std::accumulate(std::begin(counted.misses_by_cause),
                                               std::end(counted.misses_by_cause), std::uint64_t{0});
  if (!is_within(counted.jobs, sums.jobs))
    complain("jobs", now_ns,
             std::format("unit {} has ended {} jobs, {} are counted", unit, sums.jobs, counted.jobs));
  else if (!is_within(counted.misses, sums.misses) || causes != counted.misses)
    complain("misses", now_ns,
             std::format("unit {} has missed {} jobs, {} are counted, {} of them by cause", unit, sums.misses,
                         counted.misses, causes));
  else if (sums.unsure == 0 && (counted.wait_sum_ns != sums.wait_ns || counted.exec_sum_ns != sums.exec_ns))
    complain("times", now_ns,
             std::format("jobs of unit {} waited {} ns and executed {} ns, counted are {} and {}", unit,
                         sums.wait_ns, sums.exec_ns, counted.wait_sum_ns, counted.exec_sum_ns));
  else if (counted.key_exec_ns > counted.exec_sum_ns + counted.renewals * 1'000'000'000)
    complain("times", now_ns, std::format("unit {} executed more by key than in all", unit));
}

}  // namespace slo::sim
