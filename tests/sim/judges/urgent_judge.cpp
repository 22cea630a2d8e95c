// SPDX-License-Identifier: GPL-2.0-only
#include "urgent_judge.h"

#include <format>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t every_ns = 100'000;
// A turn of best effort (1 ms), MinRun=, the interval of KickRate= and a few switches.
constexpr std::uint64_t limit_ns = 2'000'000;

}  // namespace

const Task* UrgentJudge::only_one_waiting() const {
  const Task* found = nullptr;
  for (const auto& [id, dsq] : ext_.dsqs()) {
    if (!is_slo_queue(*dsq) || dsq->size() == 0) continue;
    if (found != nullptr || dsq->size() > 1) return nullptr;
    found = dsq->first();
  }
  return found;
}

bool UrgentJudge::should_run(const Task& task, std::uint64_t now_ns) const {
  const Cpu& cpu = kernel_.cpu(task.cpu());
  if (cpu.current == nullptr || cpu.current->sched_class != &ext_ || !task.cpus().test(cpu.id) ||
      cpu.ext.local.size() != 0)
    return false;
  const slo_u32 runs = sim_cpu_class(cpu.id);
  if (runs != SLO_CLASS_SLO) return runs == SLO_CLASS_BEST_EFFORT;
  const std::uint64_t now = now_ns + boot_ns;
  const std::uint64_t key = task.kernel.scx.dsq_vtime;
  return slo_before(key, now) &&
         slo_before(key + SLO_PREEMPT_MARGIN_NS, sim_running_key(cpu.current->storage.get(), now));
}

void UrgentJudge::looks(std::uint64_t now_ns) {
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + every_ns;
  const Task* task = ext_.is_attached() ? only_one_waiting() : nullptr;
  if (task == nullptr || !should_run(*task, now_ns)) {
    waiting_ = nullptr;
    return;
  }
  if (waiting_ != task) {
    waiting_ = task;
    since_ns_ = now_ns;
  }
  const std::uint64_t tick_ns = since_ns_ < forgiving_until_ns_ ? kernel_.machine().tick_ns : 0;
  if (now_ns - since_ns_ > limit_ns + tick_ns)
    complain("urgent", now_ns,
             std::format("task {} waits for CPU {}, which runs what is less urgent", task->id, task->cpu()));
}

void UrgentJudge::runs(const Task& task, const Cpu& cpu, std::uint64_t /*now_ns*/) {
  if (&task == waiting_ || (waiting_ != nullptr && waiting_->cpu() == cpu.id)) waiting_ = nullptr;
}

}  // namespace slo::sim
