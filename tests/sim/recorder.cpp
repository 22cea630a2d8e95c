// SPDX-License-Identifier: GPL-2.0-only
#include "recorder.h"

#include <algorithm>

namespace slo::sim {

Recorder::Recorder(const Workload& workload, const Machine& machine)
    : units_(workload.units), doing_(machine.cpus, Doing::nothing), doing_since_ns_(machine.cpus, 0) {
  record_.units.resize(workload.units.size());
  record_.cpus.resize(machine.cpus);
  record_.task_exec_ns.resize(workload.tasks.size(), 0);
}

void Recorder::judge(const Task& task, const slo_job_end& end) {
  const Unit& unit = units_[task.unit];
  if (unit.budget_ns == 0) return;
  const slo_u32 flags = unit.bounds_response ? SLO_CFG_RESPONSE : 0;
  if (slo_job_miss_ns(&end, unit.budget_ns, flags) == 0) return;
  ++record_.units[task.unit].misses;
  ++record_.units[task.unit].misses_by_cause[slo_job_cause(&end, unit.budget_ns, max_exec_ns(unit), flags)];
}

void Recorder::ends_job(const Task& task, const slo_job_end& end) {
  UnitRecord& unit = record_.units[task.unit];
  ++unit.jobs;
  unit.waits_ns.push_back(end.wait_ns);
  unit.responses_ns.push_back(end.response_ns);
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

void Recorder::executes(TaskId id, const Task& task, std::uint64_t exec_ns) {
  record_.task_exec_ns[id] += exec_ns;
  record_.units[task.unit].exec_ns += exec_ns;
}

void Recorder::does(CpuId cpu, Doing doing, std::uint64_t now_ns) {
  pass(now_ns);
  if (doing_[cpu] == Doing::best_effort) --best_effort_running_;
  if (doing == Doing::best_effort) ++best_effort_running_;
  record_.cpus[cpu].time_ns[static_cast<std::size_t>(doing_[cpu])] += now_ns - doing_since_ns_[cpu];
  doing_[cpu] = doing;
  doing_since_ns_[cpu] = now_ns;
}

void Recorder::pass(std::uint64_t now_ns) {
  const std::uint64_t passed_ns = now_ns - passed_ns_;
  record_.idle_beside_waiting_ns += std::min(queued_, idle_) * passed_ns;
  gap_ns_ = best_effort_waiting_ != 0 && best_effort_running_ == 0 ? gap_ns_ + passed_ns : 0;
  record_.best_effort_gap_ns = std::max(record_.best_effort_gap_ns, gap_ns_);
  passed_ns_ = now_ns;
}

void Recorder::waits(const Task& task, std::uint64_t now_ns) {
  pass(now_ns);
  if (is_best_effort(task)) ++best_effort_waiting_;
}

void Recorder::runs(const Task& task, std::uint64_t now_ns) {
  pass(now_ns);
  if (is_best_effort(task)) --best_effort_waiting_;
}

void Recorder::queued(bool enters, std::uint64_t now_ns) {
  pass(now_ns);
  queued_ += enters ? 1 : std::uint64_t{0} - 1;
}

void Recorder::idles(bool enters, std::uint64_t now_ns) {
  pass(now_ns);
  idle_ += enters ? 1 : std::uint64_t{0} - 1;
}

Record Recorder::finish(const std::vector<Task>& unfinished, std::uint64_t now_ns) {
  pass(now_ns);
  for (CpuId cpu = 0; cpu < doing_.size(); ++cpu) does(cpu, Doing::nothing, now_ns);
  for (const Task& task : unfinished) {
    if (task.job.state == SLO_JOB_NONE) continue;
    slo_job job = task.job;
    slo_job_end end{};
    slo_job_sleeps(&job, now_ns, &end);
    const std::uint64_t misses = record_.units[task.unit].misses;
    judge(task, end);
    if (record_.units[task.unit].misses != misses) ++record_.units[task.unit].jobs;
    if (is_late(task, now_ns)) {
      ++record_.units[task.unit].requests;
      ++record_.units[task.unit].late;
    }
  }
  record_.span_ns = now_ns;
  return record_;
}

}  // namespace slo::sim
