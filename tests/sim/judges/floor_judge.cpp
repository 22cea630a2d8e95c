// SPDX-License-Identifier: GPL-2.0-only
#include "floor_judge.h"

#include <algorithm>
#include <format>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t every_ns = 1'000'000;
// BestEffortGap= as shipped, a tick, and what a look every so often sees too much.
constexpr std::uint64_t limit_ns = 110'000'000;

}  // namespace

bool FloorJudge::holds_one_for(std::uint64_t queue, const Cpu& cpu) const {
  const auto found = ext_.dsqs().find(queue);
  return found != ext_.dsqs().end() &&
         std::ranges::any_of(found->second->entries,
                             [&](const Dsq::Entry& entry) { return entry.task->cpus().test(cpu.id); });
}

bool FloorJudge::is_waited_for(const Cpu& cpu) const {
  return holds_one_for(shared_best_effort | daemon_.shard_of(cpu.id), cpu) ||
         holds_one_for(pinned_best_effort | cpu.id, cpu);
}

void FloorJudge::looks(std::uint64_t now_ns) {
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + every_ns;
  const std::uint64_t passed_ns = now_ns - looked_ns_;
  looked_ns_ = now_ns;
  for (const Cpu& cpu : kernel_.cpus()) {
    std::uint64_t& gap_ns = gap_ns_[cpu.id];
    if (!ext_.is_attached() || cpu.current == nullptr) {
      gap_ns = 0;
      continue;
    }
    if (cpu.current->sched_class != &ext_) continue;
    const slo_u32 runs = sim_cpu_class(cpu.id);
    if (runs == SLO_CLASS_BEST_EFFORT) gap_ns = 0;
    if (runs == SLO_CLASS_SLO && is_waited_for(cpu)) gap_ns += passed_ns;
    if (gap_ns > limit_ns)
      complain("floor", now_ns,
               std::format("best effort waits for CPU {}, which has run {} ms of SLO tasks", cpu.id,
                           gap_ns / 1'000'000));
  }
}

void FloorJudge::runs(const Task& /*task*/, const Cpu& cpu, std::uint64_t /*now_ns*/) {
  if (sim_cpu_class(cpu.id) == SLO_CLASS_BEST_EFFORT) gap_ns_[cpu.id] = 0;
}

}  // namespace slo::sim
