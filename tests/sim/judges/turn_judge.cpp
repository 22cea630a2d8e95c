// SPDX-License-Identifier: GPL-2.0-only
#include "turn_judge.h"

#include <algorithm>
#include <format>
#include <utility>

#include "bpf/policy/policy.h"

namespace slo::sim {
namespace {

constexpr std::uint64_t every_ns = 100'000;
// A tick, which looks for those that woke when a run had only just begun; a turn of best effort (1 ms),
// MinRun=, the interval of KickRate= and a few switches.
constexpr std::uint64_t at_once_ns = 6'000'000;
// BestEffortSlice= as shipped, two ticks, and what a look every so often sees too much.
constexpr std::uint64_t slice_ns = 30'000'000;
// Of virtual time: rounding.
constexpr std::uint64_t margin_ns = 1'000;

bool is_queue_of(const Dsq& dsq, std::uint64_t shared, std::uint64_t pinned) {
  const std::uint64_t kind = dsq.id >> 32 << 32;
  return dsq.cpu == no_cpu && (kind == shared || kind == pinned);
}

}  // namespace

const Task* TurnJudge::only_one_waiting() const {
  const Task* found = nullptr;
  for (const auto& [id, dsq] : ext_.dsqs()) {
    if (dsq->size() == 0 || is_parking_queue(*dsq)) continue;
    if (found != nullptr || dsq->size() > 1 || is_slo_queue(*dsq)) return nullptr;
    if (is_queue_of(*dsq, shared_best_effort, pinned_best_effort)) found = dsq->first();
  }
  return found;
}

// In the queue of its CPU, or of that CPU's shard.
bool TurnJudge::waits_in_own(const Task& task, std::uint64_t shared, std::uint64_t pinned) const {
  const Dsq* dsq = task.ext.dsq;
  return dsq != nullptr &&
         (dsq->id == (shared | daemon_.shard_of(task.cpu())) || dsq->id == (pinned | task.cpu()));
}

bool TurnJudge::has_had_more(const Task& task, std::uint64_t now_ns) const {
  const Cpu& cpu = kernel_.cpu(task.cpu());
  if (cpu.current == nullptr || cpu.current->sched_class != &ext_ || !task.cpus().test(cpu.id) ||
      cpu.ext.local.size() != 0 || sim_cpu_class(cpu.id) != SLO_CLASS_BEST_EFFORT ||
      !waits_in_own(task, shared_best_effort, pinned_best_effort))
    return false;
  if (sim_goes_first(cpu.current->storage.get()) != 0) return false;
  return slo_before(task.kernel.scx.dsq_vtime + margin_ns,
                    sim_running_vtime(cpu.current->storage.get(), now_ns + boot_ns));
}

bool TurnJudge::is_to_give_way_at_once(const Task& task, std::uint64_t now_ns) const {
  const Cpu& cpu = kernel_.cpu(task.cpu());
  if (now_ns < forgiving_until_ns_ || std::ranges::any_of(
                                          kernel_.cpus(),
                                          [&](const Cpu& one) {
                                            return one.is_online && one.current == nullptr &&
                                                   task.cpus().test(one.id);
                                          }))
    return false;
  const bool waits_idle = sim_is_idle_by_weight(task.storage.get()) != 0;
  const bool runs_idle = sim_is_idle_by_weight(cpu.current->storage.get()) != 0;
  if (waits_idle != runs_idle) return runs_idle;
  return slo_before(sim_ran_from_ns(cpu.id) + SLO_BEST_EFFORT_RUN_NS, now_ns + boot_ns);
}

bool TurnJudge::has_woken(const Task& task) const {
  return task.id < has_run_.size() && has_run_[task.id] && std::ranges::find(woken_, &task) != woken_.end();
}

void TurnJudge::look_at_credit(const Task& task, std::uint64_t now_ns) {
  if (!ext_.is_attached() || task.sched_class != &ext_ || !task.storage ||
      !waits_in_own(task, shared_best_effort, pinned_best_effort) || sim_goes_first(task.storage.get()) != 0)
    return;
  std::uint64_t begin = clocks_[daemon_.shard_of(task.cpu())];
  if (sim_cpu_class(task.cpu()) == SLO_CLASS_BEST_EFFORT && slo_before(sim_begun_vtime(task.cpu()), begin))
    begin = sim_begun_vtime(task.cpu());
  const std::uint64_t credit_ns = slo_vtime_credit_max_ns(sim_weight(task.storage.get()));
  if (slo_before(task.kernel.scx.dsq_vtime + credit_ns + margin_ns, begin))
    complain("credit", now_ns,
             std::format("task {} wakes {} us behind", task.id, (begin - task.kernel.scx.dsq_vtime) / 1000));
}

void TurnJudge::look_at_turn(const Task* task, std::uint64_t now_ns) {
  if (task == nullptr || !has_had_more(*task, now_ns)) {
    waiting_ = nullptr;
    return;
  }
  if (waiting_ != task) {
    waiting_ = task;
    since_ns_ = now_ns;
    at_once_ = has_woken(*task) && is_to_give_way_at_once(*task, now_ns);
  }
  if (now_ns - since_ns_ > (at_once_ ? at_once_ns : slice_ns))
    complain("turn", now_ns,
             std::format("task {} waits for CPU {}, which runs what has had more", task->id, task->cpu()));
}

void TurnJudge::looks(std::uint64_t now_ns) {
  for (const Task* task : woken_) look_at_credit(*task, now_ns);
  if (ext_.is_attached())
    for (std::uint32_t shard = 0; shard < daemon_.shards(); ++shard) clocks_[shard] = sim_clock(shard);
  if (woken_.empty() && now_ns < next_ns_) return;
  next_ns_ = now_ns + every_ns;
  look_at_turn(ext_.is_attached() ? only_one_waiting() : nullptr, now_ns);
  woken_.clear();
}

void TurnJudge::runs(const Task& task, const Cpu& cpu, std::uint64_t /*now_ns*/) {
  if (has_run_.size() <= task.id) has_run_.resize(task.id + 1);
  has_run_[task.id] = true;
  if (&task == waiting_ || (waiting_ != nullptr && waiting_->cpu() == cpu.id)) waiting_ = nullptr;
}

}  // namespace slo::sim
