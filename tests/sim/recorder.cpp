// SPDX-License-Identifier: GPL-2.0-only
#include "recorder.h"

#include <algorithm>
#include <utility>

namespace slo::sim {

Recorder::Recorder(Kernel& kernel, const Workload& workload)
    : kernel_(kernel), units_(workload.units), places_(kernel.machine().cpus) {
  record_.units.resize(workload.units.size());
  record_.cpus.resize(kernel.machine().cpus);
  kernel.watch(*this);
}

slo_job& Recorder::job_of(const Task& task) {
  if (jobs_.size() <= task.id) {
    jobs_.resize(task.id + 1);
    record_.task_exec_ns.resize(task.id + 1);
    record_.task_waits_ns.resize(task.id + 1);
  }
  return jobs_[task.id];
}

void Recorder::judge(const Task& task, const slo_job_end& end) {
  const Unit& unit = units_[task.unit];
  if (unit.budget_ns == 0) return;
  const slo_u32 flags = unit.bounds_response ? SLO_CFG_RESPONSE : 0;
  if (slo_job_miss_ns(&end, unit.budget_ns, flags) == 0) return;
  ++record_.units[task.unit].misses;
  ++record_.units[task.unit].misses_by_cause[slo_job_cause(&end, unit.budget_ns, max_exec_ns(unit), flags)];
}

void Recorder::wakes(const Task& task, std::uint64_t now_ns) {
  pass(now_ns);
  slo_job_wakes(&job_of(task), now_ns);
  if (is_best_effort(task)) ++best_effort_waiting_;
}

void Recorder::runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) {
  pass(now_ns);
  slo_job_runs(&job_of(task), now_ns);
  if (is_best_effort(task)) --best_effort_waiting_;
  Place& place = places_[cpu.id];
  place.doing = task.sched_class->is_urgent(task) ? Doing::slo : Doing::best_effort;
  if (place.doing == Doing::best_effort) ++best_effort_running_;
  const std::uint64_t switch_ns = kernel_.machine().switch_ns;
  record_.cpus[cpu.id].time_ns[static_cast<std::size_t>(Doing::switching)] += switch_ns;
  place.since_ns = now_ns + switch_ns;
}

void Recorder::stops(const Task& task, bool is_runnable, std::uint64_t now_ns) {
  pass(now_ns);
  slo_job& job = job_of(task);
  slo_job_stops(&job, now_ns);
  if (is_runnable) {
    if (is_best_effort(task)) ++best_effort_waiting_;
    return;
  }
  slo_job_end end{};
  if (slo_job_sleeps(&job, now_ns, &end) == 0) return;
  UnitRecord& unit = record_.units[task.unit];
  ++unit.jobs;
  unit.waits_ns.push_back(end.wait_ns);
  unit.responses_ns.push_back(end.response_ns);
  record_.task_waits_ns[task.id].push_back(end.wait_ns);
  judge(task, end);
}

bool Recorder::is_late(const Task& task, std::uint64_t now_ns) const {
  const Unit& unit = units_[task.unit];
  const std::uint64_t covered_ns = unit.budget_ns + (unit.bounds_response ? 0 : task.request.exec_ns);
  return unit.budget_ns != 0 && now_ns > task.request.release_ns + covered_ns;
}

void Recorder::ends_request(const Task& task, std::uint64_t now_ns) {
  ++record_.units[task.unit].requests;
  if (is_late(task, now_ns)) ++record_.units[task.unit].late;
}

void Recorder::executes(const Task& task, std::uint64_t exec_ns) {
  record_.task_exec_ns[task.id] += exec_ns;
  record_.units[task.unit].exec_ns += exec_ns;
}

void Recorder::close(CpuId cpu, std::uint64_t now_ns) {
  Place& place = places_[cpu];
  if (place.doing == Doing::best_effort) --best_effort_running_;
  record_.cpus[cpu].time_ns[static_cast<std::size_t>(place.doing)] += slo_elapsed_ns(place.since_ns, now_ns);
  place = {.doing = Doing::nothing, .since_ns = now_ns};
}

void Recorder::switches(const Cpu& cpu, std::uint64_t now_ns) {
  pass(now_ns);
  close(cpu.id, now_ns);
  ++record_.cpus[cpu.id].switches;
}

void Recorder::pass(std::uint64_t now_ns) {
  const std::uint64_t passed_ns = now_ns - std::exchange(passed_ns_, now_ns);
  gap_ns_ = best_effort_waiting_ != 0 && best_effort_running_ == 0 ? gap_ns_ + passed_ns : 0;
  record_.best_effort_gap_ns = std::max(record_.best_effort_gap_ns, gap_ns_);
}

Record Recorder::finish() {
  const std::uint64_t now_ns = kernel_.now_ns();
  pass(now_ns);
  for (CpuId cpu = 0; cpu < places_.size(); ++cpu) close(cpu, now_ns);
  for (const Task& task : kernel_.tasks()) {
    slo_job job = job_of(task);
    slo_job_end end{};
    if (slo_job_sleeps(&job, now_ns, &end) == 0) continue;
    UnitRecord& unit = record_.units[task.unit];
    const std::uint64_t misses = unit.misses;
    judge(task, end);
    if (unit.misses != misses) ++unit.jobs;
    record_.task_waits_ns[task.id].push_back(end.wait_ns);
    if (!is_late(task, now_ns)) continue;
    ++unit.requests;
    ++unit.late;
  }
  for (CpuId cpu = 0; cpu < places_.size(); ++cpu) record_.cpus[cpu].kicks = kernel_.cpu(cpu).kicks;
  record_.span_ns = now_ns;
  return record_;
}

}  // namespace slo::sim
