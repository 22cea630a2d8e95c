// SPDX-License-Identifier: GPL-2.0-only
#include "real_time.h"

#include <algorithm>

#include "kernel.h"

namespace slo::sim {

std::map<RealTime::Key, Task*>& RealTime::waiting(CpuId cpu) {
  if (waiting_.size() <= cpu) waiting_.resize(cpu + 1);
  return waiting_[cpu];
}

// Where it was, unless somebody as urgent runs there and not everywhere.
CpuId RealTime::select_cpu(Task& task, Change /*change*/, bool /*is_sync*/) {
  const auto is_free = [&](CpuId cpu) {
    const Task* current = kernel_.cpu(cpu).current;
    return task.cpus().test(cpu) && kernel_.cpu(cpu).is_online &&
           (current == nullptr || current->real_time < task.real_time);
  };
  if (is_free(task.cpu())) return task.cpu();
  for (CpuId cpu = 0; cpu < kernel_.machine().cpus; ++cpu)
    if (is_free(cpu)) return cpu;
  return task.cpu();
}

void RealTime::enqueue(Cpu& cpu, Task& task, Change change) {
  if (change == Change::restore && task.is_current) return;
  waiting(cpu.id)[{99 - task.real_time, ++last_}] = &task;
}

void RealTime::dequeue(Cpu& cpu, Task& task, Change /*change*/) {
  std::erase_if(waiting(cpu.id), [&](const auto& entry) { return entry.second == &task; });
}

Task* RealTime::pick(Cpu& cpu, Task* prev) {
  const auto& queue = waiting(cpu.id);
  if (queue.empty()) return prev;
  Task* first = queue.begin()->second;
  return prev != nullptr && prev->real_time >= first->real_time ? prev : first;
}

// Who is preempted stays the first of its priority.
void RealTime::put_prev(Cpu& cpu, Task& prev, const Task* /*next*/) {
  if (prev.is_queued()) waiting(cpu.id)[{99 - prev.real_time, --first_}] = &prev;
}

void RealTime::set_next(Cpu& cpu, Task& next) {
  dequeue(cpu, next, Change::restore);
}

// What runs was put among those that wait while it changes.
void RealTime::leaves(Task& task) {
  dequeue(kernel_.cpu(task.cpu()), task, Change::restore);
}

void RealTime::wakeup_preempt(Cpu& cpu, Task& woken) {
  if (woken.real_time > cpu.current->real_time) kernel_.ask_to_look(cpu);
}

}  // namespace slo::sim
