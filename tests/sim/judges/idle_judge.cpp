// SPDX-License-Identifier: GPL-2.0-only
#include "idle_judge.h"

#include <algorithm>
#include <utility>

namespace slo::sim {

IdleJudge::IdleJudge(Kernel& kernel) : kernel_(kernel) {
  kernel.watch(*this);
}

void IdleJudge::waits(const Task& task, std::uint64_t /*now_ns*/) {
  if (place_.size() <= task.id) place_.resize(task.id + 1, UINT32_MAX);
  if (place_[task.id] != UINT32_MAX) return;
  place_[task.id] = static_cast<std::uint32_t>(waiting_.size());
  waiting_.push_back({.task = &task});
}

void IdleJudge::end(Waiting& waiting, std::uint64_t now_ns) {
  if (waiting.since_ns == never) return;
  if (!waiting.is_told) look_at_limit(waiting, now_ns);
  waiting.is_told = waiting.is_heard = false;
  --beside_;
  const std::uint64_t beside_ns = now_ns - std::exchange(waiting.since_ns, never);
  if (beside_ns <= longest_ns_) return;
  longest_ns_ = beside_ns;
  longest_at_ns_ = now_ns;
  longest_task_ = waiting.task->id;
}

void IdleJudge::look_at_limit(Waiting& waiting, std::uint64_t now_ns) {
  const std::uint64_t from_ns = std::max(waiting.since_ns, waiting.here_ns);
  if (waiting.is_heard || now_ns - from_ns <= limit_ns_) return;
  waiting.is_told = true;
  waiting.is_heard = listener_(*waiting.task, from_ns);
}

// A change of what it is puts it into another queue: whom that one belongs to could not help before.
void IdleJudge::look_at_place(Waiting& waiting, std::uint64_t now_ns) {
  const Task& task = *waiting.task;
  if (waiting.sched_class == task.sched_class && waiting.dsq == task.ext.dsq) return;
  waiting.sched_class = task.sched_class;
  waiting.dsq = task.ext.dsq;
  waiting.here_ns = now_ns;
}

void IdleJudge::remove(const Task& task, std::uint64_t now_ns) {
  if (place_.size() <= task.id || place_[task.id] == UINT32_MAX) return;
  const std::uint32_t place = std::exchange(place_[task.id], UINT32_MAX);
  end(waiting_[place], now_ns);
  waiting_[place] = waiting_.back();
  waiting_.pop_back();
  if (place < waiting_.size()) place_[waiting_[place].task->id] = place;
}

void IdleJudge::runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t now_ns) {
  remove(task, now_ns);
}

void IdleJudge::stops(const Task& task, bool is_runnable, std::uint64_t now_ns) {
  if (is_runnable)
    waits(task, now_ns);
  else
    remove(task, now_ns);
}

void IdleJudge::switches(const Cpu& cpu, std::uint64_t /*now_ns*/) {
  idle_.set(cpu.id, cpu.is_online && cpu.current == nullptr);
}

void IdleJudge::looks(std::uint64_t now_ns) {
  if (online_ != kernel_.online()) {
    online_ = kernel_.online();
    for (const Cpu& cpu : kernel_.cpus()) switches(cpu, now_ns);
  }
  const bool any = idle_.any();
  if (waiting_.empty() || (!any && beside_ == 0)) return;
  for (Waiting& waiting : waiting_) {
    look_at_place(waiting, now_ns);
    if (!any || is_parked(*waiting.task) || !(waiting.task->cpus() & idle_).any()) {
      end(waiting, now_ns);
    } else if (waiting.since_ns == never) {
      waiting.since_ns = now_ns;
      ++beside_;
    } else {
      look_at_limit(waiting, now_ns);
    }
  }
}

}  // namespace slo::sim
