// SPDX-License-Identifier: GPL-2.0-only
#include "parking_judge.h"

#include <format>

#include "bpf/policy/limit.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t every_ns = 1'000'000;
// They are looked at every SLO_PARKED_LOOK_NS.
constexpr std::uint64_t let_go_ns = 10'000'000;

bool is_called(const Task& task) {
  return task.is_killed() || (task.kernel.jobctl & JOBCTL_TRAP_FREEZE) != 0;
}

}  // namespace

void ParkingJudge::runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t /*now_ns*/) {
  if (task.id < parked_.size()) parked_[task.id] = {};
}

void ParkingJudge::looks(std::uint64_t now_ns) {
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + every_ns;
  waiting_.reset();
  parked_.resize(kernel_.tasks().size());
  if (!ext_.is_attached()) parked_.assign(parked_.size(), {});
  for (const Task& task : kernel_.tasks()) {
    Parked& parked = parked_[task.id];
    if (is_parked(task))
      look_at(task, parked, now_ns);
    else
      parked.in_vain_ns = parked.called_ns = 0;
  }
}

// Tasks with the same limit that wait for a CPU. Counted once for all who ask: a whole crowd does.
unsigned ParkingJudge::waiting_with(const Task& task) {
  if (!waiting_) {
    waiting_.emplace();
    for (const Task& other : kernel_.tasks())
      if (other.ext.dsq != nullptr && !is_parked(other)) ++(*waiting_)[sim_limit_of(other.storage.get())];
  }
  return (*waiting_)[sim_limit_of(task.storage.get())];
}

void ParkingJudge::look_at(const Task& task, Parked& parked, std::uint64_t now_ns) {
  const std::int64_t left_ns = sim_limit_left_ns(task.storage.get(), now_ns + boot_ns);
  const bool is_in_vain = left_ns > 0 && sim_shortest_run_ns() * waiting_with(task) < left_ns;
  parked.ns += every_ns;
  parked.in_vain_ns = is_in_vain ? parked.in_vain_ns + every_ns : 0;
  parked.called_ns = is_called(task) ? parked.called_ns + every_ns : 0;
  if (parked.ns > SLO_LIMIT_WAIT_MAX_NS + let_go_ns)
    complain("parked", now_ns,
             std::format("task {} has waited {} ms for a limit", task.id, parked.ns / 1'000'000));
  if (parked.in_vain_ns > let_go_ns)
    complain("in-vain", now_ns, std::format("task {} waits for a limit that has something left", task.id));
  if (parked.called_ns > let_go_ns)
    complain("called", now_ns,
             std::format("task {} is to end, or to be frozen, and waits for a limit", task.id));
}

}  // namespace slo::sim
