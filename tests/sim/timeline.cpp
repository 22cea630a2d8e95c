// SPDX-License-Identifier: GPL-2.0-only
#include "timeline.h"

#include <string>
#include <utility>

namespace slo::sim {
namespace {

// Tracks are threads of a process in that format.
constexpr int cpus_process = 1;
constexpr int tasks_process = 2;

double in_us(std::uint64_t time_ns) {
  return static_cast<double>(time_ns) / 1000;
}

}  // namespace

Timeline::Timeline(Kernel& kernel, const Workload& workload) : kernel_(kernel), workload_(workload) {
  kernel.watch(*this);
  name_track("process_name", cpus_process, 0, "CPUs");
  name_track("process_name", tasks_process, 0, "waits of tasks");
  for (const Cpu& cpu : kernel.cpus())
    name_track("thread_name", cpus_process, cpu.id, "CPU " + std::to_string(cpu.id));
}

void Timeline::name_track(const char* kind, int process, std::uint64_t thread, const std::string& name) {
  events_.push_back(
      {{"ph", "M"}, {"name", kind}, {"pid", process}, {"tid", thread}, {"args", {{"name", name}}}});
}

std::string Timeline::name_of(const Task& task) const {
  return workload_.units[task.unit].name + "/" + std::to_string(task.id);
}

Timeline::Doing& Timeline::of(const Task& task) {
  while (doing_.size() <= task.id) {
    const Task& next = kernel_.tasks()[doing_.size()];
    name_track("thread_name", tasks_process, next.id, name_of(next));
    doing_.emplace_back();
  }
  return doing_[task.id];
}

void Timeline::end(const Task& task, std::uint64_t now_ns) {
  const Doing done = std::exchange(of(task), Doing{});
  if (!done.is_running && !done.is_waiting) return;
  events_.push_back({{"ph", "X"},
                     {"name", done.is_running ? name_of(task) : "waits"},
                     {"pid", done.is_running ? cpus_process : tasks_process},
                     {"tid", done.is_running ? done.cpu : task.id},
                     {"ts", in_us(done.since_ns)},
                     {"dur", in_us(now_ns - done.since_ns)}});
}

void Timeline::wakes(const Task& task, std::uint64_t now_ns) {
  of(task) = {.is_waiting = true, .since_ns = now_ns};
}

void Timeline::runs(const Task& task, const Cpu& cpu, std::uint64_t now_ns) {
  end(task, now_ns);
  of(task) = {.is_running = true, .cpu = cpu.id, .since_ns = now_ns};
}

void Timeline::stops(const Task& task, bool is_runnable, std::uint64_t now_ns) {
  end(task, now_ns);
  if (is_runnable) of(task) = {.is_waiting = true, .since_ns = now_ns};
}

nlohmann::json Timeline::finish() {
  for (const Task& task : kernel_.tasks()) end(task, kernel_.now_ns());
  return {{"displayTimeUnit", "ms"}, {"traceEvents", std::exchange(events_, nlohmann::json::array())}};
}

}  // namespace slo::sim
