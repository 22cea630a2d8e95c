// SPDX-License-Identifier: GPL-2.0-only
#include "trace_set.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>
#include <span>
#include <utility>

namespace slo::sim {

TraceJobs::TraceJobs(const TraceInfo& info) : info_(info) {
  set_.cpus = std::max<std::uint32_t>(1, info.cpus);
  set_.kernel = info.kernel;
  set_.state = info.state;
  set_.workload.name = "trace";
  for (const TraceUnit& unit : info.units)
    set_.workload.units.push_back({.name = unit.name,
                                   .budget_ns = unit.budget_ns,
                                   .max_exec_ns = unit.max_exec_ns,
                                   .bounds_response = unit.bounds_response});
  set_.jobs.resize(info.units.size(), 0);
  set_.misses.resize(info.units.size(), 0);
}

void TraceJobs::take(const slo_trace_record& record) {
  if (record.kind == SLO_TRACE_LOST) {
    // What they did meanwhile is not known.
    for (auto& [tid, task] : tasks_) task.is_whole = false;
    return;
  }
  Task& task = tasks_[record.tid];
  if (task.unit != record.unit) {
    keep(task);
    task = {};
    task.unit = record.unit;
  }
  if (task.does == Does::runs)
    task.exec_ns += record.time_ns - std::min<std::uint64_t>(record.time_ns, task.since_ns);
  task.since_ns = record.time_ns;
  switch (kind_of(record)) {
    case SLO_TRACE_WAKE:
    case SLO_TRACE_FORK:
      begin_job(task, record.time_ns);
      break;
    case SLO_TRACE_RUN:
      task.does = Does::runs;
      break;
    case SLO_TRACE_STOP:
      task.does = Does::waits;
      break;
    case SLO_TRACE_SLEEP:
      end_job(task, record.time_ns);
      break;
    case SLO_TRACE_EXIT:
      end_job(task, record.time_ns);
      keep(task);
      tasks_.erase(record.tid);
      return;
    default:
      break;
  }
  if ((record.kind & SLO_TRACE_REAL_TIME) != 0) task.is_whole = false;
}

void TraceJobs::begin_job(Task& task, std::uint64_t now_ns) {
  task.does = Does::waits;
  task.is_whole = true;
  task.wake_ns = now_ns;
  task.exec_ns = 0;
}

void TraceJobs::end_job(Task& task, std::uint64_t now_ns) {
  if (!task.is_whole) {
    ++set_.left_out;
  } else {
    const TraceUnit& unit = info_.units[task.unit];
    const std::uint64_t response_ns = now_ns - task.wake_ns;
    const std::uint64_t bounded_ns =
        unit.bounds_response ? response_ns : response_ns - std::min(response_ns, task.exec_ns);
    ++set_.jobs[task.unit];
    if (unit.budget_ns != 0 && bounded_ns > unit.budget_ns) ++set_.misses[task.unit];
    // A job that never ran was killed on its way.
    if (task.exec_ns != 0) task.requests.push_back({task.wake_ns - info_.start_ns, task.exec_ns});
  }
  task.does = Does::unknown;
  task.is_whole = false;
}

// The requests so far become a task.
void TraceJobs::keep(Task& task) {
  if (task.requests.empty()) return;
  auto requests = std::make_shared<const std::vector<Request>>(std::move(task.requests));
  set_.workload.tasks.push_back({.unit = task.unit, .behaviour = Replay{.requests = std::move(requests)}});
}

TraceSet TraceJobs::finish(std::uint64_t end_ns) {
  // In the order of their numbers, so that a trace always gives the same workload.
  std::vector<std::uint32_t> tids;
  for (const auto& [tid, task] : tasks_) tids.push_back(tid);
  std::ranges::sort(tids);
  for (const std::uint32_t tid : tids) {
    Task& task = tasks_.at(tid);
    if (task.does != Does::unknown) ++set_.left_out;
    keep(task);
  }
  tasks_.clear();
  set_.span_ns = end_ns - std::min(end_ns, info_.start_ns);
  return std::move(set_);
}

Result<TraceSet> load_trace(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(Error{"read", path, errno, ""});
  TraceReader reader;
  std::optional<TraceJobs> jobs;
  std::vector<std::byte> piece(std::size_t{1} << 16);
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    const auto read = std::span(piece).first(static_cast<std::size_t>(file.gcount()));
    const auto fed = reader.feed(read, [&](const slo_trace_record& record) {
      if (!jobs) jobs.emplace(*reader.info());
      jobs->take(record);
    });
    if (!fed) return std::unexpected(fed.error());
  }
  if (!reader.info()) return std::unexpected(Error{"read", path, 0, "it ends within its header"});
  if (!jobs) jobs.emplace(*reader.info());
  return jobs->finish(reader.end() ? reader.end()->time_ns : reader.last_ns());
}

}  // namespace slo::sim
