// SPDX-License-Identifier: GPL-2.0-only
#include "queue_judge.h"

#include <format>
#include <map>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

// Made by the scheduler, not the kernel's.
bool is_own(const Dsq& dsq) {
  return dsq.id != 0 && dsq.cpu == no_cpu;
}

std::uint64_t number_in(const std::map<std::uint64_t, std::uint64_t>& waiting, std::uint64_t queue) {
  const auto found = waiting.find(queue);
  return found != waiting.end() ? found->second : 0;
}

}  // namespace

QueueJudge::QueueJudge(Kernel& kernel, Ext& ext, const Settings& settings)
    : kernel_(kernel), ext_(ext), settings_(settings) {
  kernel.watch(*this);
}

void QueueJudge::looks(std::uint64_t now_ns) {
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + settings_.every_ns;
  if (!ext_.is_attached()) {
    waited_ns_.clear();
    return;
  }
  look_for_lost(now_ns);
  look_at_counts(now_ns);
  look_at_waits(now_ns);
}

// Between two looks, as some turns are shorter.
void QueueJudge::runs(const Task& task, const Cpu& /*cpu*/, std::uint64_t /*now_ns*/) {
  if (task.id < waited_ns_.size()) waited_ns_[task.id] = 0;
}

void QueueJudge::look_for_lost(std::uint64_t now_ns) {
  for (const Task& task : kernel_.tasks())
    if (task.sched_class == &ext_ && task.is_queued() && !task.is_current && task.ext.dsq == nullptr)
      complain("lost", now_ns, std::format("task {} is runnable and in no queue", task.id));
}

// A task that left a queue by itself (its affinity changed, its CPU went away) and came to one of the
// kernel's is counted until it runs or joins the next one.
void QueueJudge::look_at_place(const Task& task, std::uint64_t queue, std::uint64_t now_ns) {
  const bool has_to_be_right =
      !task.is_queued() || task.is_current || (task.ext.dsq != nullptr && is_own(*task.ext.dsq));
  const std::uint64_t waits_in = task.ext.dsq != nullptr ? task.ext.dsq->id : 0;
  if (has_to_be_right && queue != waits_in)
    complain(
        "misplaced", now_ns,
        std::format("task {} waits in queue {:#x}, the scheduler thinks in {:#x}", task.id, waits_in, queue));
}

void QueueJudge::look_at_counts(std::uint64_t now_ns) {
  std::map<std::uint64_t, std::uint64_t> waiting;
  for (const Task& task : kernel_.tasks()) {
    if (task.sched_class != &ext_ || !task.storage) continue;
    const std::uint64_t queue = sim_task_queue(task.storage.get());
    look_at_place(task, queue, now_ns);
    ++waiting[queue];
  }
  for (const auto& [id, dsq] : ext_.dsqs())
    if (const std::uint64_t counted = sim_counted_in(id); counted != number_in(waiting, id))
      complain("miscounted", now_ns,
               std::format("{} tasks wait in queue {:#x}, the scheduler counts {}", number_in(waiting, id),
                           id, counted));
}

bool QueueJudge::is_held_by_real_time(const Task& task) const {
  for (const Cpu& cpu : kernel_.cpus())
    if (cpu.is_online && task.cpus().test(cpu.id) && (cpu.current == nullptr || cpu.current->real_time == 0))
      return false;
  return true;
}

// An SLO task whose key lies ahead has time: that of a unit that is shed, ten seconds.
bool QueueJudge::has_time(const Task& task, std::uint64_t now_ns) const {
  return task.ext.dsq != nullptr && is_slo_queue(*task.ext.dsq) &&
         slo_before(now_ns + boot_ns, task.kernel.scx.dsq_vtime);
}

void QueueJudge::look_at_waits(std::uint64_t now_ns) {
  waited_ns_.resize(kernel_.tasks().size());
  for (const Task& task : kernel_.tasks()) {
    std::uint64_t& waited_ns = waited_ns_[task.id];
    if (!task.is_queued() || task.is_current || task.real_time != 0 || has_time(task, now_ns))
      waited_ns = 0;
    else if (!is_held_by_real_time(task) && !is_parked(task))
      waited_ns += settings_.every_ns;
    if (waited_ns > settings_.wait_max_ns)
      complain("waited", now_ns,
               std::format("task {} has waited for {} s", task.id, settings_.wait_max_ns / 1'000'000'000));
  }
}

}  // namespace slo::sim
